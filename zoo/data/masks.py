"""The masks of a folder, and the names and colours of its classes."""

import json

import numpy as np

from zoo.data import modes, pictures
from zoo.errors import first_line

IGNORED = 255, 65535  # the numbers in masks that do not count: the second where the first is a class
PACK = np.array([1 << 16, 1 << 8, 1], "int32")  # from red, green and blue to one number
EXAMPLE = '{"background": [0, 0, 0], "crack": [255, 255, 255]}'  # of a `classes.json`


def read_classes(folder, problems):
    """The names of the classes, and from each colour to its number; both empty if no file tells."""
    try:
        if (path := folder / "classes.json").is_file():
            found = json.loads(read_text(path), object_pairs_hook=refuse_twice)
            if not isinstance(found, dict):
                raise ValueError(f"it must give each name its colour, as in {EXAMPLE}. Received: {found!s:.60}")
            names = [name for name in found if name != "ignored"]
            if not names:
                raise ValueError(f"it must name a class, as in {EXAMPLE}. Received: {found!s:.60}")
            first = 1 if len(names) == 1 else 0  # a single class has the number 1, and black is none
            numbers = {name: number for number, name in enumerate(names, first)} | {"ignored": ignored_number(names)}
            colours = {int(np.array(check_colour(colour)) @ PACK): numbers[name] for name, colour in found.items()}
            if len(colours) < len(found):
                raise ValueError("two classes have one colour")
            if first:
                colours.setdefault(0, 0)
            if (listed := folder / "classes.txt").is_file() and read_names(listed) != tuple(names):
                raise ValueError("classes.txt beside it names other classes, or in another order: remove one of both")
            return check_names(tuple(names)), colours
        if (path := folder / "classes.txt").is_file():
            names = read_names(path)
            if len(set(names)) < len(names) or not names:
                raise ValueError("it must hold names, a line each, no two alike")
            if "ignored" in names:
                number = ignored_number(names)
                raise ValueError(f"'ignored' is no class, but the number {number} in masks: remove its line")
            return check_names(names), {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path}: {first_line(error)}")
    return (), {}


def read_names(path):
    """The lines of a `classes.txt`."""
    names = tuple(map(str.strip, read_text(path).rstrip().splitlines()))
    if "" in names:
        raise ValueError(f"each line names a class, from 0, and line {names.index('') + 1} is empty")
    return names


def read_text(path):
    """The text of a file in UTF-8.

    Raises:
        ValueError: if it is stored in another way, as some programs for Windows do.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it must be saved as UTF-8") from None


def refuse_twice(entries):
    """The dictionary of a JSON object whose names differ."""
    found = dict(entries)
    if len(found) < len(entries):
        raise ValueError("two classes have one name")
    return found


def check_names(names):
    """Names that tell the classes apart and can be printed: others would drive the terminal."""
    if wrong := [name for name in names if not name.isprintable() or name.strip() != name or not name]:
        raise ValueError(f"names of classes must be printable, with no space around them. Received: {wrong[0]!r}")
    if names == ("background",):
        raise ValueError("a single class has the number 1, and needs another name than background, which has 0")
    return names


def check_colour(colour):
    """Three whole numbers from 0 to 255."""
    numbers = colour if isinstance(colour, list) else []
    if len(numbers) != 3 or not all(type(part) is int and 0 <= part <= 255 for part in numbers):
        raise ValueError(f"a colour must be three whole numbers from 0 to 255, as in {EXAMPLE}. Received: {colour}")
    return colour


def read_numbers(path, colours):
    """A mask by its numbers, or, if it is in colours, by the numbers of these.

    A mask that happens to show only greys may be stored as grey, in a folder whose masks are in colours: it counts by
    its colours, too, if all are known. A palette counts by its indices; one whose colours say otherwise is refused.
    """

    def convert(image):
        if image.mode in ("RGB", "RGBA") and not colours:
            raise ValueError(
                "it is in colours, which a correct `classes.json` must name. Or store class numbers in a grey picture"
            )
        if image.mode not in ("RGB", "RGBA", "L", "1") or not colours:
            mask = modes.numbers(image)
            if image.mode == "P" and colours:
                check_palette(image, colours)
            return mask
        is_grey = image.mode in ("L", "1")
        image = modes.upright(image)
        mask = np.empty((image.height, image.width), "int32")
        known = np.array(sorted(colours), "int32")
        numbers = np.array([colours[colour] for colour in known.tolist()], "int32")
        for rows in modes.strips(*mask.shape):
            strip = image.crop((0, rows.start, image.width, rows.stop)).convert("RGB")
            packed = np.asarray(strip).astype("int32") @ PACK
            places = np.searchsorted(known, packed).clip(max=len(known) - 1)
            unknown = np.unique(packed[known[places] != packed]).tolist()
            if unknown and is_grey:
                return pictures.read_file(path, pictures.MASK_FORMATS, modes.numbers)  # of the picture as it is stored
            if unknown:
                names = ", ".join(str(channels(colour)) for colour in unknown[:4])
                raise ValueError(f"its colours must be in classes.json. Received: {names}")
            mask[rows] = numbers[places]
        return mask

    return pictures.read_file(path, pictures.MASK_FORMATS, convert)


def greys_count_by(path, colours):
    """How a grey mask counts in a folder whose classes have colours: by its "numbers", since not all of its greys are
    known colours, or by its "colours"; "" if both say the same, or if it is not grey.
    """

    def read(image):
        if image.mode not in ("L", "1"):
            return ""
        numbers = modes.numbers(image)
        shown = np.asarray(modes.upright(image).convert("L"))  # of 1, 2 and 4 bits, spread to 255
        greys = {}  # of each number
        for rows in modes.strips(*numbers.shape):
            values, first = np.unique(numbers[rows], return_index=True)
            greys |= dict(zip(values.tolist(), shown[rows].ravel()[first].tolist(), strict=True))
        classes = [colours.get(int(np.full(3, grey) @ PACK)) for grey in greys.values()]
        if None in classes:
            return "numbers"
        return "" if classes == list(greys) else "colours"

    return pictures.read_file(path, pictures.MASK_FORMATS, read) if colours else ""


def check_palette(image, colours):
    """Refuses a mask whose indices and whose colours name different classes: some programs reorder palettes unasked."""
    palette = palette_of(image)
    used = {index: colours.get(palette.get(index)) for index, count in enumerate(image.histogram()) if count}
    if used.get(IGNORED[0], 0) is None:
        del used[IGNORED[0]]  # what does not count needs no colour
    if None in used.values():
        return  # colours that say nothing of classes contradict nothing
    for index, number in used.items():
        if number != index:
            raise ValueError(
                f"its palette is ambiguous: index {index} is class {index} by its number, and class {number} by its "
                f"colour {channels(palette[index])}. Store it as RGB, or as grey numbers"
            )


def palette_of(image):
    """The colour of each index of a palette, as one number."""
    return dict(enumerate((np.reshape(image.getpalette(), (-1, 3)) @ PACK).tolist()))


def read_palette(path, numbers):
    """The colours that a palette gives these numbers; empty if a mask has none."""

    def read(image):
        return {n: colour for n, colour in palette_of(image).items() if n in numbers} if image.mode == "P" else {}

    return pictures.read_file(path, pictures.MASK_FORMATS, read)


def channels(colour):
    """(red, green, blue) of one number."""
    return colour >> 16, colour >> 8 & 255, colour & 255


def ignored_number(classes):
    """The number in masks that does not count: 255, unless that is a class."""
    few, many = IGNORED
    return few if len(classes) <= few else many
