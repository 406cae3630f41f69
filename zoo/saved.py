"""The saved models: a `.keras` file a stage, and beside it its card, `.json`."""

import hashlib
import json
import os
from pathlib import Path

import keras

import zoo.layers  # noqa: F401, registers the custom layers
from zoo.stages import STAGES, check_stage


def load(stage, folder=None):
    """Loads the trained model of a stage.

    Examples:
        >>> load("unet").output_shape
        (None, 128, 128, 3)

    Args:
        stage: one of `zoo.STAGES`.
        folder: where the saved models are; by default `ZOO_SAVED_MODELS` from the environment,
            else `saved_models/` of the clone that holds this package.

    Returns:
        An uncompiled `keras.Model` from images (b, 128, 128, 3), floats in [0, 1], to logits
        (b, 128, 128, 3) for pet, background and border.

    Raises:
        ValueError: if there is no such stage, or the file is not the one that its card describes.
        FileNotFoundError: if the folder has no such model.
    """
    path = find(stage, folder, ".keras")
    if hashlib.sha256(path.read_bytes()).hexdigest() != (known := card(stage, folder)["sha256"]):
        raise ValueError(
            f"{path} has changed since its card was written (its SHA-256 is not {known[:12]}...). "
            f"Restore it (`git checkout {path}`), or load it unchecked with `keras.saving.load_model`."
        )
    return keras.saving.load_model(path, compile=False)


def card(stage, folder=None):
    """The card of a saved model: scores, costs, recipe, versions and SHA-256, as a dictionary.

    Args and raises as for `load`, but the model itself need not be there.
    """
    return json.loads(find(stage, folder, ".json").read_text())


def cards(folder=None):
    """The cards of all stages that a folder has, in the lecture's order, by stage."""
    folder = folder_of_models(folder)
    return {stage: card(stage, folder) for stage in STAGES if (folder / f"{stage}.json").exists()}


def save(model, card, folder):
    """Writes a model without its optimiser, and its card.

    Each file is written whole under another name first, and the card comes last: a model with a
    card that fits it is complete.

    Args:
        model: a Keras model with the name of a stage.
        card: dictionary for the card; the stage and the SHA-256 of the file are added.
        folder: where to write `<stage>.keras` and `<stage>.json`; made if missing.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"unfinished.{model.name}.keras"
    bare = model.__class__.from_config(model.get_config())  # never compiled: else the file would hold the optimiser
    bare.set_weights(model.get_weights())
    bare.save(unfinished)
    digest = hashlib.sha256(unfinished.read_bytes()).hexdigest()
    os.replace(unfinished, folder / f"{model.name}.keras")
    write_json(folder / f"{model.name}.json", {**card, "stage": model.name, "sha256": digest})


def write_json(path, contents):
    """Writes a JSON file, which gets its name when it is whole."""
    unfinished = path.with_name(f"unfinished.{path.name}")
    unfinished.write_text(json.dumps(contents, indent=1) + "\n")
    os.replace(unfinished, path)


def find(stage, folder, ending):
    """The path of a stage's file, if it is there."""
    check_stage(stage)
    path = folder_of_models(folder) / f"{stage}{ending}"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing. Train it (`python -m zoo train {stage}`), or name a folder that has it: "
            f"`zoo.load({stage!r}, folder=...)`, or ZOO_SAVED_MODELS in the environment."
        )
    return path


def folder_of_models(folder=None):
    """The folder that was named, or the default."""
    clone = Path(__file__).parent.parent / "saved_models"
    return Path(folder or os.environ.get("ZOO_SAVED_MODELS") or clone)
