"""The stages as Keras models: one builder a file, `build_<stage>`."""

import importlib
from typing import Any

import keras

from zoo.stages import check_stage


def build(stage: str, **options: Any) -> keras.Model:
    """Builds a stage by its name, untrained.

    Examples:
        >>> build("unet").count_params()
        950707

    Args:
        stage: one of `zoo.STAGES`.
        **options: what its builder takes: `image_shape=(128, 128, 3)`, `num_classes=3`,
            `filters`, and for `sliding_window` also `window` and `stride`.

    Returns:
        An uncompiled `keras.Model` from images (b, h, w, channels), floats in [0, 1], to
        logits (b, h, w, num_classes), float32.

    Raises:
        ValueError: if there is no such stage, or an option does not fit.
    """
    check_stage(stage)
    return getattr(importlib.import_module(f"zoo.models.{stage}"), f"build_{stage}")(**options)


def build_for_training(stage: str, **options: Any) -> keras.Model:
    """As `build`, but the fastest network with the same weights and the same logits.

    Only `sliding_window` has one that differs: `build_dense_window`. Its patches overlap, and
    training them one by one takes 30 times as long.

    Args and raises as for `build`.
    """
    if stage == "sliding_window":
        return importlib.import_module("zoo.models.sliding_window").build_dense_window(**options)
    return build(stage, **options)
