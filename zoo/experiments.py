"""How the recipe of the saved models is found: one change after the other, on the validation split alone."""

import dataclasses
import os
from pathlib import Path

import keras

from zoo import cards, evaluation, files, models, training

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
}


def run_trial(name: str, seed: int, folder: str | os.PathLike, recipe: training.Recipe = BASE) -> dict:
    """Trains the U-Net by one of `TRIALS`, unless that was done before.

    Args:
        name: of the trial.
        seed: of the training.
        folder: where the states and the results, `<trial>_<seed>.json`, lie.
        recipe: what the trial changes.

    Returns:
        A dictionary: `trial`, `seed`, `changes`, `epochs`, `minutes`, and the `mean_iou` on the validation split
        after the last epoch, and `grey`, the same where the images have lost their colours.

    Raises:
        ValueError: if there is no such trial, or a file of that name holds something else.
    """
    if name not in TRIALS:
        raise ValueError(f"`name` must be one of {', '.join(TRIALS)}. Received: name={name!r}")
    path = Path(folder) / f"{name}_{seed}.json"
    if found := files.read_earlier(path, is_result, "result of a trial"):
        return found
    recipe = dataclasses.replace(recipe, seed=seed, **TRIALS[name])
    learned, history = training.train(lambda: build(None), recipe, path.with_suffix(""))
    model = build(recipe.image_size)
    model.set_weights(learned.get_weights())
    scores = evaluation.evaluate(model, recipe.dataset, "validation", ways=("at_network_size", "grey"))
    result = {"trial": name, "seed": seed, "changes": TRIALS[name], "epochs": recipe.epochs}
    result["minutes"] = sum(epoch["seconds"] for epoch in history) / 60
    result |= {"mean_iou": scores["at_network_size"]["mean_iou"], "grey": scores["grey"]["mean_iou"]}
    files.write_json(path, result)
    return result


def build(image_size: int | None) -> keras.Model:
    """The untrained U-Net, for images of one size, or of any where it is `None`."""
    return models.build("unet", image_shape=(image_size, image_size, 3))


def is_result(found: dict) -> bool:
    """Whether a dictionary has the numbers of a trial."""
    return all(cards.is_number(found.get(name)) for name in ("minutes", "mean_iou", "grey"))
