import keras
from keras import ops

from zoo.layers.windows import WindowLayer, pick_at_offsets, put_at_offsets


@keras.saving.register_keras_serializable("zoo")
class MaxUnpooling2D(WindowLayer):
    """Puts each value where the maximum of its window stood, and zeros elsewhere.

    Examples:
        >>> import numpy as np
        >>> value = np.array([9], "float32").reshape(1, 1, 1, 1)
        >>> offset = np.array([2], "uint8").reshape(1, 1, 1, 1)
        >>> np.array(MaxUnpooling2D(2)(value, offset))[0, :, :, 0]
        array([[0., 0.],
               [9., 0.]], dtype=float32)

    Args:
        pool_size: the window, an integer or a (rows, columns) pair, of at most 256 places.

    Input shape:
        Two tensors of shape (b, h, w, c): floating-point values, and integer offsets as
        `MaxPoolingWithOffsets2D` gives them. A value whose offset lies outside its window is lost.

    Output shape:
        (b, h * rows, w * columns, c)

    Raises:
        ValueError: if `pool_size` or the inputs' shapes are not as above.

    Reference:
        Badrinarayanan et al., SegNet, 2015 (https://arxiv.org/abs/1511.00561).
    """

    def call(self, values, offsets):
        self.check_same_shape(values.shape, offsets.shape)

        # By hand, as in `MaxPoolingWithOffsets2D`: automatic differentiation would sum zeros.
        @ops.custom_gradient
        def unpool(values, offsets):
            def gradient(*arguments, upstream=None):  # PyTorch passes `upstream` by name
                upstream = arguments[0] if upstream is None else upstream
                return pick_at_offsets(upstream, offsets, self.pool_size), ops.zeros_like(offsets)

            return put_at_offsets(values, offsets, self.pool_size), gradient

        return unpool(values, ops.cast(offsets, values.dtype))

    def compute_output_spec(self, values, offsets):
        self.check_same_shape(values.shape, offsets.shape)
        return self.enlarged(values)

    def check_same_shape(self, values, offsets):
        sides = zip(values, offsets, strict=False)
        if len(values) != len(offsets) or any(None not in pair and pair[0] != pair[1] for pair in sides):
            raise ValueError(
                f"`{self.name}` needs `values` and `offsets` of the same shape. "
                f"Received: values {tuple(values)}, offsets {tuple(offsets)}"
            )
