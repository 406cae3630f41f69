from collections.abc import Sequence

import keras

from zoo.models.blocks import classify_pixels, double_convolution

FILTERS = (16, 32, 32)


def build_fully_convolutional(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
) -> keras.Model:
    """Only 3x3 convolutions, all pixels in one pass, at full resolution.

    Nothing is computed twice, but every feature map has as many pixels as the image.

    Args:
        image_shape: (height, width, channels); sides may be `None`.
        num_classes: number of classes.
        filters: channels of each pair of convolutions.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).

    Reference:
        Long et al., Fully convolutional networks for semantic segmentation, 2014
        (https://arxiv.org/abs/1411.4038).
    """
    x = images = keras.Input(image_shape, name="image")
    for channels in filters:
        x = double_convolution(x, channels)
    return keras.Model(images, classify_pixels(x, num_classes), name="fully_convolutional")
