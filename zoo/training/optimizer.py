"""AdamW as a recipe asks for it, and the average of the weights that it may keep."""

from collections.abc import Iterable

import keras
import numpy as np

from zoo.training.recipe import Recipe, refuse_other_limits


def make_optimizer(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """AdamW, whose learning rate rises in the warm-up and falls along a cosine until the last step."""
    refuse_other_limits()  # the rate counts on all steps
    steps = recipe.epochs * steps_per_epoch
    warm_up = round(recipe.warm_up * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    average = {"use_ema": True, "ema_momentum": recipe.ema_momentum} if recipe.ema_momentum else {}
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, **average)


def take_average(model: keras.Model, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Puts the moving average that the optimiser has kept in place of the weights.

    What batch normalisation knows of its inputs belongs to other weights, so it is counted anew: each statistic becomes
    its mean over the batches.

    Args:
        model: compiled with an optimiser that averages (`use_ema`).
        batches: of the training's images and masks.

    Reference:
        Izmailov et al., Averaging Weights Leads to Wider Optima, 2018 (https://arxiv.org/abs/1803.05407).
    """
    model.optimizer.finalize_variable_values(model.trainable_variables)
    counting = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in counting]
    for number, (images, _) in enumerate(batches):
        for layer in counting:
            layer.momentum = number / (number + 1)
        model(images, training=True)
    for layer, momentum in zip(counting, momenta, strict=True):
        layer.momentum = momentum
