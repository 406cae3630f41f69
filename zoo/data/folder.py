"""A folder of somebody's own pictures and masks as a data set."""

import collections
import functools
import hashlib
import math
import os
import shlex
from pathlib import Path

import tensorflow as tf

from zoo.data import pictures
from zoo.data.advice import way_out
from zoo.data.contents import count_pixels, look
from zoo.data.dataset import Dataset
from zoo.data.masks import read_numbers
from zoo.errors import printable

SHOWN = 20  # problems in a message


def open_folder(folder: str | os.PathLike) -> Dataset:
    """A folder as a data set. All files are looked at first, so that nothing is found wrong after an hour.

        images/      photos, in any format of `zoo.data.read_image`
        masks/       of the same names but for the ending; grey or palette PNG whose numbers are the classes
        classes.txt  the names of up to 1,000 classes, a line each, from 0 (optional)

    Such a folder is split by a hash of the names (two tenths test, one tenth validation), or by lists of names, a line
    each: `train.txt`, `validation.txt` (optional), `test.txt`; what no list names is not used. Or it holds folders
    `train/`, `validation/` (optional; `val` and `valid` mean the same) and `test/`, with `images/` and `masks/` in
    each; other such folders, and lists beside them, are refused. Where none is named for validation, a tenth of the
    training pictures is taken. Masks in colours need `classes.json` in place of `classes.txt`:
    `{"road": [128, 64, 128], ...}`; a colour named "ignored" does not count, and with a single class, black is
    background.

    255 in a mask is ignored (65535 where there are more than 255 classes). The class named "background" is the
    background, if there is one. A `classes.txt` with a single name means that 1 is this class and 0 is none.

    Args:
        folder: path of such a folder.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: if anything is wrong; all of it in one message, by name.
        FileNotFoundError, NotADirectoryError: if there is no such folder.
    """
    contents = look(folder)
    if contents.problems:
        lines = [problem.removesuffix(".") for problem in contents.problems[:SHOWN]]
        if (more := len(contents.problems) - SHOWN) > 0:
            lines.append(f"and {more} more, which `python -m zoo inspect {shlex.quote(str(folder))}` names")
        raise ValueError(f"{folder} is no data set yet: {'; '.join(lines)}.")
    return as_dataset(contents, folder)


def as_dataset(contents, folder):
    """What lies in a folder, or a part of it, as a `Dataset`."""
    return Dataset(
        name=printable(Path(folder).resolve().name),  # TensorFlow's messages hold it, which takes no other name
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
        raise ValueError(
            f"The split {split!r} must hold a picture. Received: {dict(counts)}. Way out: {way_out(contents, split)}."
        )
    return found
