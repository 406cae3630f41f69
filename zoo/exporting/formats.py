"""Who writes which format."""

import importlib

import keras
import tensorflow as tf


def write_onnx(model, path, quantize_on, description):
    """Writes an ONNX file with a description."""
    onnx = require("onnx")
    signature = [keras.InputSpec(shape=model.input_shape, dtype="float32", name="image")]
    model.export(path, format="onnx", verbose=False, input_signature=signature)
    written = onnx.load(path)
    written.doc_string = description
    onnx.save(written, path)


def write_litert(model, path, quantize_on, description):
    """Writes a LiteRT file with a description, in floating point or in 8-bit integers."""
    operators = tf.lite.OpsSet.TFLITE_BUILTINS
    options = {}
    if quantize_on is not None:
        operators = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
        options["representative_dataset"] = lambda: ([image[None]] for image in quantize_on)
    model.export(path, format="litert", verbose=False, target_spec={"supported_ops": [operators]}, **options)
    flatbuffers = importlib.import_module("tensorflow.lite.tools.flatbuffer_utils")
    written = flatbuffers.read_model(str(path))
    written.description = description
    flatbuffers.write_model(written, str(path))


def write_saved_model(model, path, quantize_on, description):
    """Writes the folder of a SavedModel."""
    model.export(path, format="tf_saved_model", verbose=False)


FORMATS = {  # how the names of their files end, and who writes them
    "onnx": (".onnx", write_onnx),
    "litert": (".tflite", write_litert),
    "saved_model": ("", write_saved_model),
}


def require(name):
    """Imports a package that only exports need."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise RuntimeError(
            f"The package {name.partition('.')[0]} is missing. Exports need: "
            "`python -m pip install --editable '.[export]'`"
        ) from None
