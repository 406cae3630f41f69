"""Errors: which are expected, and how each is told in one line."""

import argparse
import re
import sys

# What users, their files and their machine can bring about, told in one line: bad arguments and files (ValueError,
# OSError), what is not here (RuntimeError, ImportError), too little memory. All others are bugs, and keep their trace.
EXPECTED = (ValueError, OSError, RuntimeError, ImportError, MemoryError)
BUGS = (NotImplementedError, RecursionError)  # though they are kinds of RuntimeError
# How TensorFlow tells of what was raised while it read data, within an error of its own.
PACKED = re.compile(r"\b(?:CorruptDatasetError|FileNotFoundError|PermissionError|OSError|ValueError): (.*)")
PACKAGES = {"PIL": "pillow", "skimage": "scikit-image"}  # which bring modules of other names


def explain(error):
    """What an expected error says; `None` for one that is not expected."""
    if type(error).__name__ == "ResourceExhaustedError" or isinstance(error, MemoryError):
        full = "No space left on device" in str(error)
        return f"{'the disk is full' if full else 'not enough memory'}: {first_line(error)}"
    if type(error).__module__.startswith("tensorflow.") and (packed := PACKED.search(str(error))):
        return first_line(packed[1])
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("zoo"):
        module = error.name.partition(".")[0]
        package = PACKAGES.get(module, module.replace("_", "-"))
        return f"the package {package} is missing: `python -m pip install {package}` (the layers alone do without)"
    if isinstance(error, EXPECTED) and not isinstance(error, BUGS):
        return " ".join(str(error).split("\n")) or type(error).__name__
    return None


def explain_uncaught(name):
    """Has an expected error that ends this program told in one line. Called before the imports, it tells theirs, too.

    Args:
        name: of the program, for the line.
    """

    def tell(kind, error, trace):
        if (line := explain(error)) is None:
            sys.__excepthook__(kind, error, trace)
        else:
            print(printable(f"{name}: {line}"), file=sys.stderr)

    sys.excepthook = tell


def printable(text):
    """The text on one line, control characters escaped: names of files may hold some, and terminals obey them."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(text))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, whatever was typed."""

    def error(self, message):
        super().error(printable(message))


def first_line(error):
    """What an error says in its first line, without TensorFlow's marks, or the name of its class if that is empty."""
    lines = (re.sub(r"\{\{.*?\}\}| \[Op:.*|\bloc\(.*\): ", "", line).strip() for line in str(error).splitlines())
    return next(filter(None, lines), type(error).__name__)[:300]
