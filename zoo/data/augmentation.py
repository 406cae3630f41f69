"""Training images that look different in every epoch."""

import dataclasses
import math

import tensorflow as tf

from zoo.data.modes import GREY


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How far training images are changed at random.

    Args:
        scale_jitter: the largest factor, from 1 to 10, by which an image is enlarged or shrunk.
        paste_share: share of the images, from 0 to 1, that get the foreground of another one, with its mask.
        grey_share: share of the images, from 0 to 1, that lose their colours.
        light: strength, from 0 (none) to 3: at 1, saturation changes by up to 40 %, contrast by up to 30 %, and
            brightness by up to 0.15, where white is 1.

    Raises:
        ValueError: if an argument lies outside of its range.

    Reference:
        Ghiasi et al., Simple copy-paste, 2020 (https://arxiv.org/abs/2012.07177).
    """

    scale_jitter: float = 1.25
    paste_share: float = 0.0
    grey_share: float = 0.0
    light: float = 1.0

    def __post_init__(self):
        """Refuses what makes no image."""
        for name, low, high in (
            ("scale_jitter", 1, 10),
            ("paste_share", 0, 1),
            ("grey_share", 0, 1),
            ("light", 0, 3),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"`{name}` must be from {low} to {high}. Received: {name}={value!r}")


def augment(images, masks, key, background, augmentation=Augmentation()):
    """Moves images and masks together, changes their light, and pastes the foreground of some onto others.

    A whole batch at once: many small steps for each image would cost more than the work itself.

    Args:
        images: uint8 (b, h, w, 3).
        masks: uint8 (b, h, w).
        key: integer tensor of shape (2,); the same key gives the same result.
        background: label of what comes from outside of an image, and of what is not pasted.
        augmentation: an `Augmentation`.

    Returns:
        (images, masks): float32 (b, h, w, 3) in [0, 1], and uint8 (b, h, w). What comes from
        outside of an image is black.
    """
    u = tf.random.stateless_uniform([tf.shape(images)[0], 11], key, -1.0, 1.0)
    transforms = random_transforms(u[:, :6], tf.shape(images)[1:3], augmentation.scale_jitter)
    images = warp(images, transforms, "BILINEAR", fill=0)
    masks = warp(masks[..., None], transforms, "NEAREST", fill=background)
    if augmentation.paste_share:
        other = tf.roll(masks, 1, axis=0)  # the image before it in the batch
        pasted = (other != background) & share_chosen(u[:, 6], augmentation.paste_share)[:, None, None, None]
        images = tf.where(pasted, tf.roll(images, 1, axis=0), images)
        masks = tf.where(pasted, other, masks)
    return change_light(images, u[:, 7:], augmentation), masks[..., 0]


def change_light(images, u, augmentation):
    """Changes saturation, contrast and brightness, and takes the colours out of some images.

    All of it is one matrix for each image, from the colours of a pixel to the new ones.

    Args:
        images: uint8 (b, h, w, 3).
        u: numbers (b, 4) in [-1, 1].
        augmentation: an `Augmentation`.

    Returns:
        float32 (b, h, w, 3) in [0, 1].
    """
    images = tf.cast(images, tf.float32) / 255
    saturation, contrast, brightness, grey = tf.unstack(u[:, :, None, None], axis=1)  # each (b, 1, 1)
    saturation = 1 + 0.4 * augmentation.light * saturation
    saturation = tf.where(share_chosen(grey, augmentation.grey_share), 0.0, saturation)
    contrast = 1 + 0.3 * augmentation.light * contrast
    brightness = 0.15 * augmentation.light * brightness
    to_grey = tf.tile(GREY[:, None], (1, 3))
    saturate = (1 - saturation) * to_grey + saturation * tf.eye(3)  # (b, 3, 3)
    mean = tf.reduce_mean(tf.reduce_mean(images, (1, 2))[:, None] @ saturate, -1, keepdims=True)  # (b, 1, 1)
    pixels = tf.reshape(images, (tf.shape(images)[0], -1, 3)) @ (contrast * saturate)  # (b, h * w, 3)
    return tf.reshape(tf.clip_by_value(pixels + (1 - contrast) * mean + brightness, 0, 1), tf.shape(images))


def share_chosen(u, share):
    """True for that share of the numbers, which lie in [-1, 1]."""
    return u < 2 * share - 1


def random_transforms(u, size, scale_jitter):
    """Flip, turn by up to 15 degrees, scale, stretch by up to 10 %, and shift.

    A shrunk image lands anywhere within its frame, an enlarged one shows any part of itself, and
    each may leave its frame by 10 %.

    Args:
        u: numbers (b, 6) in [-1, 1].
        size: (height, width) of the images.
        scale_jitter: the largest factor, up and down.

    Returns:
        The first eight entries of the 3x3 matrices from a pixel of the result to one of the image: (b, 8).
    """
    height, width = tf.cast(size[0], tf.float32), tf.cast(size[1], tf.float32)
    u = tf.transpose(u)
    flip = tf.where(u[0] < 0, -1.0, 1.0)
    angle = u[1] * math.radians(15)
    step, stretch = tf.pow(float(scale_jitter), u[2]), tf.pow(1.1, u[3])  # more than a pixel a step shrinks the image
    # x and y count from the middle of the image
    xx, xy = flip * step * stretch * tf.cos(angle), -flip * step * stretch * tf.sin(angle)
    yx, yy = step / stretch * tf.sin(angle), step / stretch * tf.cos(angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    room = 0.1 + tf.abs(1 - step) / 2
    shift_x, shift_y = room * width * u[4], room * height * u[5]
    last = tf.zeros_like(xx)
    return tf.stack([xx, xy, x - xx * x - xy * y + shift_x, yx, yy, y - yx * x - yy * y + shift_y, last, last], axis=-1)


def warp(images, transforms, interpolation, fill):
    """Applies the `random_transforms` to images or masks (b, h, w, c)."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=float(fill),
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )
