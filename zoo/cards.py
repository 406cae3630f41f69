"""The cards of the saved models, `<stage>.json`. With the standard library alone, so that reading them is instant."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.errors import printable
from zoo.files import checksum, read_object
from zoo.stages import STAGES, check_stage

SCORES = ("mean_iou", "pixel_accuracy", "binary_iou", "boundary_iou")
ONLY_WITH_BACKGROUND = ("binary_iou", "boundary_iou")  # of the foreground: there is none where no class is background
IOUS = ("scores", "at_network_size", "iou")

# What the tables show of a card, by the keys below which it stands.
SHOWN = (
    *((*IOUS[:-1], name) for name in SCORES),
    *(("costs", cost) for cost in ("parameters", "multiply_adds", "milliseconds")),
)


def card(stage: str, folder: str | os.PathLike | None = None) -> dict:
    """The card of a saved model: scores, costs, recipe, versions and SHA-256, as a dictionary.

    Args:
        stage: one of `zoo.STAGES`.
        folder: where the saved models are; by default `ZOO_SAVED_MODELS` from the environment,
            else those that came with the package.

    Raises:
        ValueError: if there is no such stage, or the file holds no card.
        FileNotFoundError: if the folder has no such card.
    """
    return read(find(stage, folder, ".json"))


def cards(folder: str | os.PathLike | None = None) -> dict[str, dict]:
    """The cards of all stages that a folder has, in the lecture's order, by stage. The default folder must have one.

    Args as for `card`.

    Raises:
        ValueError: if a file holds no card, or one without scores and costs.
        FileNotFoundError: if no folder is named, and the default one has no card.
    """
    default, folder = folder is None, folder_of_models(folder)
    found = {stage: card(stage, folder) for stage in STAGES if (folder / f"{stage}.json").exists()}
    if default and not found:
        raise FileNotFoundError(
            f"{folder} holds no saved model. Set ZOO_SAVED_MODELS to a folder that does, or train a stage."
        )
    for stage, contents in found.items():
        check_shown(contents, folder / f"{stage}.json")
    return found


def cards_of_seeds(folder: str | os.PathLike | None = None) -> list[dict[str, dict]]:
    """The cards of several trainings of each stage: for each seed a dictionary as `cards` gives it.

    Args:
        folder: it holds the cards of the first seed, and `seed_1`, `seed_2` ... those of the others; by default `seeds`
            among the saved models.

    Raises:
        ValueError: as `cards`.
    """
    folder = Path(folder or folder_of_models() / "seeds")
    others = [path for path in folder.glob("seed_*") if path.name.removeprefix("seed_").isdecimal()]
    others.sort(key=lambda path: int(path.name.removeprefix("seed_")))
    return [cards(one) for one in (folder, *others)]


def read(path: Path) -> dict:
    """Reads a card, and checks what loading its model needs."""
    contents = read_object(path)
    if contents.get("stage") != path.stem:
        raise ValueError(f"`stage` in {path} must be {path.stem!r}. Received: {contents.get('stage')!r:.60}")
    if not isinstance(contents.get("sha256"), str):
        raise ValueError(f"`sha256` in {path} must be a string. Received: {contents.get('sha256')!r:.60}")
    return contents


def check_shown(contents: dict, path: Path) -> None:
    """Refuses a card that lacks a number that the tables show."""
    classes = look_up(contents, IOUS)
    if not isinstance(classes, dict) or not classes:
        raise ValueError(
            f"`{'.'.join(IOUS)}` in {path} must be an object with a number a class. Received: {classes!r:.60}"
        )
    foreground = look_up(contents, IOUS[:-1]).keys() & set(ONLY_WITH_BACKGROUND)
    for keys in (*SHOWN, *((*IOUS, name) for name in classes)):
        value = look_up(contents, keys)
        nowhere = value is None and keys[:-1] == IOUS  # a class that is neither true nor predicted
        if not (is_number(value) or nowhere) and (foreground or keys[-1] not in ONLY_WITH_BACKGROUND):
            raise ValueError(f"`{'.'.join(keys)}` in {path} must be a number. Received: {value!r:.60}")
    memory = look_up(contents, ("costs", "peak_megabytes"))
    if not (memory is None or is_number(memory)):
        raise ValueError(f"`costs.peak_megabytes` in {path} must be a number or null. Received: {memory!r:.60}")
    if not isinstance(contents.get("recipe"), dict):
        raise ValueError(f"`recipe` in {path} must be an object. Received: {contents.get('recipe')!r:.60}")


def class_names(name: str) -> list[str] | None:
    """The names of a model's classes, by number: of a saved stage, or of a `.keras` file that has its card beside it.

    Args:
        name: a stage, or the path of a file.

    Returns:
        A list, or `None` where nobody knows.
    """
    contents = card_of(name)
    classes = look_up(contents, ("dataset", "classes")) or look_up(contents, IOUS)
    known = isinstance(classes, dict | list) and all(isinstance(name, str) for name in classes)
    return list(map(printable, classes)) if known else None


def card_of(name: str) -> dict | None:
    """The card of a saved stage; of a `.keras` file the one beside it, `None` if none is or it is no card of this file.

    The file may have been renamed together with its card, and `.json` may be anything of somebody's own.
    """
    if not name.endswith(".keras"):
        return card(name)
    try:
        contents = read_object(Path(name).with_suffix(".json"))
    except (OSError, ValueError):
        return None
    known = look_up(contents, ("sha256",))
    return contents if known == checksum(name) else None


def look_up(contents: Any, keys: Sequence[str]) -> Any:
    """The value below these keys in nested dictionaries; `None` where there is none."""
    for name in keys:
        contents = contents.get(name) if isinstance(contents, dict) else None
    return contents


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number that can be printed."""
    return isinstance(value, int | float) and not isinstance(value, bool) and (abs(value) < 1e18 or value != value)


def find(stage: str, folder: str | os.PathLike | None, ending: str) -> Path:
    """The path of a stage's file, if it is there."""
    check_stage(stage)
    path = folder_of_models(folder) / f"{stage}{ending}"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing. Train it (`python -m zoo train {stage}`), or name a folder that has it: "
            f"`zoo.load({stage!r}, folder=...)`, or ZOO_SAVED_MODELS in the environment."
        )
    return path


def path_of(name: str) -> Path:
    """The file that a command line names: that of a saved stage, or a `.keras` file itself."""
    return Path(name) if name.endswith(".keras") else find(name, None, ".keras")


def folder_of_models(folder: str | os.PathLike | None = None) -> Path:
    """The folder that was named, or the default.

    Raises:
        FileNotFoundError: if `ZOO_SAVED_MODELS` decides, and names no folder.
        ValueError: if the folder's name is empty.
    """
    named = os.environ.get("ZOO_SAVED_MODELS")
    if folder is None and named and not Path(named).is_dir():
        raise FileNotFoundError(f"ZOO_SAVED_MODELS must name a folder of saved models. Received: {named}")
    if folder is not None and not os.fspath(folder):
        raise ValueError("`folder` must name a folder of saved models. Received: folder=''")
    package = Path(__file__).parent
    installed, clone = package / "saved_models", package.parent / "saved_models"
    return Path(folder or named or (installed if installed.is_dir() else clone))
