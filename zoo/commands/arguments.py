"""The values that can be typed, for argparse, and what of them is refused. With the standard library alone."""

import argparse
import os
import tempfile
from pathlib import Path

from zoo import files

DATASETS = ("oxford_iiit_pet", "synthetic_pets")
BENCHMARKS = ("layers", "layers_memory", "stages", "stages_memory", "patches", "runtimes", "pipeline")
LIMIT = 1_000_000  # of all numbers that are asked for
MAX_SIDE = 4096  # pixels, of an image that is trained on; as `zoo.training.recipe` has it


def some_path(text):
    """A path; "" would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return Path(text)


def new_file(text):
    """A path where a file can be written: said before the work for it, not after."""
    path = some_path(text)
    try:
        check_writable(path, is_file=True)
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return path


def some_name(text):
    """A name; "" would be none."""
    some_path(text)
    return text


def dataset_name(text):
    """One of the data sets, or a folder."""
    if text in DATASETS or os.path.isdir(some_path(text)):  # Path's raises where a name is too long
        return text
    raise argparse.ArgumentTypeError(f"must be one of {', '.join(DATASETS)}, or a folder, not {text!r}")


def one_or_two_sides(text):
    """A side in pixels, or (height, width)."""
    sides = tuple(whole_number(side, 1, MAX_SIDE) for side in text.lower().split("x"))
    if len(sides) > 2:
        raise argparse.ArgumentTypeError(f"must be a side, or height x width as in 96x160, not {text!r}")
    return sides if len(sides) == 2 else sides[0]


def seeds(text):
    """How many trainings of each: with a million, the list of them alone would take minutes."""
    return whole_number(text, 1, 1000)


def from_one(text):
    """A whole number from 1."""
    return whole_number(text, 1, LIMIT)


def seed(text):
    """The number from which a training draws all that is random."""
    return whole_number(text, 0, 2**32 - 1)


def whole_number(text, smallest, largest):
    """A number within limits."""
    if text.isdecimal() and len(text) < 20 and smallest <= int(text) <= largest:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from {smallest} to {largest:,}, not {text!r:.40}")


def benchmark_name(text):
    """One of the benchmarks."""
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(BENCHMARKS)}, not {text!r}")
    return text


def side_or_dynamic(text):
    """A side in pixels, or "dynamic"."""
    return text if text == "dynamic" else from_one(text)


def check_writable(path, is_file):
    """Refuses a file or folder that cannot be written, before a command has worked for it."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise ValueError(f"--out must have a name in UTF-8, for TensorFlow takes no other. Received: {path}") from None
    there = next(folder for folder in [path, *path.absolute().parents] if folder.exists())
    if is_file and there == path:
        files.refuse_folder(path)
        there = path.absolute().parent  # where the new file begins
    if there.is_dir():
        try:
            tempfile.TemporaryFile(dir=there).close()
        except OSError as error:
            message = f"--out must lie where files can be written. Received: {there}: {error.strerror}"
            raise type(error)(message) from None
    elif there != path:
        raise NotADirectoryError(f"--out must lie in a folder, but {there} is a file. Received: {path}")
    else:
        raise NotADirectoryError(f"--out must be a folder, and {path} is a file.")
