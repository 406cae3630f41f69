"""The blocks that the stages are built from: channels last, whatever Keras is set to."""

from keras import layers

from zoo.layers import MaxPoolingWithOffsets2D

LAST = {"data_format": "channels_last"}


def convolution(x, filters, strides=1):
    """3x3 convolution with padding 1, batch normalisation and ReLU.

    Args:
        x: tensor of shape (b, h, w, c).
        filters: number of output channels.
        strides: 1 keeps the size, 2 halves it.

    Returns:
        A tensor of shape (b, h / strides, w / strides, filters).
    """
    # "same" would pad (0, 1) at stride 2: the lecture, like PyTorch, pads 1 on every side.
    x = layers.ZeroPadding2D(1, **LAST)(x) if strides > 1 else x
    padding = "valid" if strides > 1 else "same"
    x = layers.Conv2D(filters, 3, strides, padding=padding, use_bias=False, **LAST)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x)


def double_convolution(x, filters):
    """Two 3x3 convolutions: what every level of every stage does with its features."""
    return convolution(convolution(x, filters), filters)


def classify_pixels(x, num_classes):
    """1x1 convolution from features to logits, in float32 for a stable softmax."""
    return layers.Conv2D(num_classes, 1, dtype="float32", name="logits", **LAST)(x)


def max_pool(x, filters):
    """Down by 2x2 max pooling; remembers nothing."""
    return layers.MaxPooling2D(2, **LAST)(x), None


def pool_with_offsets(x, filters):
    """Down by 2x2 max pooling; remembers where in its window each maximum stood."""
    return MaxPoolingWithOffsets2D(2)(x)


def narrow(x, filters):
    """1x1 convolution to the channels of the level above, since unpooling keeps the channels."""
    return layers.Conv2D(filters, 1, **LAST)(x)


def transposed_convolution(x, memory, filters):
    """Up by a 2x2 transposed convolution of stride 2; needs no memory.

    The kernel is as wide as the stride, so that each pixel of the large map gets its number from one value alone.
    """
    return layers.Conv2DTranspose(filters, 2, strides=2, **LAST)(x)
