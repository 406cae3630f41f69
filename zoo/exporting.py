"""Trained models as files that need neither Keras nor this package."""

import importlib
import os
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import data, quiet


def export(model, folder, format, image_size=None, quantize_on=None):
    """Writes a model for ONNX Runtime, for LiteRT (built-in operators alone) or as TensorFlow's SavedModel.

    The file takes `image`, RGB images in [0, 1], and gives `logits`, as the Keras model does. The batch may
    have any size. ONNX and LiteRT files hold this description, too.

    Examples:
        >>> export(keras.saving.load_model("unet.keras"), ".", "onnx")  # doctest: +SKIP
        PosixPath('unet.onnx')

    Args:
        model: Keras model from images (b, h, w, c) to logits (b, h, w, classes).
        folder: where to write; made if missing. An export of the same name is replaced.
        format: "onnx", "litert" or "saved_model".
        image_size: side in pixels of the images that the file takes, "dynamic" for any height and
            width that the model can halve, or `None` for the model's own size.
        quantize_on: for LiteRT: images (n, h, w, c), float32 of the size above. If given, the network
            computes in 8-bit integers, whose ranges are chosen on these images; images and logits
            stay float32, and the size must be fixed.

    Returns:
        The path of the file or folder, which is named after the model, with `_int8` if quantized.

    Raises:
        ValueError: if an argument is not as above.
        FileExistsError: if a folder that is no SavedModel has the name of the one to write.
        RuntimeError: if a package for the format is missing, or the backend is not TensorFlow.
    """
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}. Received: format={format!r}")
    if quantize_on is not None and (format != "litert" or image_size == "dynamic"):
        raise ValueError(
            "Only LiteRT files of a fixed size can be quantized. "
            f"Received: format={format!r}, image_size={image_size!r}"
        )
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Exports need KERAS_BACKEND=tensorflow. Received: {keras.backend.backend()}")
    if format == "onnx":
        require("tf2onnx")
    ready = resize(model, image_size)
    ending, write = FORMATS[format]
    path = Path(folder) / f"{model.name}{'' if quantize_on is None else '_int8'}{ending}"
    if path.is_dir() and not (path / "saved_model.pb").exists():
        raise FileExistsError(f"{path} is a folder, and no SavedModel. Move it, or name another folder.")
    unfinished = path.with_name(f"unfinished.{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with quiet.silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converters' own
        write(ready, unfinished, quantize_on)
    with tempfile.TemporaryDirectory(dir=path.parent) as old:
        if path.is_dir():  # cannot be replaced, but moved
            os.replace(path, Path(old) / path.name)
        os.replace(unfinished, path)
    return path


def resize(model, image_size):
    """The model for images of another size, with names for what goes in and out."""
    height, width, channels = model.input_shape[1:]
    if image_size == "dynamic":
        height = width = None
    elif image_size is not None:
        height = width = image_size
    image = keras.Input((height, width, channels), name="image")
    try:
        resized = keras.models.clone_model(model, input_tensors=image)
        fits = image_size is None or resized.output_shape[1:3] == (height, width)
    except ValueError:  # from a layer that joins two maps
        fits = False
    if not fits:
        raise ValueError(
            "`image_size` must be a side that the model can halve on its way down: for the zoo's, a multiple of 16. "
            f"Received: image_size={image_size!r}"
        )
    resized.set_weights(model.get_weights())
    return keras.Model(image, {"logits": resized(image)}, name=model.name)


def describe(model):
    """What the file takes and gives, in words."""
    height, width, channels = ("any" if side is None else side for side in model.input_shape[1:])
    classes = model.output_shape[-1]
    names = f" ({', '.join(data.CLASSES)})" if classes == len(data.CLASSES) else ""
    return (
        f"image: float32 (batch, {height}, {width}, {channels}), RGB in [0, 1]. "
        f"logits: float32 (batch, {height}, {width}, {classes}), one for each class{names}; the largest wins."
    )


def write_onnx(model, path, quantize_on):
    """Writes an ONNX file with a description."""
    onnx = require("onnx")
    signature = [keras.InputSpec(shape=model.input_shape, dtype="float32", name="image")]
    model.export(path, format="onnx", verbose=False, input_signature=signature)
    written = onnx.load(path)
    written.doc_string = describe(model)
    onnx.save(written, path)


def write_litert(model, path, quantize_on):
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
    written.description = describe(model)
    flatbuffers.write_model(written, str(path))


def write_saved_model(model, path, quantize_on):
    """Writes the folder of a SavedModel."""
    model.export(path, format="tf_saved_model", verbose=False)


FORMATS = {  # how the names of their files end, and who writes them
    "onnx": (".onnx", write_onnx),
    "litert": (".tflite", write_litert),
    "saved_model": ("", write_saved_model),
}


def open_exported(path):
    """Opens an exported model in the runtime that it is for, which uses all CPU cores.

    Args:
        path: what `export` returned.

    Returns:
        A function from images, float32 (b, h, w, c) in [0, 1], to logits, a NumPy array (b, h, w, classes).

    Raises:
        RuntimeError: if the runtime's package is missing.
    """
    path = Path(path)
    if path.suffix == ".onnx":
        session = require("onnxruntime").InferenceSession(path)
        return lambda images: session.run(["logits"], {"image": images})[0]
    if path.suffix == ".tflite":
        with quiet.silence():
            interpreter = require("ai_edge_litert.interpreter").Interpreter(str(path), num_threads=os.cpu_count())

        entry = interpreter.get_input_details()[0]["index"]

        def predict(images):
            with quiet.silence():
                interpreter.resize_tensor_input(entry, (1, *images.shape[1:]))
                interpreter.allocate_tensors()
            signature = interpreter.get_signature_runner()
            return np.concatenate([signature(image=image[None])["logits"] for image in images])

        return predict
    loaded = tf.saved_model.load(str(path))  # its functions do not keep it alive
    return lambda images: loaded.serve(images)["logits"].numpy()


def compare(path, model, images):
    """Holds an exported model against the Keras model.

    Args:
        path: what `export` returned.
        model: what `resize` returned for the same size.
        images: float32 (b, h, w, c) in [0, 1].

    Returns:
        The differences of their logits, an array (b, h, w, classes), and the share of pixels on whose
        class they agree.
    """
    expected, logits = model.predict_on_batch(images)["logits"], open_exported(path)(images)
    return np.abs(logits - expected), (logits.argmax(-1) == expected.argmax(-1)).mean()


def require(name):
    """Imports a package that only exports need."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise RuntimeError(
            f"The package {name.partition('.')[0]} is missing. Exports need: "
            "`python -m pip install --editable '.[export]'`"
        ) from None
