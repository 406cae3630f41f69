from collections.abc import Sequence

import keras
from keras import layers

from zoo.layers import IndexUnpooling2D, NearestUnpooling2D
from zoo.models.blocks import narrow, pool_with_offsets
from zoo.models.encoder_decoder import FILTERS, encoder_decoder


def build_index_unpooling(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
) -> keras.Model:
    """Down by max pooling; up by marking where each maximum stood.

    Ones alone carry no features, so they are joined with the copied values. One of the lecture's two sentences on
    unpooling by indices puts a fixed value such as 1 there; joining it with copies is ours.

    Args:
        image_shape: (height, width, channels); sides are `None` or multiples of 16, with the default filters.
        num_classes: number of classes.
        filters: channels of each level, from full resolution to the bottom.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).
    """
    return encoder_decoder(pool_with_offsets, mark_offsets, image_shape, num_classes, filters, name="index_unpooling")


def mark_offsets(x, offsets, filters):
    """Up by ones where the maxima stood, joined (channels) with the copied values."""
    marks = IndexUnpooling2D(2)(offsets)
    return layers.Concatenate()([NearestUnpooling2D(2)(narrow(x, filters)), marks])
