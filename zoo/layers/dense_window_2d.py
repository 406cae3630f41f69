import keras
from keras import layers, ops

from zoo.layers.sliding_window_2d import SlidingWindow2D
from zoo.layers.windows import check_multiples

POINTWISE = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Dropout)
ACTIVATIONS = [  # softmax and its like look at their neighbours, and nothing is known of a function of one's own
    getattr(keras.activations, name)
    for name in (
        *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "exponential"),
        *("sigmoid", "hard_sigmoid", "log_sigmoid", "hard_silu", "tanh", "hard_tanh", "softplus", "softsign"),
    )
    if hasattr(keras.activations, name)  # Keras 3.3 lacks some
]


@keras.saving.register_keras_serializable("zoo")
class DenseWindow2D(SlidingWindow2D):
    """Gives the logits of `SlidingWindow2D` without cutting a single patch.

    All patches share their features: a convolution runs once over the whole image, and a
    pooling layer keeps every pixel and spreads the taps of what follows instead (dilation).
    This layer and the classifier need the same dtype policy. In training, batch normalisation sees
    each feature once here, and there as often as patches overlap: then the logits differ.

    Examples:
        >>> classifier = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
        >>> sliding = SlidingWindow2D(classifier, window=32, stride=4)
        >>> dense = DenseWindow2D(sliding.classifier, window=32, stride=4)  # the same weights

    Args:
        classifier: `keras.Sequential` of `Conv2D` (valid, stride 1), `MaxPooling2D` (valid, step =
            pool), `Flatten`, `Dense`, and layers that work on each number alone (`Activation`, `ReLU`,
            `LeakyReLU`, `ELU`, `Dropout`) or, before `Flatten`, on each place (`BatchNormalization`).
            Activations are those of `keras.activations` that work on each number alone, such as
            `relu` and `tanh`: no `softmax`, and no function of one's own.
        window: side of a patch in pixels.
        stride: step from patch to patch in pixels, from 1 to `window`.

    Input shape:
        As for `SlidingWindow2D`.

    Output shape:
        As for `SlidingWindow2D`.

    Raises:
        ValueError: if an argument or the input's shape is not as above, or the classifier has a
            layer that cannot be evaluated densely, or in this layer's precision.

    Reference:
        Giusti et al., Fast image scanning with deep max-pooling convolutional neural networks,
        2013 (https://arxiv.org/abs/1302.1700).
    """

    def __init__(self, classifier, window, stride=1, **kwargs):
        if type(classifier) is not keras.Sequential:  # a subclass may call its layers in a way of its own
            raise ValueError(f"`classifier` must be a keras.Sequential. Received: {classifier!r}")
        flat = False
        for layer in classifier.layers:
            check_dense(layer, flat)
            flat = flat or isinstance(layer, layers.Flatten)
        super().__init__(classifier, window, stride, **kwargs)
        if other := [layer for layer in classifier.layers if layer.compute_dtype != self.compute_dtype]:
            raise ValueError(
                f"`classifier` must compute as this layer does, in {self.compute_dtype}. "
                f"Received: {other[0].name}, which computes in {other[0].compute_dtype}"
            )

    def classify_patch(self, channels):
        sides = (self.window, self.window)
        for layer in self.classifier.layers:
            sides = sides_after(layer, sides)
        logits = super().classify_patch(channels)
        if sides != (1, 1):
            raise ValueError(
                "`classifier` must end with one decision a patch (Dense, or a convolution as large as its input). "
                f"Received: a map of {sides[0]} x {sides[1]}"
            )
        return logits

    def call(self, inputs, training=None):
        if any(map(is_quantized, self.classifier.layers)):  # since it was built
            raise ValueError("`classifier` must not be quantized: its kernels are no convolution's any more.")
        check_multiples(inputs.shape, (self.stride, self.stride), self.name)
        x = self.pad(ops.cast(inputs, self.compute_dtype))
        dilation = 1  # between neighbours of the patch's feature map, in pixels of x
        stride = self.stride  # between patches, in pixels of x
        sides = (self.window, self.window)  # of the patch's feature map
        for layer in self.classifier.layers:
            if isinstance(layer, layers.Conv2D):
                x = convolve(x, layer, layer.kernel, dilation)
            elif isinstance(layer, layers.MaxPooling2D):
                pool = layer.pool_size[0]
                x = slide_maximum(x, pool, dilation)
                if stride % pool == 0:  # no patch looks at the pixels between
                    x, stride = x[:, ::pool, ::pool], stride // pool
                else:
                    dilation *= pool
            elif isinstance(layer, layers.Dense):
                kernel = ops.reshape(layer.kernel, (*sides, x.shape[-1], layer.units))
                x = convolve(x, layer, kernel, dilation)
            elif not isinstance(layer, layers.Flatten):
                x = layer(x)  # Keras hands `training` on
            sides = sides_after(layer, sides)
        _, height, width, _ = ops.shape(inputs)
        x = x[:, ::stride, ::stride]
        return x[:, : height // self.stride, : width // self.stride]


def sides_after(layer, sides):
    """Height and width of the patch's feature map after a layer."""
    if isinstance(layer, layers.Conv2D):
        return tuple(side - kernel + 1 for side, kernel in zip(sides, layer.kernel_size, strict=True))
    if isinstance(layer, layers.MaxPooling2D):
        return tuple(side // layer.pool_size[0] for side in sides)
    return (1, 1) if isinstance(layer, layers.Dense) else sides


def is_quantized(layer):
    """Whether a layer's kernel has become integers: of an older Keras the policy alone knows."""
    return getattr(layer, "quantization_mode", None) or getattr(layer.dtype_policy, "quantization_mode", None)


def check_dense(layer, flat):
    """Refuses a layer of which no dense evaluation is known, `flat` or not what comes to it."""
    kind = type(layer)  # a subclass may do anything
    activation = getattr(layer, "activation", keras.activations.linear)
    if not any(activation is known for known in ACTIVATIONS):
        raise ValueError(
            f"`classifier` may hold the activations {', '.join(known.__name__ for known in ACTIVATIONS)}. "
            f"Received: {layer.name} with activation={getattr(activation, '__name__', activation)!r}"
        )
    other_axes = getattr(layer, "data_format", "channels_last") != "channels_last"
    if other_axes or is_quantized(layer) or getattr(layer, "activity_regularizer", None):  # which is to see each patch
        fits = False
    elif kind is layers.Conv2D:
        fits = layer.padding == "valid" and layer.strides == (1, 1) == layer.dilation_rate and layer.groups == 1
    elif kind is layers.MaxPooling2D:
        fits = layer.padding == "valid" and layer.strides == layer.pool_size and len(set(layer.pool_size)) == 1
    elif kind is layers.Dense:
        fits = flat
    elif kind is layers.BatchNormalization:
        fits = not flat and layer.axis in (-1, 3)  # once built on features without places, it takes no map
    else:
        fits = kind in (layers.Flatten, *POINTWISE) and getattr(layer, "noise_shape", None) is None
    if not fits:
        raise ValueError(
            "`classifier` may hold Conv2D (valid, stride 1), square MaxPooling2D (valid, step = pool), Flatten and "
            f"Dense after it, BatchNormalization before it, and {', '.join(kind.__name__ for kind in POINTWISE)}, "
            "all channels last. "
            f"Received: {layer.__class__.__name__} with {layer.get_config()}"
        )


def convolve(x, layer, kernel, dilation):
    """The layer's convolution with spread taps, its bias and activation."""
    x = ops.conv(
        x, ops.cast(kernel, x.dtype), strides=1, padding="valid", dilation_rate=dilation, data_format="channels_last"
    )
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
