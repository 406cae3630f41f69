"""Photos in files and folders: which they are, and what models say of them."""

import collections
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from zoo import data, files, plots, prediction
from zoo.data.pictures import ENDINGS


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """The files, and the pictures in the folders, among the paths, each once.

    Raises:
        FileNotFoundError: if there is none.
    """
    known = [ending for endings in ENDINGS.values() for ending in endings]
    found = {}
    for path in paths:
        photos = sorted(file for file in path.iterdir() if file.suffix.lower() in known) if path.is_dir() else [path]
        for photo in photos:
            found.setdefault(absolute(photo), photo)
    if not found:
        raise FileNotFoundError(f"There is no picture in {', '.join(map(str, paths))} ({', '.join(known)}).")
    return list(found.values())


def write_overlays(
    model: keras.Model, photos: list[Path], folder: str | os.PathLike, overwrite: bool = False
) -> Iterator[tuple[Path, Exception | None]]:
    """Writes each photo, with the classes of its pixels laid over it, into a folder, as `<photo>.png`.

    Args:
        model: as for `zoo.predict`.
        photos: files, as `find_photos` gives.
        folder: made if missing. No photo is replaced by a picture.
        overwrite: whether pictures that were written before are replaced.

    Yields:
        Each photo when it is done, with `None`, or with the error if it could not be read or its picture not written.

    Raises:
        ValueError: if the model does not fit.
    """
    prediction.check_model(model)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    originals = {absolute(photo) for photo in photos}
    for photo, name in zip(photos, picture_names(photos), strict=True):
        path = folder / name
        try:
            if absolute(path) in originals:
                raise FileExistsError(f"its picture would replace the photo {path}. Name another --out.")
            files.refuse_taken(path, overwrite)
            image = data.read_image(photo)
        except (OSError, ValueError) as error:
            yield photo, error
            continue
        image = plots.overlay(image, prediction.predict(model, image))  # what fails here is no fault of the photo
        try:
            with files.write_whole(path, overwrite) as unfinished:
                Image.fromarray(image).save(unfinished, "png")
        except OSError as error:
            yield photo, error
        else:
            yield photo, None


def predict_thinned(
    models: dict[str, keras.Model], paths: Iterable[Path], side: int
) -> tuple[list[np.ndarray], dict[str, list[np.ndarray]]]:
    """What several models say of photos, for `zoo.plots.draw_stages`.

    Args:
        models: by their names.
        paths: files, or folders of them.
        side: pixels that a side of the results may have: of larger ones, each second, third, ... is kept.

    Returns:
        The photos, uint8 (h, w, 3), and for each name the masks, integers (h, w).
    """
    photos, masks = [], {name: [] for name in models}
    for path in find_photos(paths):
        photo = data.read_image(path)
        step = -(-max(photo.shape) // side)
        for name, model in models.items():
            masks[name].append(prediction.predict(model, photo)[::step, ::step].copy())
        photos.append(photo[::step, ::step].copy())
    return photos, masks


def picture_names(photos: list[Path]) -> list[str]:
    """A name for the picture of each photo, no two alike: its own; where two photos share one, with its folder; and
    with a number where that is taken as well. Some disks do not tell "a" from "A".
    """
    photos_of = collections.Counter(photo.name.casefold() for photo in photos)
    names = {}
    for photo in photos:
        shared = photos_of[photo.name.casefold()] > 1
        name = f"{absolute(photo).parent.name}_{photo.name}" if shared else photo.name
        candidates = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        name = next(name for name in candidates if name.casefold() not in names)
        names[name.casefold()] = f"{name}.png"
    return list(names.values())


def absolute(path: Path) -> Path:
    """The one absolute name of a file; a link is a file of its own."""
    return path.parent.resolve() / path.name
