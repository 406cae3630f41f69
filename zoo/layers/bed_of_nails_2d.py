import math

import keras
from keras import ops

from zoo.layers.windows import WindowLayer, arrange_windows


@keras.saving.register_keras_serializable("zoo")
class BedOfNails2D(WindowLayer):
    """Puts each value into the upper-left corner of its window, and zeros elsewhere.

    Examples:
        >>> import numpy as np
        >>> value = np.array([9], "float32").reshape(1, 1, 1, 1)
        >>> np.array(BedOfNails2D(2)(value))[0, :, :, 0]
        array([[9., 0.],
               [0., 0.]], dtype=float32)

    Args:
        pool_size: the window, an integer or a (rows, columns) pair.

    Input shape:
        (b, h, w, c). Integers stay integers.

    Output shape:
        (b, h * rows, w * columns, c)

    Raises:
        ValueError: if `pool_size` or the input's shape is not as above.
    """

    most_places = math.inf  # it has no offsets

    def call(self, values):
        places = self.pool_size[0] * self.pool_size[1]
        return arrange_windows([values] + [ops.zeros_like(values)] * (places - 1), self.pool_size)
