import keras
from keras import ops

from zoo.layers.offsets import check_offsets
from zoo.layers.windows import WindowLayer, put_at_offsets


@keras.saving.register_keras_serializable("zoo")
class IndexUnpooling2D(WindowLayer):
    """Marks where the maximum of each window stood: `value` there, zeros elsewhere.

    Examples:
        >>> import numpy as np
        >>> offset = np.array([2], "uint8").reshape(1, 1, 1, 1)
        >>> np.array(IndexUnpooling2D(2)(offset))[0, :, :, 0]
        array([[0., 0.],
               [1., 0.]], dtype=float32)

    Args:
        pool_size: the window, an integer or a (rows, columns) pair, of at most 256 places.
        value: the number to put at each remembered place.

    Input shape:
        (b, h, w, c), integer offsets as `MaxPoolingWithOffsets2D` gives them.

    Output shape:
        (b, h * rows, w * columns, c), in the layer's compute dtype.

    Raises:
        ValueError: if an argument or the input is not as above; wrong numbers in it are found as by
            `MaxUnpooling2D`.
    """

    def __init__(self, pool_size=2, value=1.0, **kwargs):
        super().__init__(pool_size, **kwargs)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"`value` must be a number. Received: value={value!r}")
        self.value = value

    def call(self, offsets):
        check_offsets(offsets, self.pool_size, self.name)
        values = ops.full_like(offsets, self.value, dtype=self.compute_dtype)
        return put_at_offsets(values, offsets, self.pool_size)

    def compute_output_spec(self, offsets):
        check_offsets(offsets, self.pool_size, self.name)
        return keras.KerasTensor(self.compute_output_shape(offsets.shape), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "value": self.value}
