import keras
from keras import ops

from zoo.layers.windows import WindowLayer, check_multiples, put_at_offsets, split_windows


@keras.saving.register_keras_serializable("zoo")
class MaxPoolingWithOffsets2D(WindowLayer):
    """Max pooling that also says where in its window each maximum stood.

    An offset counts the places of its window row by row from 0. Of equal maxima the first
    wins. NaN wins over every number, and of several NaNs the last, as in PyTorch. The
    gradient flows to the place that the offset names, and to no other.

    Examples:
        >>> import numpy as np
        >>> x = np.array([[1, 5], [7, 3]], "float32").reshape(1, 2, 2, 1)
        >>> values, offsets = MaxPoolingWithOffsets2D(2)(x)
        >>> np.array(values).item(), np.array(offsets).item()
        (7.0, 2)

    Args:
        pool_size: the window, an integer or a (rows, columns) pair, of at most 256 places.

    Input shape:
        (b, h, w, c), floating point. Known sides must be multiples of the window's. Where a side
        is unknown while the graph is built, rows and columns that fill no window are left out.

    Output shape:
        A pair of (b, h / rows, w / columns, c): the maxima in the layer's compute dtype, and
        their offsets in uint8.

    Raises:
        ValueError: if `pool_size` or the input's shape is not as above.

    Reference:
        Badrinarayanan et al., SegNet, 2015 (https://arxiv.org/abs/1511.00561).
    """

    def call(self, inputs):
        check_multiples(inputs.shape, self.pool_size, self.name)
        if None in inputs.shape[1:3]:
            rows, columns = self.pool_size
            _, height, width, _ = ops.shape(inputs)
            inputs = inputs[:, : height // rows * rows, : width // columns * columns]
        values, offsets = find_maxima(ops.stop_gradient(inputs), self.pool_size)

        # By hand, since the gradient of strided slices is slow: pooling's gradient is unpooling. The offsets are an
        # argument, and floating point (exact up to 256), because JAX differentiates no compiled function that
        # closes over tensors, or has integer arguments.
        @ops.custom_gradient
        def pool(x, values, offsets):
            def gradient(*arguments, upstream=None):  # PyTorch passes `upstream` by name
                upstream = arguments[0] if upstream is None else upstream
                to_x = put_at_offsets(upstream, offsets, self.pool_size)
                return to_x, ops.zeros_like(values), ops.zeros_like(offsets)

            return values, gradient

        return pool(inputs, values, ops.cast(offsets, values.dtype)), ops.cast(offsets, "uint8")

    def compute_output_spec(self, inputs):
        check_multiples(inputs.shape, self.pool_size, self.name)
        batch, height, width, channels = inputs.shape
        rows, columns = self.pool_size
        shape = (batch, height and height // rows, width and width // columns, channels)
        return keras.KerasTensor(shape, self.compute_dtype), keras.KerasTensor(shape, "uint8")


def find_maxima(x, pool_size):
    """Returns the maximum of each window and its offset (int32), both (b, h / rows, w / columns, c)."""
    places = split_windows(x, pool_size)
    values, offsets = places[0], ops.zeros_like(places[0], dtype="int32")
    for place, candidate in enumerate(places[1:], start=1):
        is_nan = ops.not_equal(candidate, candidate)
        wins = ops.logical_or(ops.greater(candidate, values), is_nan)
        values = ops.where(wins, candidate, values)
        offsets = ops.where(wins, place, offsets)
    return values, offsets
