import keras

from zoo.layers.by_hand import max_unpool
from zoo.layers.offsets import check_offsets
from zoo.layers.windows import WindowLayer


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

        Other libraries count the places of the whole map, not those of a window:

        >>> import tensorflow as tf
        >>> from zoo.layers import offsets_from_tensorflow
        >>> x = np.array([[1, 5], [7, 3]], "float32").reshape(1, 2, 2, 1)
        >>> values, argmax = tf.nn.max_pool_with_argmax(x, 2, 2, "VALID")
        >>> restored = MaxUnpooling2D(2)(values, offsets_from_tensorflow(argmax, height=2, width=2))
        >>> np.array(restored)[0, :, :, 0]
        array([[0., 0.],
               [7., 0.]], dtype=float32)

        PyTorch counts them likewise, channels first:

        >>> from zoo.layers import offsets_from_pytorch
        >>> indices = np.array([2]).reshape(1, 1, 1, 1)  # (b, c, h, w), of `max_pool2d(..., return_indices=True)`
        >>> np.array(offsets_from_pytorch(indices, width=2)).tolist()
        [[[[2]]]]

    Args:
        pool_size: the window, an integer or a (rows, columns) pair, of at most 256 places.

    Input shape:
        Two tensors of shape (b, h, w, c): values, and integer offsets as `MaxPoolingWithOffsets2D`
        gives them, from 0 to rows * columns - 1.

    Output shape:
        (b, h * rows, w * columns, c)

    Raises:
        ValueError: if `pool_size` or the inputs' shapes are not as above, or the offsets are floating
            point, or come from a pooling layer with another window, or lie outside of theirs. The last is not
            known while a graph is being traced, or of a tensor of PyTorch on a GPU: there such a value is lost.

    Reference:
        Badrinarayanan et al., SegNet, 2015 (https://arxiv.org/abs/1511.00561).
    """

    def call(self, values, offsets):
        self.check_inputs(values, offsets)
        return max_unpool(values, offsets, self.pool_size)

    def compute_output_spec(self, values, offsets):
        self.check_inputs(values, offsets)
        return super().compute_output_spec(values)

    def compute_output_shape(self, values_shape, offsets_shape=None):
        return super().compute_output_shape(values_shape)

    def check_inputs(self, values, offsets):
        check_offsets(offsets, self.pool_size, self.name)
        values, offsets = values.shape, offsets.shape
        sides = zip(values, offsets, strict=False)
        if len(values) != len(offsets) or any(None not in pair and pair[0] != pair[1] for pair in sides):
            raise ValueError(
                f"`{self.name}` needs `values` and `offsets` of the same shape. "
                f"Received: values {tuple(values)}, offsets {tuple(offsets)}"
            )
