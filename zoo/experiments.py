"""How the recipe of the saved models is found: one change after the other, on the validation split alone."""

import dataclasses
import os
import time
from pathlib import Path

from zoo import cards, files, models, training

# At 64 x 64 throughout, where 24 epochs cost what 6 do at 128 x 128: long enough for stronger augmentation to pay.
BASE = training.Recipe("oxford_iiit_pet", image_size=64, batch_size=32, epochs=24, half_size_share=0.0, xla=True)

# What each trial changes of `BASE`.
TRIALS = {
    "base": {},
    "grey_and_light": {"grey_share": 0.15, "light": 1.5},
    "pasted_pets": {"paste_share": 0.5},
    "scales_to_1.6": {"scale_jitter": 1.6},
    "scales_to_2": {"scale_jitter": 2.0},
    "last_epochs_larger": {"large_size_share": 0.15},
    "batches_of_16": {"batch_size": 16},
    "weight_decay_0.01": {"weight_decay": 0.01},
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
        after the last epoch.

    Raises:
        ValueError: if there is no such trial, or a file of that name holds something else.
    """
    if name not in TRIALS:
        raise ValueError(f"`name` must be one of {', '.join(TRIALS)}. Received: name={name!r}")
    path = Path(folder) / f"{name}_{seed}.json"
    if found := files.read_earlier(path, is_result, "result of a trial"):
        return found
    recipe = dataclasses.replace(recipe, seed=seed, **TRIALS[name])
    start = time.monotonic()
    _, history = training.train(lambda: models.build("unet", image_shape=(None, None, 3)), recipe, path.with_suffix(""))
    result = {"trial": name, "seed": seed, "changes": TRIALS[name], "epochs": recipe.epochs}
    result |= {"minutes": (time.monotonic() - start) / 60, "mean_iou": history[-1]["val_mean_iou"]}
    files.write_json(path, result)
    return result


def is_result(found: dict) -> bool:
    """Whether a dictionary has the numbers of a trial."""
    return all(cards.is_number(found.get(name)) for name in ("minutes", "mean_iou"))
