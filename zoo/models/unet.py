from collections.abc import Sequence

import keras
from keras import layers

from zoo.models.blocks import max_pool, transposed_convolution
from zoo.models.encoder_decoder import FILTERS, encoder_decoder


def build_unet(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
) -> keras.Model:
    """Down by max pooling; up by transposed convolution, joined with the features of the way down.

    High-level features say what, low-level features say where.

    Args:
        image_shape: (height, width, channels); sides are `None` or multiples of 16, with the default filters.
        num_classes: number of classes.
        filters: channels of each level, from full resolution to the bottom.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).

    Reference:
        Ronneberger et al., U-Net, 2015 (https://arxiv.org/abs/1505.04597).
    """
    return encoder_decoder(pool_and_keep, grow_and_join, image_shape, num_classes, filters, name="unet")


def pool_and_keep(x, filters):
    """Down by 2x2 max pooling; remembers the features themselves."""
    return max_pool(x, filters)[0], x


def grow_and_join(x, features, filters):
    """Up by transposed convolution, joined (channels) with the remembered features."""
    return layers.Concatenate()([transposed_convolution(x, None, filters), features])
