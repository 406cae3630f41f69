"""From an example at its own size to one size for all."""

import tensorflow as tf

from zoo.data.dataset import Dataset, check_example


def squeeze(dataset: Dataset, image: tf.Tensor, mask: tf.Tensor, image_size: int | tuple[int, int]):
    """Squeezes an example of a data set, or several of one size, and refuses within the graph a mask that does not fit.

    Returns:
        The image, uint8, and its mask, of as few bytes a number as its classes need.
    """
    check_example(dataset, image, mask)
    numbers = len(dataset.classes) - 1, dataset.ignored or 0
    kept = tf.uint8 if min(numbers) >= 0 and max(numbers) < 256 else tf.int32  # some ignore -1 or -100
    return resize_image(image, image_size), nearest(tf.cast(mask, kept), image_size)


def resize_image(image, image_size):
    """Squeezes an image (h, w, 3) to uint8 of a side or (height, width), with no aliasing."""
    image = tf.image.resize(image, both_sides(image_size), antialias=True)
    return tf.saturate_cast(tf.round(image), tf.uint8)


def resize_mask(mask, image_size):
    """Squeezes a mask (h, w) to a side or (height, width). Only by nearest neighbour: between two
    class numbers lies no third class.

    Raises:
        ValueError: if the mask has more or fewer axes.
    """
    if len(mask.shape) != 2:
        raise ValueError(f"`mask` must be of shape (h, w). Received: {tuple(mask.shape)}")
    return nearest(mask, image_size)


def nearest(masks, image_size):
    """Squeezes masks (..., h, w), as `resize_mask` does one."""
    return tf.image.resize(masks[..., None], both_sides(image_size), "nearest")[..., 0]


def scale(image):
    """From uint8 to float32 in [0, 1]."""
    return tf.cast(image, tf.float32) / 255


def both_sides(image_size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) from a side or from both."""
    sides = tuple(image_size) if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(sides) != 2:
        raise ValueError(f"`image_size` must be a side, or (height, width). Received: image_size={image_size!r}")
    for side in sides:
        check_positive("image_size", side)
    return sides


def check_positive(argument, value):
    """Refuses what is no positive integer."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"`{argument}` must be a positive integer. Received: {argument}={value!r}")
