"""Two well-known networks for the photos of the zoo, and its U-Net at other widths."""

import contextlib
import functools

import keras
from keras import layers

from zoo import models
from zoo.models.encoder_decoder import FILTERS


@contextlib.contextmanager
def channels_last():
    """Builds as the photos are, whatever Keras is set to: its MobileNetV2 takes no word for it."""
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)


@channels_last()
def build_keras_io(image_shape):
    """The U-Net of keras.io: 2,058,979 parameters."""
    images = keras.Input(image_shape)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(32, 3, 2, padding="same")(images)))
    before = x
    for filters in (64, 128, 256):
        for _ in range(2):
            x = layers.SeparableConv2D(filters, 3, padding="same")(layers.ReLU()(x))
            x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
        x = before = layers.add([x, layers.Conv2D(filters, 1, 2, padding="same")(before)])
    for filters in (256, 128, 64, 32):
        for _ in range(2):
            x = layers.Conv2DTranspose(filters, 3, padding="same")(layers.ReLU()(x))
            x = layers.BatchNormalization()(x)
        x = layers.UpSampling2D(2)(x)
        x = before = layers.add([x, layers.Conv2D(filters, 1, padding="same")(layers.UpSampling2D(2)(before))])
    logits = layers.Conv2D(3, 3, padding="same", dtype="float32")(x)
    return keras.Model(images, logits, name="keras_io")


@channels_last()
def build_tensorflow_tutorial(image_shape):
    """MobileNetV2, and up again by transposed convolutions that are joined with its features."""
    encoder = keras.applications.MobileNetV2(input_shape=image_shape, include_top=False, weights=None)
    for layer in encoder.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.99  # as everywhere else: with its 0.999, images of half the size would count to the end
    x = encoder.get_layer("block_16_project").output  # 1/32 of the image's side
    for filters, name in ((512, "block_13"), (256, "block_6"), (128, "block_3"), (64, "block_1")):
        x = layers.Conv2DTranspose(filters, 3, 2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.concatenate([x, encoder.get_layer(f"{name}_expand_relu").output])
    logits = layers.Conv2DTranspose(3, 3, 2, padding="same", dtype="float32")(x)
    return keras.Model(encoder.input, logits, name="tensorflow_tutorial")


def build_unet(image_shape, first_filters=FILTERS[0]):
    """The zoo's U-Net, with all filters as much wider or narrower as those of the first level."""
    return models.build("unet", image_shape=image_shape, filters=[first_filters * n // FILTERS[0] for n in FILTERS])


NETWORKS = {
    "the zoo's U-Net": build_unet,
    "the zoo's U-Net, first 24 filters": functools.partial(build_unet, first_filters=24),
    "keras.io's U-Net": build_keras_io,
    "the zoo's U-Net, first 42 filters": functools.partial(build_unet, first_filters=42),
    "TensorFlow's tutorial": build_tensorflow_tutorial,
}
