"""The formats of exported models: who writes each, in which runtime it is opened, and whether that answers as Keras."""

import contextlib
import importlib
import inspect
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf

from zoo import quiet
from zoo.errors import explain, first_line
from zoo.prediction import decide


def write_onnx(
    model: keras.Model,
    path: Path,
    quantize_on: Sequence[np.ndarray] | None,
    description: str,
    classes: Sequence[str] | None,
) -> None:
    """Writes an ONNX file with a description, and names of classes, as JSON, in its metadata."""
    onnx = require("onnx")
    signature = [keras.InputSpec(shape=model.input_shape, dtype="float32", name="image")]
    model.export(path, format="onnx", verbose=False, input_signature=signature)
    written = onnx.load(path)
    written.doc_string = description
    if classes is not None:
        written.metadata_props.add(key="classes", value=json.dumps([*classes], ensure_ascii=False))
    onnx.save(written, path)


def write_litert(
    model: keras.Model,
    path: Path,
    quantize_on: Sequence[np.ndarray] | None,
    description: str,
    classes: Sequence[str] | None,
) -> None:
    """Writes a LiteRT file with a description, in floating point or in 8-bit integers."""
    operators = tf.lite.OpsSet.TFLITE_BUILTINS
    options = {}
    if quantize_on is not None:
        operators = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
        options["representative_dataset"] = lambda: ([image[None]] for image in quantize_on)
    model.export(str(path), format="litert", verbose=False, target_spec={"supported_ops": [operators]}, **options)
    flatbuffers = importlib.import_module("tensorflow.lite.tools.flatbuffer_utils")
    written = flatbuffers.read_model(str(path))
    written.description = description
    flatbuffers.write_model(written, str(path))


def write_saved_model(
    model: keras.Model,
    path: Path,
    quantize_on: Sequence[np.ndarray] | None,
    description: str,
    classes: Sequence[str] | None,
) -> None:
    """Writes the folder of a SavedModel, with a description in TensorFlow's own place for other files."""
    can_be_quiet = "verbose" in inspect.signature(model.export).parameters  # from Keras 3.6 on
    model.export(path, format="tf_saved_model", **({"verbose": False} if can_be_quiet else {}))
    extra = Path(path) / "assets.extra"
    extra.mkdir()
    (extra / "description.txt").write_text(f"{description}\n", encoding="utf-8")


FORMATS = {  # how the names of their files end, who writes them, and from which Keras on
    "onnx": (".onnx", write_onnx, (3, 8)),
    "litert": (".tflite", write_litert, (3, 13)),
    "saved_model": ("", write_saved_model, (3, 3)),
}


def check_keras(format: str) -> None:
    """Refuses a format that this version of Keras does not write."""
    needed = FORMATS[format][2]
    if tuple(map(int, keras.__version__.split(".")[:2])) < needed:
        raise RuntimeError(f"Format {format} needs Keras >= {needed[0]}.{needed[1]}. Received: {keras.__version__}")


@contextlib.contextmanager
def as_runtime_error() -> Iterator[None]:
    """Makes a `RuntimeError` of one line from what converters and runtimes raise: much of it is a bare `Exception`."""
    try:
        yield
    except Exception as error:
        if explain(error) is not None:
            raise
        raise RuntimeError(first_line(error)) from error


@as_runtime_error()
def open_exported(path: str | os.PathLike) -> Callable[[np.ndarray], np.ndarray]:
    """Opens an exported model in the runtime that it is for, which uses all CPU cores.

    Args:
        path: what `export` returned.

    Returns:
        A function from images, float32 (b, h, w, c) in [0, 1], to logits, a NumPy array (b, h, w, classes).

    Raises:
        RuntimeError: if the runtime's package is missing, or it cannot open the file.
    """
    path = Path(path)
    if path.suffix == ".onnx" and path.is_file():  # a SavedModel's folder may bear such a name
        session = require("onnxruntime").InferenceSession(path)
        return lambda images: session.run(["logits"], {"image": images})[0]
    if path.suffix == ".tflite" and path.is_file():
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
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "model"  # TensorFlow takes a path with brackets for a pattern
        plain.symlink_to(path.resolve(), target_is_directory=True)
        loaded = tf.saved_model.load(str(plain))  # its functions do not keep it alive
    return lambda images: loaded.serve(images)["logits"].numpy()


def compare(path: str | os.PathLike, model: keras.Model, images: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
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
        RuntimeError: if the runtime fails.
    """
    predict = as_runtime_error()(open_exported(path))
    expected = np.concatenate([model.predict_on_batch(image[None])["logits"] for image in images])
    logits = np.concatenate([predict(image[None]) for image in images])
    if not (np.isfinite(logits).all() and np.isfinite(expected).all()):
        raise ValueError("`model` must give finite logits, before and after the export. Received: NaN or infinity")
    return np.abs(logits - expected), (decide(logits) == decide(expected)).mean()


def require(name: str) -> ModuleType:
    """Imports a package that only exports need."""
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0].replace("_", "-")
        raise RuntimeError(
            f"The package {package} is missing, which this format needs: `python -m pip install {package}`"
        ) from None
