import keras
from keras import ops

from zoo.layers.windows import check_multiples


@keras.saving.register_keras_serializable("zoo")
class SlidingWindow2D(keras.layers.Layer):
    """Runs a patch classifier at every `stride`-th pixel of an image.

    The counterpart of `keras.layers.TimeDistributed`. Each result stands for a block of
    stride x stride pixels and is made from the patch around that block. Patches reach over
    the edge of the image, where they see zeros. Neighbouring patches overlap, so that most
    of the work is done again and again: see `DenseWindow2D` for the same results without.

    Examples:
        >>> import numpy as np
        >>> classifier = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
        >>> SlidingWindow2D(classifier, window=32, stride=4)(np.zeros((1, 64, 96, 3))).shape
        TensorShape([1, 16, 24, 3])

    Args:
        classifier: Keras model or layer from patches (n, window, window, c) to logits (n, k).
        window: side of a patch in pixels.
        stride: step from patch to patch in pixels, from 1 to `window`.

    Input shape:
        (b, h, w, c), floating point. Known sides must be multiples of `stride`; of unknown sides
        the pixels that fill no block are left out.

    Output shape:
        (b, h / stride, w / stride, k). `NearestUnpooling2D(stride)` gives each block its logits.

    Raises:
        ValueError: if an argument or the input's shape is not as above, or a layer of the classifier is
            `channels_first`.

    Reference:
        Ciresan et al., Deep neural networks segment neuronal membranes in electron microscopy
        images, 2012.
    """

    def __init__(self, classifier, window, stride=1, **kwargs):
        super().__init__(**kwargs)
        for name, value in {"window": window, "stride": stride}.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
        if stride > window:
            raise ValueError(f"`stride` must not exceed `window`. Received: stride={stride}, window={window}")
        if not isinstance(classifier, keras.layers.Layer):
            raise ValueError(f"`classifier` must be a Keras model or layer. Received: {classifier!r:.60}")
        for layer in layers_within(classifier):
            if getattr(layer, "data_format", None) == "channels_first":
                raise ValueError(f"`classifier` must be channels_last. Received: {layer.name} with channels_first")
        self.classifier = classifier
        self.window = window
        self.stride = stride
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        self.classify_patch(input_shape[-1])
        self.built = True

    def call(self, inputs, training=None):
        check_multiples(inputs.shape, (self.stride, self.stride), self.name)
        inputs = ops.cast(inputs, self.compute_dtype)  # integers, which Keras leaves as they are
        batch, height, width, channels = ops.shape(inputs)
        rows, columns = height // self.stride, width // self.stride
        in_window = ops.arange(self.window)
        patches = ops.take(self.pad(inputs), first_pixels(rows, self.stride) + in_window, axis=1)
        patches = ops.take(patches, first_pixels(columns, self.stride) + in_window, axis=3)
        patches = ops.transpose(patches, (0, 1, 3, 2, 4, 5))  # (b, rows, columns, window, window, c)
        logits = self.classifier(
            ops.reshape(patches, (batch * rows * columns, self.window, self.window, channels)), training=training
        )
        return ops.reshape(logits, (batch, rows, columns, logits.shape[-1]))

    def pad(self, inputs):
        """Zeros around the image, so that the patch of each block lies around its middle."""
        before = self.window // 2 - self.stride // 2
        after = self.window - self.stride - before
        return ops.pad(inputs, ((0, 0), (before, after), (before, after), (0, 0)))

    def compute_output_spec(self, inputs, training=None):
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, self.classify_patch(inputs.shape[-1]).dtype)

    def compute_output_shape(self, input_shape):
        check_multiples(input_shape, (self.stride, self.stride), self.name)
        batch, height, width, channels = input_shape
        logits = self.classify_patch(channels)
        return batch, height and height // self.stride, width and width // self.stride, logits.shape[-1]

    def classify_patch(self, channels):
        """The symbolic logits (n, k) of patches with so many channels; refuses a classifier that gives none."""
        patch = keras.KerasTensor((None, self.window, self.window, channels), self.compute_dtype)
        if not self.classifier.built:
            self.classifier.build(patch.shape)
        built_for = getattr(self.classifier, "input_shape", patch.shape)
        if any(None not in pair and pair[0] != pair[1] for pair in zip(built_for, patch.shape, strict=False)):
            raise ValueError(
                f"`classifier` must take patches of `window` x `window` pixels: {patch.shape}. Received: {built_for}"
            )
        logits = self.classifier.compute_output_spec(patch)
        shape = getattr(logits, "shape", logits)
        if not isinstance(logits, keras.KerasTensor) or len(shape) != 2 or shape[1] is None:
            raise ValueError(f"`classifier` must return logits of shape (n, k). Received: {shape}")
        return logits

    def get_config(self):
        return {
            **super().get_config(),
            "classifier": keras.saving.serialize_keras_object(self.classifier),
            "window": self.window,
            "stride": self.stride,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "classifier": keras.saving.deserialize_keras_object(config["classifier"])})


def layers_within(layer):
    """The layer itself, and all layers and operations of a model or wrapper, however deep."""
    yield layer
    inside = getattr(layer, "operations", None) or getattr(layer, "layers", [])
    for inner in [*inside, *([layer.layer] if hasattr(layer, "layer") else [])]:  # the last of a wrapper
        yield from layers_within(inner)


def first_pixels(count, stride):
    """The first pixel of each patch, as a column (count, 1)."""
    return ops.expand_dims(ops.arange(count) * stride, 1)
