"""Offsets: how they are checked, and how the indices of other libraries become offsets."""

import numbers
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.windows import WindowLayer


def check_offsets(offsets, pool_size, name):
    """Refuses what is known to be no offsets of this window.

    The numbers are read where that costs next to nothing: not while a graph is being traced, where nothing is
    known of them, and on PyTorch not from a GPU.
    """
    dtype = keras.backend.standardize_dtype(offsets.dtype)
    if "int" not in dtype:
        raise ValueError(
            f"`{name}` needs integer `offsets`, as `MaxPoolingWithOffsets2D` gives them. Received: offsets of {dtype}"
        )
    places = pool_size[0] * pool_size[1]
    if isinstance(offsets, keras.KerasTensor):
        made_for = getattr(maker(offsets), "pool_size", pool_size)
        if made_for != pool_size:
            raise ValueError(
                f"`{name}` needs `offsets` of its own pool_size={pool_size}. Received: offsets of pool_size={made_for}"
            )
    elif 0 not in offsets.shape:
        try:
            found = np.asarray(offsets)  # on a CPU no copy
        except (TypeError, NotImplementedError, RuntimeError):  # traced, or on a GPU, as each backend says it
            return
        least, most = found.min(), found.max()
        if least < 0 or most >= places:
            raise ValueError(
                f"`{name}` needs `offsets` from 0 to {places - 1}, places in a window. Received: {least} to {most}. "
                "`zoo.layers.offsets_from_tensorflow` and `offsets_from_pytorch` convert flat indices."
            )


def maker(tensor):
    """The layer that made a symbolic tensor, within a model that was called like a layer, too; `None` if none did.

    What only hands a tensor on is passed over.
    """
    while history := getattr(tensor, "_keras_history", None):
        operation = history.operation
        if hasattr(operation, "outputs"):
            tensor = operation.outputs[history.tensor_index]
        elif type(operation).__name__ in ("Cast", "Identity", "Reshape", "StopGradient"):
            tensor = operation._inbound_nodes[history.node_index].input_tensors[0]
        else:
            return operation
    return None


def offsets_from_tensorflow(argmax: Any, height: int, width: int, pool_size: int | tuple[int, int] = 2) -> Any:
    """Offsets from the flat indices of `tf.nn.max_pool_with_argmax`, `include_batch_in_index` or not.

    Args:
        argmax: integer tensor (b, h, w, c), from pooling without overlap and padding.
        height: height of the map that was pooled.
        width: its width.
        pool_size: the window, an integer or a (rows, columns) pair.

    Returns:
        Offsets as `MaxPoolingWithOffsets2D` gives them, uint8 (b, h, w, c).

    Raises:
        ValueError: if `pool_size` is no window of up to 256 places, or an index lies outside of its window, and no
            graph is being traced.
    """
    argmax = check_indices("argmax", argmax)
    check_positive("height", height)
    check_positive("width", width)
    places = argmax // argmax.shape[-1]
    image = places // (height * width)
    own = ops.reshape(ops.arange(ops.shape(places)[0], dtype=places.dtype), (-1, 1, 1, 1))
    counted = ops.logical_or(ops.equal(image, 0), ops.equal(image, own))  # over its own map, or those of all images
    return offsets_of_places(places % (height * width), width, pool_size, counted)


def offsets_from_pytorch(indices: Any, width: int, pool_size: int | tuple[int, int] = 2) -> Any:
    """Offsets from the flat indices of `torch.nn.functional.max_pool2d(..., return_indices=True)`.

    Args:
        indices: integer tensor (b, c, h, w), from pooling without overlap, padding and dilation.
        width: width of the map that was pooled.
        pool_size: the window, an integer or a (rows, columns) pair.

    Returns:
        Offsets as `MaxPoolingWithOffsets2D` gives them, uint8 (b, h, w, c).

    Raises:
        ValueError: if `pool_size` is no window of up to 256 places, or an index lies outside of its window, and no
            graph is being traced.
    """
    check_positive("width", width)
    places = ops.transpose(check_indices("indices", indices), (0, 2, 3, 1))  # (b, h, w, c)
    return offsets_of_places(places, width, pool_size)


def check_indices(name, indices):
    """Indices as a tensor of int64 or int32; refuses what counts no places."""
    indices = ops.convert_to_tensor(indices)
    kind = keras.backend.standardize_dtype(indices.dtype)
    if not kind.startswith(("int", "uint")) or len(indices.shape) != 4:
        raise ValueError(f"`{name}` must hold integers and have 4 axes. Received: {kind}, shape {tuple(indices.shape)}")
    return indices if kind in ("int32", "int64") else ops.cast(indices, "int32")


def check_positive(name, side):
    """Refuses a number that is no side of a map; within a graph it may be a tensor."""
    if isinstance(side, bool | float | str) or (isinstance(side, numbers.Integral) and side < 1):
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={side!r}")


def offsets_of_places(places, width, pool_size, right=True):
    """Offsets from places in a map (b, h, w, c) of this width, counted row by row; `right` ones alone."""
    rows, columns = WindowLayer(pool_size).pool_size  # which refuses what is no window
    y, x = places // width, places % width
    _, height, pooled_width, _ = ops.shape(places)
    own_row = ops.reshape(ops.arange(height, dtype=y.dtype), (1, -1, 1, 1))
    own_column = ops.reshape(ops.arange(pooled_width, dtype=x.dtype), (1, 1, -1, 1))
    inside = ops.logical_and(ops.equal(y // rows, own_row), ops.equal(x // columns, own_column))
    inside = ops.logical_and(inside, right)
    try:
        fits = bool(ops.all(inside))
    except TypeError:  # traced
        fits = True
    if not fits:
        raise ValueError(
            "Each index must lie in its own window: no overlap, no padding, and the size of the map that was pooled. "
            f"Received: indices outside, with width={width}, pool_size={pool_size}"
        )
    return ops.cast(y % rows * columns + x % columns, "uint8")
