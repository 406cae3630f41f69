import keras
from keras import ops

from zoo.layers.by_hand import max_pool
from zoo.layers.windows import WindowLayer, check_multiples


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
        (b, h, w, c). Integers stay integers. Known sides must be multiples of the window's. Where a side
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
        return max_pool(inputs, self.pool_size)

    def compute_output_spec(self, inputs):
        shape, _ = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, self.output_dtype(inputs)), keras.KerasTensor(shape, "uint8")

    def compute_output_shape(self, input_shape):
        check_multiples(input_shape, self.pool_size, self.name)
        batch, height, width, channels = input_shape
        rows, columns = self.pool_size
        shape = (batch, height and height // rows, width and width // columns, channels)
        return shape, shape
