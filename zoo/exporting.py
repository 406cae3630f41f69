"""Trained models as files that need neither Keras nor this package."""

import importlib
import os
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import files, quiet
from zoo.prediction import check_model, decide

MAX_SIDE = 2048  # pixels; a U-Net takes 2 GB for one such image


def export(model, folder, format, image_size=None, quantize_on=None, name=None, classes=None, overwrite=False):
    """Writes a model for ONNX Runtime, for LiteRT (built-in operators alone) or as TensorFlow's SavedModel.

    The file takes `image`, images in [0, 1], and gives `logits`, as the Keras model does. The batch may have
    any size. ONNX and LiteRT files hold this description, too. A model of mixed precision is written in float32.

    Examples:
        >>> export(keras.saving.load_model("unet.keras"), ".", "onnx")  # doctest: +SKIP
        PosixPath('unet.onnx')

    Args:
        model: Keras model from images (b, h, w, c), RGB or grey, to logits (b, h, w, classes).
        folder: where to write; made if missing.
        format: "onnx", "litert" or "saved_model".
        image_size: side in pixels of the images that the file takes, up to `MAX_SIDE`, "dynamic" for any
            height and width that the model can halve, or `None` for the model's own size.
        quantize_on: for LiteRT: images (n, h, w, c), float32 of the size above. If given, the network
            computes in 8-bit integers, whose ranges are chosen on these images; images and logits
            stay float32, and the size must be fixed.
        name: of the file, without its ending; by default the model's.
        classes: names of the classes, for the description.
        overwrite: whether an export of the same name is replaced; it is there until the new one is whole.

    Returns:
        The path of the file or folder, which has `_int8` after its name if quantized.

    Raises:
        ValueError: if an argument is not as above, or a weight is not finite.
        FileExistsError: if the name is taken and may not be replaced: a folder that is no SavedModel never is.
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
    if wrong := [weight.path for weight in model.weights if not np.isfinite(weight.numpy()).all()]:
        raise ValueError(f"`model` must have finite weights. Received: NaN or infinity in {', '.join(wrong[:3])}")
    ready = resize(model, image_size)
    if classes is not None and len(classes) != ready.output_shape[-1]:
        raise ValueError(f"`classes` must name each of {ready.output_shape[-1]} logits. Received: {classes}")
    shapes = {np.shape(image) for image in (() if quantize_on is None else quantize_on)}
    if quantize_on is not None and shapes != {ready.input_shape[1:]}:
        raise ValueError(
            f"`quantize_on` must hold at least one image, each {ready.input_shape[1:]}. Received: {shapes or 'none'}"
        )
    path = Path(folder) / file_name(model.name if name is None else name, format, quantize_on is not None)
    if path.is_dir() and not (path / "saved_model.pb").exists():
        raise FileExistsError(f"{path} is a folder, and no SavedModel. Move it, or name another folder.")
    with files.write_whole(path, overwrite) as unfinished, quiet.silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converters' own
        FORMATS[format][1](ready, unfinished, quantize_on, describe(ready, classes))
    return path


def file_name(name, format, quantized=False):
    """The name of an exported file or folder."""
    if name in ("", ".", "..") or Path(name).name != name:
        raise ValueError(f"`name` must be the name of a file, without a folder. Received: name={name!r}")
    return f"{name}{'_int8' if quantized else ''}{FORMATS[format][0]}"


def resize(model, image_size):
    """The model for images of another size, in float32, with names for what goes in and out."""
    if image_size not in (None, "dynamic") and not (isinstance(image_size, int) and 1 <= image_size <= MAX_SIDE):
        raise ValueError(f"`image_size` must be from 1 to {MAX_SIDE} pixels. Received: image_size={image_size!r}")
    height, width, channels = check_model(model, any_size=True)
    if image_size == "dynamic":
        height = width = None
    elif image_size is not None:
        height = width = image_size
    image = keras.Input((height, width, channels), name="image")
    try:
        exact = model.__class__.from_config(in_float32(model.get_config()))
        resized = keras.models.clone_model(exact, input_tensors=image)
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


def in_float32(config):
    """A model's configuration with 32 bits in the place of 16, which the runtimes do not have."""
    if isinstance(config, dict):
        return {key: in_float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(map(in_float32, config))
    return "float32" if config in ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16") else config


def describe(model, classes=None):
    """What the file takes and gives, in words; `model` is what `resize` returned."""
    height, width, channels = ("any" if side is None else side for side in model.input_shape[1:])
    logits = model.output_shape[-1]
    names = f" ({', '.join(classes)})" if classes else ""
    means = f"one for each class{names}; the largest wins" if logits > 1 else f"above 0 for class 1{names}"
    return (
        f"image: float32 (batch, {height}, {width}, {channels}), {'grey' if channels == 1 else 'RGB'} in [0, 1]. "
        f"logits: float32 (batch, {height}, {width}, {logits}), {means}."
    )


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
        images: float32 (h, w, c) in [0, 1] each; one is computed at a time.

    Returns:
        The differences of their logits, an array (b, h, w, classes), and the share of pixels on whose
        class they agree.

    Raises:
        ValueError: if a logit is not finite.
    """
    predict = open_exported(path)
    expected = np.concatenate([model.predict_on_batch(image[None])["logits"] for image in images])
    logits = np.concatenate([predict(image[None]) for image in images])
    if not (np.isfinite(logits).all() and np.isfinite(expected).all()):
        raise ValueError("`model` must give finite logits, before and after the export. Received: NaN or infinity")
    return np.abs(logits - expected), (decide(logits) == decide(expected)).mean()


def require(name):
    """Imports a package that only exports need."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise RuntimeError(
            f"The package {name.partition('.')[0]} is missing. Exports need: "
            "`python -m pip install --editable '.[export]'`"
        ) from None
