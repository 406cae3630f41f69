from collections.abc import Sequence

import keras

from zoo.models.blocks import max_pool, transposed_convolution
from zoo.models.encoder_decoder import FILTERS, encoder_decoder


def build_transposed_convolution(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
) -> keras.Model:
    """Down by max pooling; up by transposed convolution.

    Nothing is remembered, but how a window grows from a value is learned.

    Args:
        image_shape: (height, width, channels); sides are `None` or multiples of 16, with the default filters.
        num_classes: number of classes.
        filters: channels of each level, from full resolution to the bottom.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).

    Reference:
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016
        (https://arxiv.org/abs/1603.07285).
    """
    return encoder_decoder(
        max_pool, transposed_convolution, image_shape, num_classes, filters, name="transposed_convolution"
    )
