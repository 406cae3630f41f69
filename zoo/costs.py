"""What a prediction of a model costs: multiply-adds, time and memory."""

import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from zoo import fresh, quiet
from zoo.layers import DenseWindow2D, SlidingWindow2D

CONVOLUTIONS = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D),
)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
UNCOUNTED = (layers.Lambda, layers.Dot, layers.Attention, layers.AdditiveAttention)
UNCOUNTED_OPERATIONS = (
    *("attention", "blur", "cholesky", "conv", "dot", "einsum", "fft", "inner", "matmul", "outer", "solve", "svd"),
    "tensordot",
)


def costs(model: keras.Model) -> dict[str, float | None]:
    """What a prediction for one image costs on this machine.

    Returns:
        A dictionary: `parameters`, `multiply_adds`, `milliseconds` and `peak_megabytes`.
    """
    return {
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model),
        "milliseconds": milliseconds(model),
        "peak_megabytes": peak_megabytes(model),
    }


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of all convolutions and dense layers for one image; the model's sides must be fixed.

    Models within the model are followed, however deep, and layers that are called twice count twice.
    What has no kernel (pooling, normalisation, activation) counts nothing.

    Args:
        model: functional or sequential Keras model.

    Raises:
        ValueError: if a side is unknown, or there is a layer of which nothing is known here, such as attention, a
            recurrent layer, or a subclass with weights.
    """
    return count_model(model, model.inputs)[0] if hasattr(model, "inputs") else count(model, [])[0]


def count_model(model: keras.Model, inputs: Any) -> tuple[int, Any]:
    """The multiply-adds of a functional model for symbolic inputs, and its symbolic outputs."""
    total = 0

    def count_one(operation):
        def call(*arguments, **options):
            nonlocal total
            added, outputs = count(operation, *arguments, **options)
            total += added
            return outputs

        return call

    model = getattr(model, "_functional", None) or model  # of a Sequential
    if not isinstance(model, keras.Model) or not hasattr(model, "_run_through_graph"):
        raise ValueError(f"`model` must be of functional or sequential models. Received: {model!r}")
    structure = inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs
    outputs = model._run_through_graph(structure, operation_fn=count_one)
    return total, outputs


def count(operation: keras.Operation, *arguments: Any, **options: Any) -> tuple[int, Any]:
    """The multiply-adds of a layer or operation for symbolic inputs, and its symbolic outputs."""
    if isinstance(operation, keras.Model):
        return count_model(operation, *arguments)
    outputs = operation.compute_output_spec(*arguments, **options)
    kind = type(operation)
    if kind is layers.TimeDistributed:
        step = keras.KerasTensor((arguments[0].shape[0], *arguments[0].shape[2:]), arguments[0].dtype)
        return kernel_positions(operation, arguments[0].shape[1:2]) * count(operation.layer, step)[0], outputs
    if kind is SlidingWindow2D:
        patch = keras.KerasTensor((None, operation.window, operation.window, arguments[0].shape[-1]))
        return kernel_positions(operation, outputs.shape[1:3]) * count(operation.classifier, patch)[0], outputs
    if kind is DenseWindow2D:  # whose convolutions are operations, and none of its layers
        images = keras.Input(batch_shape=arguments[0].shape)
        return count_model(keras.Model(images, operation.call(images)), images)[0], outputs
    if kind is layers.Dense:
        return kernel_positions(operation, outputs.shape[1:-1]) * math.prod(operation.kernel.shape), outputs
    if kind in CONVOLUTIONS or kind in TRANSPOSED or kind.__name__ == "Conv":  # the last of `keras.ops.conv`
        shape = (arguments[0] if kind in TRANSPOSED else outputs).shape
        sides = shape[1:-1] if operation.data_format == "channels_last" else shape[2:]
        kernels = [w for w in getattr(operation, "weights", arguments[1:]) if len(w.shape) > 1]
        # The kernel holds LoRA's matrices; PyTorch's tensors have no name.
        kernels = [w for w in kernels if not (getattr(w, "name", None) or "").startswith("lora")]
        return kernel_positions(operation, sides) * sum(math.prod(w.shape) for w in kernels), outputs
    refuse_uncounted(operation)
    return 0, outputs


def kernel_positions(operation: keras.Operation, sides: Sequence[int | None]) -> int:
    """How often a kernel is applied, in each image."""
    if None in sides:
        raise ValueError(f"`model` needs fixed sides. Received: {operation.name} with sides {tuple(sides)}")
    return math.prod(sides)


def refuse_uncounted(operation: keras.Operation) -> None:
    """Refuses what multiplies in a way that is not known here; what has no matrix passes."""
    name = type(operation).__name__
    if isinstance(operation, keras.layers.Layer):
        if type(operation).__module__.partition(".")[0] not in ("keras", "zoo"):  # which may do anything
            raise ValueError(
                f"`model` must have layers of Keras and of this package. Received: {operation.name}, a {name}"
            )
        matrices = any(len(weight.shape) > 1 for weight in operation.weights)
        known = not isinstance(operation, UNCOUNTED) and (not matrices or type(operation) is layers.Embedding)
    else:
        known = not any(part in name.lower() for part in UNCOUNTED_OPERATIONS)
    if not known:
        raise ValueError(f"`model` must have no `{name}`, which cannot be counted. Received: {operation.name}")


def milliseconds(model: keras.Model) -> float:
    """Median time of 20 predictions for one image, after a warm-up."""
    image = np.zeros((1, *model.input_shape[1:]), "float32")
    seconds = []
    for _ in range(23):
        start = time.perf_counter()
        model.predict_on_batch(image)
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[3:])


def peak_megabytes(model: keras.Model, images: int = 16) -> float | None:
    """Memory that a prediction takes for each image of a batch, on the CPU: the growth of a fresh process.

    A layer of your own must be in a module: the process knows nothing of the program that runs.

    Returns:
        Megabytes (10^6 bytes) an image; `None` where the system does not tell, or has no room for it.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            model.save(path := Path(folder) / "model.keras")
            with fresh.process(quiet.import_tensorflow_without_gpu) as process:
                growth = process.submit(growth_of_batch, path, images).result()
    except (RuntimeError, MemoryError, OSError):  # that the process was ended is one of the first
        return None  # no reason to lose a model that is trained
    except Exception as error:
        if type(error).__name__ != "ResourceExhaustedError":  # of TensorFlow, which is not imported for its name
            raise
        return None
    return None if growth is None else growth / images / 1e6


def growth_of_batch(path: Path, images: int) -> int | None:
    """Bytes by which this process grows from a batch of one image to one of `images` + 1."""
    model = keras.saving.load_model(path, compile=False)

    def prediction(batch):
        return lambda: model.predict_on_batch(np.zeros((batch, *model.input_shape[1:]), "float32"))

    prediction(1)()
    return fresh.peak_growth(prediction, images + 1)
