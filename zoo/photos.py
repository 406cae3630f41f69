"""Photos in files and folders: which they are, and what models say of them."""

import collections
import contextlib
import itertools
import os
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from zoo import data, files, plots, prediction
from zoo.data.pairs import as_disks_compare
from zoo.data.pictures import READABLE, pixel_count
from zoo.logits import check_model

ENDINGS_OF_KINDS = {"overlay": ".png", "mask": ".mask.png", "cutout": ".cutout.png"}
LEGEND = "legend.png"  # which `python -m zoo predict` writes beside the pictures
MOST_PIXELS = 20_000_000  # of photos that are predicted at once: three such groups are in the memory


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """The files, and the pictures in the folders, among the paths, each once.

    Raises:
        FileNotFoundError: if there is none.
    """
    found = {}
    for path in paths:
        for photo in sorted(filter(is_photo, path.iterdir())) if os.path.isdir(path) else [path]:
            found.setdefault(files.absolute(photo), photo)
    if not found:
        raise FileNotFoundError(f"There is no picture in {', '.join(map(str, paths))} ({', '.join(READABLE)}).")
    return list(found.values())


def is_photo(path: Path) -> bool:
    """Whether a file of a folder is a photo, and not one of those that systems hide beside it."""
    return path.suffix.lower() in READABLE and not path.name.startswith(".")


def write_pictures(
    model: keras.Model,
    photos: list[Path],
    folder: str | os.PathLike,
    kinds: Collection[str] = ("overlay",),
    background: int | None = None,
    overwrite: bool = False,
) -> Iterator[tuple[Path, Exception | None]]:
    """Writes into a folder what a model says of photos: many at once, while the next are read and the last written.

    Args:
        model: as for `zoo.predict`.
        photos: files, as `find_photos` gives.
        folder: made if missing. No photo is replaced by a picture.
        kinds: which pictures: "overlay", the colours of the classes laid over the photo, as `<photo>.png`; "mask", the
            numbers of the classes, as `<photo>.mask.png`; "cutout", what is not background, on a transparent ground,
            as `<photo>.cutout.png`.
        background: number of the class that is background, which "cutout" needs.
        overwrite: whether pictures that were written before are replaced.

    Returns:
        An iterator of each photo, when it is done, with `None`, or with the error if it could not be read or a picture
        not written.

    Raises:
        ValueError: if the model does not fit, or a cutout has no background; at once, before anything is written.
    """
    check_model(model)
    if "cutout" in kinds and background is None:
        raise ValueError("A cutout needs a class named background, which the model does not have.")
    return write_all(model, photos, Path(folder), kinds, background, overwrite)


def write_all(
    model: keras.Model,
    photos: list[Path],
    folder: Path,
    kinds: Collection[str],
    background: int | None,
    overwrite: bool,
) -> Iterator[tuple[Path, Exception | None]]:
    """As `write_pictures`, whose arguments are right."""
    folder.mkdir(parents=True, exist_ok=True)
    originals = files.own_marks(photos)
    paths = {
        photo: {kind: folder / name for kind, name in names.items()}
        for photo, names in zip(photos, picture_names(photos, kinds), strict=True)
    }

    def read(photo):
        for path in paths[photo].values():
            if not files.marks(path).isdisjoint(originals):
                raise FileExistsError(f"its picture would replace the photo {path}. Name another --out.")
            files.refuse_taken(path, overwrite)
            files.refuse_folder(path)
        return data.read_image(photo)

    def write(photo, image, logits):
        mask = prediction.enlarge(logits, image.shape[:2])
        with contextlib.ExitStack() as stack:  # all of a photo's pictures, or none
            for kind, path in paths[photo].items():
                unfinished = stack.enter_context(files.write_whole(path, overwrite))
                # Little compression, for more takes longer than everything else.
                draw(kind, image, mask, background).save(unfinished, "png", compress_level=1)
                files.sync(unfinished)  # a full disk shows before the first gets its name

    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        many = prediction.images_at_once(*model.input_shape[1:3])
        groups = ({photo: pool.submit(read, photo) for photo in group} for group in group_by_size(photos, many))
        coming, writing = next(groups, {}), {}
        while coming or writing:
            reading, coming = coming, next(groups, {})
            images = {photo: future.result() for photo, future in reading.items() if fault(future) is None}
            yield from ((photo, fault(future)) for photo, future in reading.items() if photo not in images)
            written, writing = writing, {}
            if images:
                logits = prediction.predict_logits(model, list(images.values()))
                for (photo, image), of_photo in zip(images.items(), logits, strict=True):
                    writing[photo] = pool.submit(write, photo, image, of_photo)
            yield from ((photo, fault(future)) for photo, future in written.items())


def group_by_size(photos: Iterable[Path], many: int) -> Iterator[list[Path]]:
    """Groups of photos, of up to `many` and of up to `MOST_PIXELS` if they are several, in their order."""
    group, pixels = [], 0
    for photo in photos:
        try:
            size = pixel_count(photo)
        except (OSError, ValueError):
            size = 0  # reading it will say what is wrong
        if group and (len(group) == many or pixels + size > MOST_PIXELS):
            yield group
            group, pixels = [], 0
        group.append(photo)
        pixels += size
    if group:
        yield group


def fault(future: Future) -> OSError | ValueError | None:
    """The error of a photo that was read or written beside, or `None`; an error of another kind is raised."""
    error = future.exception()
    if error is not None and not isinstance(error, OSError | ValueError):
        raise error
    return error


def draw(kind: str, image: np.ndarray, mask: np.ndarray, background: int | None) -> Image.Image:
    """A picture of one of the kinds of `write_pictures`."""
    if kind == "overlay":
        return Image.fromarray(plots.overlay(image, mask))
    if kind == "mask":
        return Image.fromarray(mask)
    opaque = np.uint8(255) * (mask != background)
    return Image.fromarray(np.dstack([image, opaque]))


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


def picture_names(photos: list[Path], kinds: Collection[str]) -> list[dict[str, str]]:
    """The names of the pictures of each photo, by kind, no two alike: after its own; where two photos share one, with
    its folder; and with a number where that is taken as well. Some disks do not tell "a" from "A", nor an é of one
    character from an é of two.
    """
    photos_of = collections.Counter(as_disks_compare(photo.name) for photo in photos)
    found, taken = [], {LEGEND}
    counts = collections.defaultdict(lambda: itertools.count(2))  # of each name, which go on
    for photo in photos:
        shared = photos_of[as_disks_compare(photo.name)] > 1
        name = f"{files.absolute(photo).parent.name}_{photo.name}" if shared else photo.name
        candidates = itertools.chain([name], (f"{name}_{number}" for number in counts[as_disks_compare(name)]))
        choices = ({kind: f"{name}{ENDINGS_OF_KINDS[kind]}" for kind in kinds} for name in candidates)
        found.append(next(names for names in choices if taken.isdisjoint(map(as_disks_compare, names.values()))))
        taken.update(map(as_disks_compare, found[-1].values()))
    return found
