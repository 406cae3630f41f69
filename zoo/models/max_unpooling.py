from collections.abc import Sequence

import keras

from zoo.layers import MaxUnpooling2D
from zoo.models.blocks import narrow, pool_with_offsets
from zoo.models.encoder_decoder import FILTERS, encoder_decoder


def build_max_unpooling(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
) -> keras.Model:
    """Down by max pooling; up by putting each value where its maximum stood.

    The places are remembered; all other pixels are zero.

    Args:
        image_shape: (height, width, channels); sides are `None` or multiples of 16, with the default filters.
        num_classes: number of classes.
        filters: channels of each level, from full resolution to the bottom.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).

    Reference:
        Badrinarayanan et al., SegNet, 2015 (https://arxiv.org/abs/1511.00561).
    """
    return encoder_decoder(
        pool_with_offsets, unpool_to_offsets, image_shape, num_classes, filters, name="max_unpooling"
    )


def unpool_to_offsets(x, offsets, filters):
    """Up by putting each value where the maximum of its window stood."""
    return MaxUnpooling2D(2)(narrow(x, filters), offsets)
