"""A folder of somebody's own pictures and masks as a data set.

    images/      photos, in any format of `zoo.data.read_image`
    masks/       of the same names; grey or palette PNG whose numbers are the classes
    classes.txt  the names of the classes, a line each, from 0 (optional)

Such a folder is split by a fixed rule, or by lists of names: `train.txt`, `validation.txt`, `test.txt`. Or it holds
folders `train/`, `validation/` (optional) and `test/`, with `images/` and `masks/` in each. Masks in colours need
`classes.json` in place of `classes.txt`: `{"road": [128, 64, 128], ...}`; a colour named "ignored" does not count.
"""

import collections
import dataclasses
import functools
import hashlib
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from zoo.data import pictures
from zoo.data.dataset import Dataset
from zoo.data.masks import ignored_number, read_classes, read_numbers
from zoo.data.pairs import find_pairs
from zoo.errors import first_line

MAX_CLASSES = 1000
SHOWN = 20  # problems in a message


@dataclasses.dataclass(frozen=True)
class Pair:
    """A photo and its mask: their files, their size, the pixels of each number, and a digest of the mask."""

    name: str
    split: str
    image: Path
    mask: Path
    size: tuple[int, int]
    pixels: dict[int, int]
    sha256: str


@dataclasses.dataclass(frozen=True)
class Contents:
    """What lies in a folder: the pairs, the classes, and everything that is wrong, a line each."""

    pairs: list[Pair]
    classes: tuple[str, ...]
    colours: dict[int, tuple[int, int, int]]
    problems: list[str]

    @property
    def names(self):
        """The names by number: a single class has the number 1, and 0 is none."""
        return ("background", *self.classes) if len(self.classes) == 1 else self.classes

    @property
    def ignored(self):
        """The number that does not count."""
        return ignored_number(self.classes)


def open_folder(folder: str | os.PathLike) -> Dataset:
    """A folder as a data set. All files are looked at first, so that nothing is found wrong after an hour.

    255 in a mask is ignored (65535 where there are more than 255 classes). The class named "background" is the
    background, if there is one. A `classes.txt` with a single name means that 1 is this class and 0 is none.

    Args:
        folder: path of a folder as the module's first lines show.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: if anything is wrong; all of it in one message, by name.
        FileNotFoundError: if there is no such folder.
    """
    contents = look(folder)
    if contents.problems:
        more = len(contents.problems) - SHOWN
        lines = [*contents.problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise ValueError(f"{folder} is no data set yet: {'; '.join(lines)}.")
    return Dataset(
        name=Path(folder).resolve().name,
        classes=contents.names,
        examples=functools.partial(examples, contents),
        describe=functools.partial(describe, contents),
        background=contents.names.index("background") if "background" in contents.names else None,
        ignored=contents.ignored,
        one_logit=len(contents.classes) == 1,
    )


def examples(contents, split):
    """The pairs of a split, in the order of their names, as `Dataset.examples`."""
    pairs = select(contents, split)

    def read(number):
        pair = pairs[number]
        return pictures.read_image(pair.image), read_numbers(pair.mask, contents.colours)

    def read_pair(number):
        image, mask = tf.numpy_function(read, [number], (tf.uint8, tf.int32))
        return tf.ensure_shape(image, (None, None, 3)), tf.ensure_shape(mask, (None, None))

    return tf.data.Dataset.range(len(pairs)).map(read_pair, num_parallel_calls=tf.data.AUTOTUNE)


def describe(contents, split):
    """What a split holds: the number of `examples`, the `smallest` and the `largest` photo (height and width, by area),
    the pixels of each number, and the `sha256` of all names and masks.
    """
    pairs = select(contents, split)
    sizes = [pair.size for pair in pairs]
    digest = hashlib.sha256("".join(pair.name + pair.sha256 for pair in pairs).encode())
    return {
        "examples": len(pairs),
        "smallest": min(sizes, key=math.prod),
        "largest": max(sizes, key=math.prod),
        "pixels": dict(sorted(count_pixels(pairs).items())),
        "sha256": digest.hexdigest(),
    }


def select(contents, split):
    """The pairs of a split."""
    found = [pair for pair in contents.pairs if pair.split in split.split("+")]
    if not found:
        counts = collections.Counter(pair.split for pair in contents.pairs)
        raise ValueError(f"The split {split!r} must hold a picture. Received: {dict(counts)}")
    return found


def count_pixels(pairs):
    """How many pixels each number has in the masks of these pairs."""
    return sum((collections.Counter(pair.pixels) for pair in pairs), collections.Counter())


def look(folder: str | os.PathLike) -> Contents:
    """Everything in a folder, and everything that is wrong with it, as `Contents`.

    Raises:
        FileNotFoundError, NotADirectoryError: if it is no folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        folder.stat()  # says so if it is missing
        raise NotADirectoryError(f"A data set must be a folder. Received: {folder}")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return look_at(folder, tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=4)
def look_at(folder, files):
    """As `look`; files that have changed are looked at again."""
    del files
    problems = []
    classes, colours = read_classes(folder, problems)
    found = find_pairs(folder, problems)
    with ThreadPoolExecutor() as pool:  # Pillow decodes outside of Python's lock
        looked = pool.map(lambda pair: look_at_pair(*pair, colours), found)
        looked = list(tqdm(looked, total=len(found), desc=f"look at {folder.name}", unit="pair", disable=None))
    pairs = [pair for pair in looked if isinstance(pair, Pair)]
    problems += [problem for problem in looked if isinstance(problem, str)]
    numbers = sorted(set().union(*(pair.pixels for pair in pairs)))
    if not classes:
        known = [number for number in numbers if number != 255]
        classes = tuple(f"class {number}" for number in range(max(known, default=-1) + 1))
    if len(classes) > MAX_CLASSES:
        problems.append(f"there may be up to {MAX_CLASSES} classes, and not {len(classes)}")
    contents = Contents(pairs, classes, colours, problems)
    limit = len(contents.names)
    for pair in pairs:
        wrong = sorted(number for number in pair.pixels if number >= limit and number != contents.ignored)
        if wrong:
            problems.append(f"{pair.mask} holds {str(wrong[:8])[1:-1]}, and the classes are 0 to {limit - 1}")
    return contents


def look_at_pair(name, split, image, mask, colours):
    """The `Pair`, or a line that says what is wrong with it."""
    try:
        size = pictures.read_size(image)
        numbers = read_numbers(mask, colours)
    except (OSError, ValueError) as error:
        return first_line(error)
    if numbers.shape != size:
        return f"{mask} is of size {numbers.shape[1]} x {numbers.shape[0]}, and its photo of {size[1]} x {size[0]}"
    found, counts = np.unique(numbers, return_counts=True)
    pixels = dict(zip(found.tolist(), counts.tolist(), strict=True))
    return Pair(name, split, image, mask, size, pixels, hashlib.sha256(numbers.tobytes()).hexdigest())
