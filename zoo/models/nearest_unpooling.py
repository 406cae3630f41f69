from collections.abc import Sequence

import keras

from zoo.layers import NearestUnpooling2D
from zoo.models.blocks import max_pool, narrow
from zoo.models.encoder_decoder import FILTERS, encoder_decoder


def build_nearest_unpooling(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
) -> keras.Model:
    """Down by max pooling; up by copying each value over its window.

    Nothing is remembered, so every pixel of a window gets the same value.

    Args:
        image_shape: (height, width, channels); sides are `None` or multiples of 16, with the default filters.
        num_classes: number of classes.
        filters: channels of each level, from full resolution to the bottom.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).
    """
    return encoder_decoder(max_pool, unpool_by_copy, image_shape, num_classes, filters, name="nearest_unpooling")


def unpool_by_copy(x, memory, filters):
    """Up by copying each value over its window; needs no memory."""
    return NearestUnpooling2D(2)(narrow(x, filters))
