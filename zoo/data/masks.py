"""The masks of a folder, and the names and colours of its classes."""

import json

import numpy as np

from zoo.data import modes, pictures
from zoo.errors import first_line

PACK = np.array([1 << 16, 1 << 8, 1], "int32")  # from red, green and blue to one number


def read_classes(folder, problems):
    """The names of the classes, and from each colour to its number; both empty if no file tells."""
    try:
        if (path := folder / "classes.json").is_file():
            found = json.loads(path.read_text())
            names = [name for name in found if name != "ignored"]
            numbers = {name: number for number, name in enumerate(names)} | {"ignored": ignored_number(names)}
            colours = {int(np.array(check_colour(colour)) @ PACK): numbers[name] for name, colour in found.items()}
            if len(colours) < len(found):
                raise ValueError("two classes have one colour")
            return tuple(names), colours
        if (path := folder / "classes.txt").is_file():
            names = tuple(filter(None, map(str.strip, path.read_text().splitlines())))
            if len(set(names)) < len(names) or not names:
                raise ValueError("it must hold names, a line each, no two alike")
            return names, {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        problems.append(f"{path}: {first_line(error)}")
    return (), {}


def check_colour(colour):
    """Three whole numbers from 0 to 255."""
    if len(colour) != 3 or not all(type(part) is int and 0 <= part <= 255 for part in colour):
        raise ValueError(f"a colour must be three whole numbers from 0 to 255. Received: {colour}")
    return colour


def read_numbers(path, colours):
    """A mask by its numbers, or, if it is in colours, by the numbers of these."""

    def convert(image):
        if image.mode not in ("RGB", "RGBA") or not colours:
            return modes.numbers(image)
        pixels = np.asarray(modes.upright(image).convert("RGB")).astype("int32") @ PACK
        packed, places = np.unique(pixels, return_inverse=True)
        unknown = [colour for colour in packed.tolist() if colour not in colours]
        if unknown:
            names = ", ".join(f"({c >> 16}, {c >> 8 & 255}, {c & 255})" for c in unknown[:4])
            raise ValueError(f"its colours must be in classes.json. Received: {names}")
        return np.array([colours[colour] for colour in packed.tolist()], "int32")[places].reshape(pixels.shape)

    return pictures.read_file(path, pictures.MASK_FORMATS, convert)


def ignored_number(classes):
    """The number in masks that does not count: 255, unless that is a class."""
    return 255 if len(classes) <= 255 else 65535
