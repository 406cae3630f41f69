"""How the recipe of the saved models is found: one change after the other, on the validation split alone."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops

from zoo import cards, data, evaluation, files, models, training
from zoo.models.encoder_decoder import FILTERS

# At 64 x 64 throughout, where 24 epochs cost what 6 do at 128 x 128: long enough for stronger augmentation to pay.
BASE = training.Recipe("oxford_iiit_pet", image_size=64, batch_size=32, epochs=24, half_size_share=0.0)

# What each trial changes of `BASE`.
TRIALS = {
    "base": {},
    "grey_and_light": {"grey_share": 0.3, "light": 1.5},
    "pasted_pets": {"paste_share": 0.5},
    "scales_to_1.6": {"scale_jitter": 1.6},
    "scales_to_2": {"scale_jitter": 2.0},
    "last_epochs_larger": {"large_size_share": 0.15},
    "batches_of_16": {"batch_size": 16},
    "weight_decay_0.01": {"weight_decay": 0.01},
    "averaged_weights": {"ema_momentum": 0.995},
    "grey_0.6_and_light": {"grey_share": 0.6, "light": 1.5},
    "grey_0.6": {"grey_share": 0.6},
    "grey_0.8": {"grey_share": 0.8},
    "dice_2": {"dice_weight": 2.0},
    "dice_4": {"dice_weight": 4.0},
    "distilled": {},  # the recipe is the same, but a teacher helps
}
TEACHER = tuple(2 * width for width in FILTERS)  # the channels of its levels


def run_trial(name: str, seed: int, folder: str | os.PathLike, recipe: training.Recipe = BASE) -> dict:
    """Trains the U-Net by one of `TRIALS`, unless that was done before.

    Args:
        name: of the trial.
        seed: of the training.
        folder: where the states and the results, `<trial>_<seed>.json`, lie.
        recipe: what the trial changes.

    Returns:
        A dictionary: `trial`, `recipe`, `minutes`, and the `mean_iou` on the validation split after the last epoch,
        and `grey`, the same where the images have lost their colours.

    Raises:
        ValueError: if there is no such trial, or a file of that name holds something else, such as the result of
            another recipe.
    """
    if name not in TRIALS:
        raise ValueError(f"`name` must be one of {', '.join(TRIALS)}. Received: name={name!r}")
    recipe = dataclasses.replace(recipe, seed=seed, **TRIALS[name])
    head = json.loads(json.dumps({"trial": name, "recipe": dataclasses.asdict(recipe)}))  # as the file holds it
    path = Path(folder) / f"{name}_{seed}.json"

    def is_own(found):
        numbers = all(cards.is_number(found.get(key)) for key in ("minutes", "mean_iou", "grey"))
        return numbers and found.items() >= head.items()

    if found := files.read_earlier(path, is_own, "result of this trial by this recipe"):
        return found
    teacher = None
    if name == "distilled":  # one for all seeds
        of_teacher = dataclasses.replace(recipe, seed=0)
        teacher, _ = training.train(lambda: build(None, filters=TEACHER), of_teacher, Path(folder) / "teacher")

    def build_student():
        return Student(build(None), teacher) if teacher else build(None)

    learned, history = training.train(build_student, recipe, path.with_suffix(""))
    model = build(recipe.image_size)
    model.set_weights(learned.get_weights())
    scores = evaluation.evaluate(model, recipe.dataset, "validation", ways=("at_network_size", "grey"))
    result = {**head, "minutes": sum(epoch["seconds"] for epoch in history) / 60}
    result |= {"mean_iou": scores["at_network_size"]["mean_iou"], "grey": scores["grey"]["mean_iou"]}
    files.write_json(path, result)
    return result


def build(image_size: int | tuple[int, int] | None, **options: Sequence[int]) -> keras.Model:
    """The untrained U-Net, for images of one size, or of any where it is `None`."""
    height, width = data.both_sides(image_size) if image_size else (None, None)
    return models.build("unet", image_shape=(height, width, 3), **options)


class Student(keras.Model):
    """A network that learns from the masks, and as much from a teacher, which tells how sure it is of each class.

    To the loss it adds how far its shares of the classes are from the teacher's: their Kullback-Leibler divergence, the
    mean over all pixels.

    Args:
        network: the network that learns.
        teacher: a trained one with the same classes; it does not change.

    Reference:
        Hinton et al., Distilling the Knowledge in a Neural Network, 2015 (https://arxiv.org/abs/1503.02531).
    """

    def __init__(self, network: keras.Model, teacher: keras.Model) -> None:
        super().__init__(network.inputs, network.output, name=network.name)
        self.ask = lambda images: teacher(images, training=False)  # as a function it is no part of the network

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **options):
        """The loss of a batch of images `x` with masks `y` and the network's logits `y_pred`."""
        told, said = ops.softmax(self.ask(x)), ops.softmax(y_pred)
        distance = ops.mean(keras.losses.kl_divergence(told, said))
        return super().compute_loss(x, y, y_pred, sample_weight, **options) + distance
