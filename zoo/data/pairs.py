"""Which photo of a folder belongs to which mask, and to which split."""

import hashlib
import os
import unicodedata
from pathlib import Path

from zoo.data import pictures
from zoo.data.masks import read_text
from zoo.errors import first_line, printable

# The split for which a folder or a list of this name stands.
SPLIT_OF = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}
TENTHS = {"test": (0, 1), "validation": (2,)}  # of the pictures, by a hash of their names; the others are for training
LOSSLESS = tuple(ending for kind in pictures.MASK_FORMATS for ending in pictures.ENDINGS[kind])
NAMES = {"classes.json", "classes.txt", *(f"{name}.txt" for name in SPLIT_OF)}
PARTS = {"images", "masks", *SPLIT_OF}  # folders
HIDDEN = ("thumbs.db", "desktop.ini", "__macosx")  # the system's own, as all whose name begins with a dot


def parts_of(folder):
    """The folders of photos and of masks in a data set, for each split where there are such."""
    parts = [*(folder / name for name in ("images", "masks")), *folder.glob("*/images"), *folder.glob("*/masks")]
    return [part for part in parts if part.is_dir()]


def find_pairs(folder, problems):
    """The photos with their masks: a list of (name, split, photo, mask). Names of others go to the problems."""
    inside = sorted(folder.iterdir())
    inner = [folder / split / name for split in SPLIT_OF for name in ("classes.json", "classes.txt")]
    problems += [f"{path} does not count there: move it up" for path in inner if path.exists()]
    for path in inside:
        if path.name.lower() in NAMES and path.name not in NAMES:
            problems.append(f"{path} must be called {path.name.lower()}")
        elif path.name in NAMES and not path.is_file():
            problems.append(f"{path} must be a file, and is a folder, a pipe or a link that leads nowhere")
    if (folder / "images").is_dir():
        if beside := sorted(name for name in SPLIT_OF if (folder / name / "images").is_dir()):
            problems.append(f"it must hold either images/ and masks/, or {', '.join(f'{name}/' for name in beside)}")
        split_of = choose_splits(folder, problems)
        return [(name, split_of(name), *files) for name, *files in pair_up(folder, problems, split_of)]
    return find_in_splits(folder, inside, problems)


def find_in_splits(folder, inside, problems):
    """As `find_pairs`, where the photos lie in a folder for each split."""
    parts = [(folder / name, split) for name, split in SPLIT_OF.items() if (folder / name).is_dir()]
    there = {split for _, split in parts}
    if not {"train", "test"} <= there:
        found = ", ".join(printable(path.name) for path in inside[:8]) or "nothing"
        needed = "it must hold images/ and masks/, or train/ and test/ with images/ and masks/ in each"
        problems.append(f"{needed}. Received: {found}")
        return []
    problems += [
        f"{path} is no split: call it train, validation or test, or move it away"
        for path in inside
        if path.name not in SPLIT_OF and all(os.path.isdir(path / part) for part in ("images", "masks"))
    ]
    problems += [
        f"{path} is a list of pictures, which does not count beside train/ and test/: remove it"
        for path in inside
        if path.suffix == ".txt" and path.stem in SPLIT_OF and path.is_file()
    ]
    return [
        (name, spare(name, split, "validation" in there), *files)
        for part, split in parts
        for name, *files in pair_up(part, problems)
    ]


def pair_up(folder, problems, used=bool):
    """The names in `images/` and `masks/` of a folder, with both files; of those alone that are `used`."""
    photos, other_photos = list_files(folder / "images", pictures.READABLE, problems, used)
    masks, other_masks = list_files(folder / "masks", LOSSLESS, problems, used)
    with_photo, with_mask = {*photos, *other_photos}, {*masks, *other_masks}
    if with_photo and with_mask:  # where there is none at all, one line says so
        problems += [f"{photos[name]} has no mask" for name in photos if name not in with_mask]
        problems += [f"{masks[name]} has no photo" for name in masks if name not in with_photo]
    return [(name, photos[name], masks[name]) for name in photos if name in masks]


def list_files(folder, endings, problems, used):
    """The pictures in a folder, by their names without endings, and such names of files that went to the problems.

    Hidden files are passed over, and those whose name is not `used`.
    """
    found, others = {}, set()
    if not folder.is_dir():
        problems.append(f"{folder} is missing")
        return found, others
    before = len(problems)
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.lower() in HIDDEN:
            continue
        name = plain(path.stem)
        if not is_utf8(path.name):
            problems.append(f"{printable(path)} has a name that is not UTF-8: rename it")
        elif not used(name):
            continue
        elif path.is_dir():
            problems.append(f"{path} is a folder, and folders within are not searched: move its pictures up")
        elif path.suffix.lower() in (*pictures.ENDINGS["JPEG"], ".gif") and path.suffix.lower() not in endings:
            kind = "GIF" if path.suffix.lower() == ".gif" else "JPEG"
            problems.append(f"{path} is {kind}, which changes the numbers of a mask: store it as PNG")
            others.add(name)
        elif path.suffix.lower() not in endings:
            problems.append(f"{path} is none of {', '.join(endings)}")
            others.add(name)
        elif name in found:
            problems.append(f"{path} has the name of {found[name].name}")
        else:
            found[name] = path
    if not found and len(problems) == before:
        problems.append(f"{folder} holds no picture")
    return found, others


def plain(name):
    """A name in one spelling: macOS writes accents as letters of their own."""
    return unicodedata.normalize("NFC", name)


def as_disks_compare(name):
    """A name as a disk takes it that does not tell "a" from "A", nor an é of one character from an é of two."""
    return plain(name).casefold()


def is_utf8(name):
    """Whether the name of a file can be written: Python keeps bytes of other encodings as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def choose_splits(folder, problems):
    """The function from a name to its split: by lists where there are some, else by `tenth`."""
    lists = [(split, path) for name, split in SPLIT_OF.items() if (path := folder / f"{name}.txt").is_file()]
    if not lists:
        by_tenth = {number: split for split, numbers in TENTHS.items() for number in numbers}
        return lambda name: by_tenth.get(tenth(name), "train")
    listed = {}  # the split of each name, and the list in which it stands
    there = {plain(path.stem) for path in (folder / "images").iterdir()}
    for split, path in lists:
        for name in filter(None, map(str.strip, read_list(path, problems))):
            if plain(Path(name).stem) not in there:
                name = name.replace("\\", "/")  # as Windows writes a path
            name = plain(Path(name).name)
            if name not in there and Path(name).suffix.lower() in pictures.READABLE:
                name = Path(name).stem
            if listed.setdefault(name, (split, path.name))[0] != split:
                problems.append(f"{name} stands in {listed[name][1]} and in {path.name}")
    for name in sorted(listed.keys() - there):
        problems.append(f"{name} stands in {listed[name][1]}, and is no picture")
    whole = "validation" in {split for split, _ in lists}
    return lambda name: spare(name, listed[name][0], whole) if name in listed else None


def read_list(path, problems):
    """The lines of a list of names."""
    try:
        return read_text(path).splitlines()
    except (OSError, ValueError) as error:
        problems.append(f"{path}: {first_line(error)}")
        return []


def spare(name, split, whole):
    """The split of a picture: of those for training a tenth is for validation, unless there are some for that."""
    return "validation" if split == "train" and not whole and tenth(name) in TENTHS["validation"] else split


def tenth(name):
    """A number from 0 to 9 that depends on the name alone, so that new pictures move no old one."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10
