import keras
from keras import layers, ops

from zoo.layers.sliding_window_2d import SlidingWindow2D
from zoo.layers.windows import check_multiples

POINTWISE = (layers.Activation, layers.ReLU, layers.Dropout)


@keras.saving.register_keras_serializable("zoo")
class DenseWindow2D(SlidingWindow2D):
    """Gives the logits of `SlidingWindow2D` without cutting a single patch.

    All patches share their features: a convolution runs once over the whole image, and a
    pooling layer keeps every pixel and spreads the taps of what follows instead (dilation).
    Give this layer and the classifier the same dtype policy.

    Examples:
        >>> classifier = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
        >>> sliding = SlidingWindow2D(classifier, window=32, stride=4)
        >>> dense = DenseWindow2D(sliding.classifier, window=32, stride=4)  # the same weights

    Args:
        classifier: `keras.Sequential` of `Conv2D` (valid, stride 1), `MaxPooling2D` (valid, step =
            pool), `Flatten`, `Dense`, and layers that work on each place alone
            (`Activation`, `ReLU`, `Dropout` and, before `Flatten`, `BatchNormalization`).
        window: side of a patch in pixels.
        stride: step from patch to patch in pixels, from 1 to `window`.

    Input shape:
        As for `SlidingWindow2D`.

    Output shape:
        As for `SlidingWindow2D`.

    Raises:
        ValueError: if an argument or the input's shape is not as above, or the classifier has a
            layer that cannot be evaluated densely.

    Reference:
        Giusti et al., Fast image scanning with deep max-pooling convolutional neural networks,
        2013 (https://arxiv.org/abs/1302.1700).
    """

    def __init__(self, classifier, window, stride=1, **kwargs):
        super().__init__(classifier, window, stride, **kwargs)
        if not isinstance(classifier, keras.Sequential):
            raise ValueError(f"`classifier` must be a keras.Sequential. Received: {classifier!r}")
        flat = False
        for layer in classifier.layers:
            check_dense(layer, flat)
            flat = flat or isinstance(layer, layers.Flatten)

    def call(self, inputs, training=None):
        check_multiples(inputs.shape, (self.stride, self.stride), self.name)
        x = self.pad(inputs)
        dilation = 1  # between neighbours of the patch's feature map, in pixels of x
        stride = self.stride  # between patches, in pixels of x
        sides = (self.window, self.window)  # of the patch's feature map
        for layer in self.classifier.layers:
            if isinstance(layer, layers.Conv2D):
                x = convolve(x, layer, layer.kernel, dilation)
                sides = tuple(side - kernel + 1 for side, kernel in zip(sides, layer.kernel_size, strict=True))
            elif isinstance(layer, layers.MaxPooling2D):
                pool = layer.pool_size[0]
                x = slide_maximum(x, pool, dilation)
                sides = tuple(side // pool for side in sides)
                if stride % pool == 0:  # no patch looks at the pixels between
                    x, stride = x[:, ::pool, ::pool], stride // pool
                else:
                    dilation *= pool
            elif isinstance(layer, layers.Dense):
                kernel = ops.reshape(layer.kernel, (*sides, x.shape[-1], layer.units))
                x = convolve(x, layer, kernel, dilation)
                sides = (1, 1)
            elif not isinstance(layer, layers.Flatten):
                x = layer(x)  # Keras hands `training` on
        if sides != (1, 1):
            raise ValueError(
                "`classifier` must end with one decision a patch (Dense, or a convolution as large as its input). "
                f"Received: a map of {sides[0]} x {sides[1]}"
            )
        _, height, width, _ = ops.shape(inputs)
        x = x[:, ::stride, ::stride]
        return x[:, : height // self.stride, : width // self.stride]


def check_dense(layer, flat):
    """Refuses a layer of which no dense evaluation is known, `flat` or not what comes to it."""
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        fits = False
    elif isinstance(layer, layers.Conv2D):
        fits = layer.padding == "valid" and layer.strides == (1, 1) == layer.dilation_rate and layer.groups == 1
    elif isinstance(layer, layers.MaxPooling2D):
        fits = layer.padding == "valid" and layer.strides == layer.pool_size and len(set(layer.pool_size)) == 1
    elif isinstance(layer, layers.Dense):
        fits = flat
    elif isinstance(layer, layers.BatchNormalization):
        fits = not flat and layer.axis in (-1, 3)  # once built on features without places, it takes no map
    else:
        fits = isinstance(layer, (layers.Flatten, *POINTWISE))
    if not fits:
        raise ValueError(
            "`classifier` may hold Conv2D (valid, stride 1), square MaxPooling2D (valid, step = pool), Flatten and "
            f"Dense after it, BatchNormalization before it, and {', '.join(kind.__name__ for kind in POINTWISE)}, "
            "all channels last. "
            f"Received: {layer.__class__.__name__} with {layer.get_config()}"
        )


def convolve(x, layer, kernel, dilation):
    """The layer's convolution with spread taps, its bias and activation."""
    x = ops.conv(x, ops.cast(kernel, x.dtype), strides=1, padding="valid", dilation_rate=dilation)
    if layer.use_bias:
        x = x + ops.cast(layer.bias, x.dtype)
    return layer.activation(x)


def slide_maximum(x, pool, dilation):
    """The maximum of pool x pool pixels that lie `dilation` apart, at every pixel."""
    for axis in (1, 2):
        length = ops.shape(x)[axis] - (pool - 1) * dilation
        shifted = [ops.take(x, ops.arange(length) + step * dilation, axis=axis) for step in range(pool)]
        x = shifted[0]
        for other in shifted[1:]:
            x = ops.maximum(x, other)
    return x
