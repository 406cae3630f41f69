"""Windows of a feature map: what the pooling and unpooling layers share."""

import math

import keras
from keras import ops


class WindowLayer(keras.layers.Layer):
    """Base of the layers that have a `pool_size`: a positive integer or a (rows, columns) pair."""

    most_places = 256  # in a window, for an offset is stored in one byte

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(**kwargs)
        pair = tuple(pool_size) if isinstance(pool_size, list | tuple) else (pool_size, pool_size)
        whole = all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in pair)
        if len(pair) != 2 or not whole or math.prod(pair) > self.most_places:
            limit = f", with at most {self.most_places} places in a window" if self.most_places < math.inf else ""
            raise ValueError(
                f"`pool_size` must be a positive integer or a pair of them{limit}. Received: pool_size={pool_size!r}"
            )
        self.pool_size = pair
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size}

    def compute_output_shape(self, input_shape):
        """The shape after unpooling: (b, h * rows, w * columns, c)."""
        batch, height, width, channels = input_shape
        rows, columns = self.pool_size
        return batch, height and height * rows, width and width * columns, channels

    def compute_output_spec(self, values):
        return keras.KerasTensor(self.compute_output_shape(values.shape), self.output_dtype(values))

    def output_dtype(self, x):
        """The compute dtype, as Keras casts all floating-point inputs to it; integers stay what they are."""
        dtype = keras.backend.standardize_dtype(x.dtype)
        return self.compute_dtype if self.autocast and "float" in dtype else dtype


def check_multiples(shape, sides, name):
    """Refuses a shape (b, h, w, c) whose known sides are no multiples of `sides`; `None` passes."""
    if any(side is not None and side % factor for side, factor in zip(shape[1:3], sides, strict=True)):
        raise ValueError(
            f"`{name}` needs a height and a width that are multiples of {tuple(sides)}. Received: shape {tuple(shape)}"
        )


def split_windows(x, pool_size):
    """Takes the windows apart: one smaller map for each place, counted row by row.

    Args:
        x: tensor of shape (b, h, w, c), whose sides are multiples of the window's.
        pool_size: (rows, columns) of a window.

    Returns:
        A list of `rows * columns` tensors of shape (b, h / rows, w / columns, c).
    """
    rows, columns = pool_size
    batch, height, width, channels = ops.shape(x)
    height, width = height // rows, width // columns
    # On TensorFlow without XLA, strided slices would take four times as long.
    windows = ops.reshape(x, (batch * height, rows, width, columns, channels))
    shape = (batch, height, width, channels)
    return [ops.reshape(windows[:, row, :, column], shape) for row in range(rows) for column in range(columns)]


def arrange_windows(places, pool_size):
    """Puts windows together: the inverse of `split_windows`.

    Args:
        places: list of `rows * columns` tensors of shape (b, h, w, c), one for each place of a window.
        pool_size: (rows, columns) of a window.

    Returns:
        A tensor of shape (b, h * rows, w * columns, c).
    """
    rows, columns = pool_size
    batch, height, width, channels = ops.shape(places[0])
    lines = []
    for row in range(rows):
        line = ops.stack(places[row * columns : (row + 1) * columns], axis=3)  # (b, h, w, columns, c)
        lines.append(ops.reshape(line, (batch, height, width * columns, channels)))
    return ops.reshape(ops.stack(lines, axis=2), (batch, height * rows, width * columns, channels))


def find_maxima(x, pool_size):
    """Finds the maximum of each window: the first of equal ones, the last of several NaNs.

    Args:
        x: tensor of shape (b, h, w, c), whose sides are multiples of the window's.
        pool_size: (rows, columns) of a window.

    Returns:
        The maxima and their offsets (uint8), both (b, h / rows, w / columns, c).
    """
    places = split_windows(x, pool_size)
    values, offsets = places[0], ops.zeros_like(places[0], dtype="int32")  # LiteRT has no `where` of uint8
    for place, candidate in enumerate(places[1:], start=1):
        is_nan = ops.not_equal(candidate, candidate)
        wins = ops.logical_or(ops.greater(candidate, values), is_nan)
        values = ops.where(wins, candidate, values)
        offsets = ops.where(wins, place, offsets)
    return values, ops.cast(offsets, "uint8")


def put_at_offsets(values, offsets, pool_size):
    """Puts each value at its offset inside its window, and zeros elsewhere.

    Args:
        values: tensor of shape (b, h, w, c).
        offsets: integer tensor of the same shape, places in a window counted row by row from 0.
        pool_size: (rows, columns) of a window.

    Returns:
        A tensor of shape (b, h * rows, w * columns, c).
    """
    rows, columns = pool_size
    batch, height, width, channels = ops.shape(values)
    offsets = ops.cast(offsets, "int32")  # LiteRT cannot compare uint8
    # One comparison with all places at once: XLA compiles it to a tight loop, which it does not do with a map a place.
    shape = (batch * height, 1, width, 1, channels)  # five axes, since LiteRT takes no more
    places = ops.reshape(ops.arange(rows * columns), (1, rows, 1, columns, 1))
    chosen = ops.equal(ops.reshape(offsets, shape), places)  # (b * h, rows, w, columns, c)
    windows = ops.where(chosen, ops.reshape(values, shape), ops.zeros((), values.dtype))
    return ops.reshape(windows, (batch, height * rows, width * columns, channels))


def pick_at_offsets(x, offsets, pool_size):
    """Picks from each window what stands at its offset: the way back from `put_at_offsets`.

    Args:
        x: tensor of shape (b, h * rows, w * columns, c).
        offsets: integer tensor of shape (b, h, w, c).
        pool_size: (rows, columns) of a window.

    Returns:
        A tensor of shape (b, h, w, c); zero where the offset lies outside the window.
    """
    picked = ops.zeros((), x.dtype)
    for place, candidate in enumerate(split_windows(x, pool_size)):
        picked = ops.where(ops.equal(offsets, place), candidate, picked)
    return picked
