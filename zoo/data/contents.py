"""What lies in a folder of pictures and masks, and what is wrong with it."""

import collections
import contextlib
import dataclasses
import functools
import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from zoo.data import pictures
from zoo.data.masks import (
    EXAMPLE,
    IGNORED,
    greys_count_by,
    ignored_number,
    read_classes,
    read_numbers,
    read_palette,
)
from zoo.data.modes import strips
from zoo.data.pairs import NAMES, PARTS, find_pairs, parts_of
from zoo.errors import first_line, printable

MAX_CLASSES = 1000
LARGE = 1 << 24  # pixels, of which each takes up to 8 bytes
TURNS = threading.Semaphore(2)  # as many large pictures are decoded at once


@dataclasses.dataclass(frozen=True)
class Pair:
    """A photo and its mask: their files, their size, the pixels of each number, a digest of the mask, how its greys
    count (`greys_count_by`), and the colours that a palette gives its numbers where no `classes.json` tells them.
    """

    name: str
    split: str
    image: Path
    mask: Path
    size: tuple[int, int]
    pixels: dict[int, int]
    sha256: str
    greys: str
    palette: dict[int, int]


@dataclasses.dataclass(frozen=True)
class Contents:
    """What lies in a folder: the pairs, the classes, the number of each colour, packed into an integer (none where
    numbers count), and everything that is wrong, a line each.
    """

    pairs: list[Pair]
    classes: tuple[str, ...]
    colours: dict[int, int]
    problems: list[str]

    @property
    def names(self):
        """The names by number: a single class has the number 1, and 0 is none."""
        return ("background", *self.classes) if len(self.classes) == 1 else self.classes

    @property
    def ignored(self):
        """The number that does not count."""
        return ignored_number(self.classes)


def look(folder: str | os.PathLike) -> Contents:
    """Everything in a folder, and everything that is wrong with it, as `Contents`.

    Raises:
        FileNotFoundError, NotADirectoryError: if it is no folder.
        ValueError: if the name is empty.
    """
    if not os.fspath(folder):  # which would be the current folder
        raise ValueError("`folder` must name a folder. Received: ''")
    folder = Path(folder)
    if not folder.is_dir():
        folder.stat()  # says so if it is missing
        raise NotADirectoryError(f"A data set must be a folder. Received: {folder}")
    # Not all below the folder: a training may write its own files there.
    parts = parts_of(folder)
    lists = [*folder.glob("*.txt"), *folder.glob("classes.json")]
    files = sorted([*parts, *lists, *(path for part in parts for path in part.iterdir())])
    found = [path.stat() if path.exists() else path.lstat() for path in files]  # a broken link has the second alone
    files = tuple((path, of.st_size, of.st_mtime_ns) for path, of in zip(files, found, strict=True))
    names = frozenset(path.name for path in folder.iterdir() if path.name.lower() in NAMES | PARTS)
    return look_at(folder, (folder.resolve(), names, files))  # its name may mean another folder now


@functools.lru_cache(maxsize=4)
def look_at(folder, files):
    """As `look`; files that have changed are looked at again."""
    del files
    problems = []
    classes, colours = read_classes(folder, problems)
    found = find_pairs(folder, problems)
    with ThreadPoolExecutor() as pool:  # Pillow decodes outside of Python's lock
        looked = pool.map(lambda pair: look_at_pair(*pair, colours), found)
        looked = list(
            tqdm(looked, total=len(found), desc=printable(f"look at {folder.name}"), unit="pair", disable=None)
        )
    pairs = [pair for pair in looked if isinstance(pair, Pair)]
    problems += [problem for problem in looked if isinstance(problem, str)]
    numbers = sorted(set().union(*(pair.pixels for pair in pairs)))
    count = len(classes)
    if not classes:
        known = [number for number in numbers if number not in IGNORED]
        count = max(known, default=-1) + 1
        classes = tuple(f"class {number}" for number in range(min(count, MAX_CLASSES + 1)))  # a mask may hold billions
    if len(classes) > MAX_CLASSES:
        problems.append(f"there may be up to {MAX_CLASSES} classes, and not {count}")
    contents = Contents(pairs, classes, colours, problems)
    limit = len(contents.names)
    for pair in pairs:
        wrong = sorted(number for number in pair.pixels if not 0 <= number < limit and number != contents.ignored)
        if wrong:
            problems.append(f"{pair.mask} holds {str(wrong[:8])[1:-1]}, and the classes are 0 to {limit - 1}")
    if pairs and not set(numbers) - {0, contents.ignored}:
        as_class = f"; where 255 is a class, store masks of 8 bits, and `classes.json` says so: {EXAMPLE}"
        hint = as_class if 255 in numbers and not colours else ""
        problems.append(
            f"all masks hold {' and '.join(map(str, numbers))} alone, so that there is nothing to learn: classes are "
            f"numbered 0, 1, 2, ..., and {contents.ignored} does not count{hint}"
        )
    by_number = next((pair.mask for pair in pairs if pair.greys == "numbers"), None)
    problems += [
        f"{pair.mask} is grey: its colours and its numbers name different classes, and {by_number.name} can only be "
        "meant by its numbers. Store all masks in colours, or all by their numbers and the names in classes.txt"
        for pair in pairs
        if by_number and pair.greys == "colours"
    ]
    for split in sorted({pair.split for pair in pairs}):
        if count_pixels(pair for pair in pairs if pair.split == split).keys() <= {contents.ignored}:
            problems.append(f"no pixel of the split {split!r} counts: its masks hold {contents.ignored} alone")
    return contents


def look_at_pair(name, split, image, mask, colours):
    """The `Pair`, or a line that says what is wrong with it."""
    try:
        largest = max(pictures.pixel_count(image), pictures.pixel_count(mask, pictures.MASK_FORMATS))
        with TURNS if largest > LARGE else contextlib.nullcontext():
            size = pictures.read_image(image).shape[:2]  # decoded: a broken photo must not end a training
            numbers = read_numbers(mask, colours)
            if numbers.shape != size:
                found = f"{numbers.shape[1]} x {numbers.shape[0]}"
                turned = " (which an orientation tag, EXIF, may have turned)" if numbers.shape == size[::-1] else ""
                return f"{mask} is of size {found}, and its photo of {size[1]} x {size[0]}{turned}"
            pixels = count_numbers(numbers)
            if len(pixels) > MAX_CLASSES + 1:
                return f"{mask} holds more than {MAX_CLASSES + 1} numbers, and there may be up to {MAX_CLASSES} classes"
            digest = hashlib.sha256(numbers.ravel()).hexdigest()
            return Pair(
                name,
                split,
                image,
                mask,
                size,
                pixels,
                digest,
                greys_count_by(mask, colours),
                {} if colours else read_palette(mask, pixels),  # a `classes.json` decides
            )
    except (OSError, ValueError) as error:
        return first_line(error)


def count_numbers(mask):
    """How many pixels each number has, in their order; it ends where there are too many numbers for classes."""
    counts = collections.Counter()
    for rows in strips(*mask.shape):
        found, pixels = np.unique(mask[rows], return_counts=True)
        counts.update(dict(zip(found.tolist(), pixels.tolist(), strict=True)))
        if len(counts) > MAX_CLASSES + 1:
            break
    return dict(sorted(counts.items()))


def count_pixels(pairs):
    """How many pixels each number has in the masks of these pairs."""
    return sum((collections.Counter(pair.pixels) for pair in pairs), collections.Counter())
