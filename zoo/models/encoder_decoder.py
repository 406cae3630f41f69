"""The skeleton of all encoder-decoders: down, think at low resolution, up."""

import keras

from zoo.models.blocks import classify_pixels, double_convolution

FILTERS = (16, 32, 64, 96, 128)


def encoder_decoder(down, up, image_shape, num_classes, filters, name):
    """Builds an encoder-decoder from the two functions that tell the stages apart.

    The two, and the memory that one hands to the other, are the whole difference between the
    stages. All else is the same: two 3x3 convolutions at each level, on either way.

    Args:
        down: function (x, filters) -> (x of half the height and width, memory).
        up: function (x, memory, filters) -> x of twice the height and width.
        image_shape: (height, width, channels). Height and width are multiples of
            2 ** (len(filters) - 1), or `None` for any such size.
        num_classes: number of classes.
        filters: channels of each level, from full resolution to the bottom.
        name: name of the model.

    Returns:
        A `keras.Model` from images (b, h, w, channels), floats in [0, 1], to logits
        (b, h, w, num_classes), float32.

    Raises:
        ValueError: if height or width is no multiple of 2 ** (len(filters) - 1), or there is no level.
    """
    if not filters:
        raise ValueError(f"`filters` must name at least one level. Received: filters={filters!r}")
    factor = 2 ** (len(filters) - 1)
    if any(side is not None and side % factor for side in image_shape[:2]):
        nearest = [side and max(1, round(side / factor)) * factor for side in image_shape[:2]]
        raise ValueError(
            f"`image_shape` needs a height and a width that are multiples of {factor}, since {len(filters) - 1} "
            f"levels halve them. The nearest is {(*nearest, *image_shape[2:])}. "
            f"Received: image_shape={tuple(image_shape)}"
        )
    x = images = keras.Input(image_shape, name="image")
    memories = []
    for channels in filters[:-1]:
        x, memory = down(double_convolution(x, channels), channels)
        memories.append(memory)
    x = double_convolution(x, filters[-1])
    for channels, memory in zip(reversed(filters[:-1]), reversed(memories), strict=True):
        x = double_convolution(up(x, memory, channels), channels)
    return keras.Model(images, classify_pixels(x, num_classes), name=name)
