from collections.abc import Sequence

import keras

from zoo.models.blocks import convolution, transposed_convolution
from zoo.models.encoder_decoder import FILTERS, encoder_decoder


def build_strided_convolution(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
) -> keras.Model:
    """Down by strided convolution; up by transposed convolution.

    Nothing is remembered, but both ways are learned.

    Args:
        image_shape: (height, width, channels); sides are `None` or multiples of 16, with the default filters.
        num_classes: number of classes.
        filters: channels of each level, from full resolution to the bottom.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).

    Reference:
        Springenberg et al., Striving for simplicity, 2014 (https://arxiv.org/abs/1412.6806).
    """
    return encoder_decoder(
        stride, transposed_convolution, image_shape, num_classes, filters, name="strided_convolution"
    )


def stride(x, filters):
    """Down by a 3x3 convolution of stride 2 and padding 1; remembers nothing."""
    return convolution(x, filters, strides=2), None
