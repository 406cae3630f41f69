"""What was trained for the saved models: recipes, trials of the recipe, seeds and controls."""

import dataclasses
import time

from keras import layers

from zoo import models, training
from zoo.models.blocks import max_pool
from zoo.models.encoder_decoder import FILTERS, encoder_decoder

BASE = training.Recipe("oxford_iiit_pet", batch_size=32, half_size_share=0.5, mixed_precision=True)
SHORT = dataclasses.replace(BASE, split="train+validation", epochs=16)
RECIPES = {"published": training.PUBLISHED, "short": SHORT}

# Changes of `BASE`, each trained for 48 epochs without the validation split and scored on it.
TRIALS = {
    "as it was": {},
    "scales up to 1.6": {"scale_jitter": 1.6},
    "scales up to 2": {"scale_jitter": 2.0},
    "pasted pets (0.5)": {"paste_share": 0.5},
    "grey (0.15) and stronger light (1.5)": {"grey_share": 0.15, "light": 1.5},
    "last 15 % at 160 x 160": {"large_size_share": 0.15},
    "batches of 16": {"batch_size": 16},
    "weight decay 0.01": {"weight_decay": 0.01},
}


def build_wide(image_shape=(128, 128, 3), num_classes=3):
    """`transposed_convolution`, widened to the number of parameters of the U-Net: is it the hand-over, or the size?"""
    return models.build(
        "transposed_convolution", image_shape=image_shape, num_classes=num_classes, filters=(18, 36, 72, 102, 136)
    )


def build_kernel(size, image_shape=(128, 128, 3), num_classes=3):
    """`transposed_convolution` whose stamps are larger than the stride, so that they overlap."""

    def grow(x, memory, filters):
        return layers.Conv2DTranspose(filters, size, strides=2, padding="same")(x)

    return encoder_decoder(max_pool, grow, image_shape, num_classes, FILTERS, name="transposed_convolution")


CONTROLS = {
    "transposed_convolution_wide": build_wide,
    "transposed_convolution_kernel_3": lambda **options: build_kernel(3, **options),
    "transposed_convolution_kernel_4": lambda **options: build_kernel(4, **options),
}


def build(name, **options):
    """The network of a stage or a control as it is trained."""
    return CONTROLS[name](**options) if name in CONTROLS else models.build_for_training(name, **options)


def run_trial(name, seed, folder, epochs=48):
    """Trains the U-Net by one of `TRIALS`; returns what a line of the trials' table says."""
    recipe = dataclasses.replace(BASE, epochs=epochs, seed=seed, **TRIALS[name])
    start = time.monotonic()
    _, history = training.train(lambda: build("unet", image_shape=(None, None, 3)), recipe, folder)
    result = {"trial": name, "changes": TRIALS[name], "epochs": epochs, "seed": seed}
    result |= {"mean_iou": history[-1]["val_mean_iou"], "minutes": (time.monotonic() - start) / 60}
    return result


def train_weights(name, recipe, folder, devices=1):
    """Trains a stage or a control by a recipe.

    Returns:
        The network that was trained, for images of the recipe's size, and the history of the training.
    """
    shape = (recipe.image_size, recipe.image_size, 3)
    with training.share_among(devices, recipe.batch_size):
        trained, history = training.train(lambda: build(name, image_shape=(None, None, 3)), recipe, folder)
    model = build(name, image_shape=shape)
    model.set_weights(trained.get_weights())
    return model, history
