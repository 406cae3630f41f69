"""Exported models in the runtimes that they are for, held against Keras."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import quiet
from zoo.exporting.formats import require
from zoo.prediction import decide


def open_exported(path: str | os.PathLike) -> Callable[[np.ndarray], np.ndarray]:
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
    """
    predict = open_exported(path)
    expected = np.concatenate([model.predict_on_batch(image[None])["logits"] for image in images])
    logits = np.concatenate([predict(image[None]) for image in images])
    if not (np.isfinite(logits).all() and np.isfinite(expected).all()):
        raise ValueError("`model` must give finite logits, before and after the export. Received: NaN or infinity")
    return np.abs(logits - expected), (decide(logits) == decide(expected)).mean()
