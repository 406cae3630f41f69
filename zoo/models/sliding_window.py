from collections.abc import Sequence

import keras
from keras import layers

from zoo.layers import DenseWindow2D, NearestUnpooling2D, SlidingWindow2D
from zoo.models.blocks import LAST

FILTERS = (16, 32, 64)


def build_sliding_window(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
    window: int = 32,
    stride: int = 4,
) -> keras.Model:
    """A patch classifier that is run at every `stride`-th pixel.

    Args:
        image_shape: (height, width, channels); sides are multiples of `stride` or `None`.
        num_classes: number of classes.
        filters: channels of the classifier's convolutions.
        window: side of a patch in pixels.
        stride: step from patch to patch in pixels; each block of stride x stride pixels gets
            one decision.

    Returns:
        An uncompiled `keras.Model` from images in [0, 1] to logits (b, h, w, num_classes).

    Reference:
        Ciresan et al., Deep neural networks segment neuronal membranes in electron microscopy
        images, 2012.
    """
    return classify_windows(SlidingWindow2D, image_shape, num_classes, filters, window, stride)


def build_dense_window(
    image_shape: tuple[int | None, int | None, int] = (128, 128, 3),
    num_classes: int = 3,
    filters: Sequence[int] = FILTERS,
    window: int = 32,
    stride: int = 4,
) -> keras.Model:
    """The network of `build_sliding_window`, evaluated without cutting patches.

    The weights have the same shapes and order, and the same weights give the same logits. In
    training, batch normalisation sees each feature once, not once for each patch that holds it.

    Args and returns as for `build_sliding_window`.
    """
    return classify_windows(DenseWindow2D, image_shape, num_classes, filters, window, stride)


def classify_windows(layer, image_shape, num_classes, filters, window, stride):
    """The model around either window layer."""
    images = keras.Input(image_shape, name="image")
    classifier = patch_classifier((window, window, image_shape[-1]), num_classes, filters)
    x = layer(classifier, window, stride)(images)
    return keras.Model(images, NearestUnpooling2D(stride, dtype="float32", name="logits")(x), name="sliding_window")


def patch_classifier(patch_shape, num_classes, filters):
    """From a patch to the logits of the block in its middle."""
    classifier = keras.Sequential([keras.Input(patch_shape)], name="patch_classifier")
    for number, channels in enumerate(filters):
        # 5x5 first, so that a window of 32 is halved three times without a rest: 28 and 14, 12 and 6, 4 and 2.
        classifier.add(layers.Conv2D(channels, 3 if number else 5, use_bias=False, **LAST))
        classifier.add(layers.BatchNormalization())
        classifier.add(layers.ReLU())
        classifier.add(layers.MaxPooling2D(2, **LAST))
    classifier.add(layers.Flatten(**LAST))
    classifier.add(layers.Dense(num_classes))
    return classifier
