import os

from zoo import cards, data, files, inspection, lettering
from zoo.data.pairs import parts_of
from zoo.errors import printable


def download(options):
    print(printable(f"Oxford-IIIT Pet is ready in {data.download()}"))


def inspect(options):
    if options.out.suffix != ".png":
        raise ValueError(f"--out must be a .png file. Received: {options.out}")
    contents = data.look(options.folder)
    parts = parts_of(options.folder)
    files.refuse_own(options.out, [path for part in parts for path in part.iterdir()])
    if any(os.path.realpath(part) == os.path.realpath(options.out.parent) for part in parts):
        raise ValueError(f"--out must not lie among the pictures, of which it would be one. Received: {options.out}")
    print(inspection.report(contents))
    if contents.problems:
        raise ValueError(f"{options.folder} is no data set yet: {len(contents.problems)} of the above must be mended.")
    if contents.pairs:
        lettering.save(inspection.draw(contents), options.out, options.overwrite)
        print(printable(f"Wrote {options.out}"))


def choose(options, card=None):
    """The data set that was named, or that of a model's card, or the one that is there; says which."""
    learned = cards.look_up(card, ("recipe", "dataset"))
    if not isinstance(learned, str) or learned == "oxford_iiit_pet":  # whose photos may not be here
        learned = ""
    known = learned in data.DATASETS or os.path.isdir(learned)
    name = options.dataset or (learned if known else data.default_dataset())
    missing = f", and {learned:.300} of the card is not here" if learned and not known else ""
    print(printable(f"Data set: {name}" + ("" if options.dataset else f" (none was named with --dataset{missing})")))
    return name
