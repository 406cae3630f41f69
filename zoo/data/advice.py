"""What a training will lack in a folder of pictures and masks, and the way out."""

from zoo.data.contents import Contents
from zoo.data.masks import channels

BATCH = 16  # pictures in a step of a training that is told nothing else


def advise(contents: Contents) -> list[str]:
    """What a training will lack in a folder with nothing wrong, and the way out, a line each."""
    counts = {split: sum(pair.split == split for pair in contents.pairs) for split in ("train", "validation", "test")}
    advice = [
        f"the split {split!r} holds no picture: {way_out(contents, split)}" for split in counts if not counts[split]
    ]
    if 0 < counts["train"] < BATCH:
        few = f"the split 'train' holds fewer pictures ({counts['train']}) than a batch ({BATCH})"
        advice.append(f"{few}: train with `--batch-size {counts['train']}`; or {way_out(contents, 'train')}")
    alike = [name for name in contents.names if "background" in name.casefold()]
    if alike and "background" not in contents.names:
        advice.append(f"no class is the background: call {alike[0]!r} background, for cutouts and scores of the rest")
    return advice + differing_palettes(contents)


def differing_palettes(contents):
    """A line where one colour has two numbers in two masks: some programs reorder palettes unasked."""
    seen = {}
    for pair in contents.pairs:
        shown = {number: colour for number, colour in pair.palette.items() if number != contents.ignored}
        if len(set(shown.values())) < len(shown):
            continue  # the colours say nothing
        for number, colour in shown.items():
            other, mask = seen.setdefault(colour, (number, pair.mask))
            if other != number:
                return [
                    f"one colour, {channels(colour)}, is {other} in {mask.name} and {number} in {pair.mask.name}, and "
                    "only the numbers count. If a program reordered palettes, store masks as RGB, with a classes.json"
                ]
    return []


def way_out(contents, split):
    """What to do where a split holds too few pictures."""
    flat = len({pair.image.parent for pair in contents.pairs}) < 2  # or a folder for each split, which heeds no list
    lists = "write `train.txt`, `validation.txt` and `test.txt`, a name without its ending on each line"
    move = lists if flat else "move pictures and masks between the folders train/, validation/ and test/"
    together = sum(pair.split in ("train", "validation") for pair in contents.pairs)
    if split == "test" or not together:  # every training is scored on the test pictures
        return move
    return f"{move}; or train with `--split train+validation --batch-size {min(BATCH, together)}`"
