"""What trained weights are worth when pictures are few: a U-Net from ours and from random weights.

`python -m zoo.finetuning FOLDER` trains on ever more pictures of a folder, and says what each training scores.
"""

import dataclasses
import itertools
from pathlib import Path

from zoo import errors, quiet

quiet.begin(__name__)

import keras
import numpy as np

from zoo import data, evaluation, files, models, saved, trained, training
from zoo.commands.arguments import new_file, one_or_two_sides, some_path
from zoo.data.folder import as_dataset, select

RESULTS = Path(__file__).with_suffix(".json")  # what the page reads
COUNTS = (20, 100, 500)  # of training pictures, or all if there are fewer
SEEDS = (0, 1)  # of the choice of pictures, the first weights and the order
STARTS = ("", "unet")  # random weights, and ours
STEPS, BATCH = 600, 8  # of every training: what is short is pictures, not time


def choose(folder, count, seed):
    """A data set of `count` training pictures of a folder, and of all its test pictures.

    Args:
        folder: of the data set, as `zoo.data.open_folder` takes it.
        count: number of training pictures.
        seed: of their choice; the first ones of a larger choice are those of a smaller one.
    """
    contents = data.look(folder)
    pairs = select(contents, "train")
    chosen = sorted(np.random.default_rng(seed).permutation(len(pairs))[:count])
    pairs = [*(pairs[number] for number in chosen), *select(contents, "test")]
    return as_dataset(dataclasses.replace(contents, pairs=pairs), folder)


def learn(folder, image_size, count, start, seed):
    """Trains the U-Net on some pictures of a folder.

    Args:
        folder: of the data set.
        image_size: side in pixels, or (height, width).
        count: number of training pictures.
        start: "unet" for the saved weights, "" for random ones.
        seed: of pictures, first weights and order.

    Returns:
        The scores on the test pictures, at the network's size, as `zoo.evaluation.evaluate` gives them.
    """
    few = choose(folder, count, seed)
    recipe = training.Recipe(
        str(folder),
        image_size=image_size,
        batch_size=BATCH,
        half_size_share=0.0,
        epochs=max(1, round(STEPS / (count // BATCH))),
        start=start,
        seed=seed,
        xla=True,  # a training of minutes is worth compiling
    )
    keras.utils.set_random_seed(seed)
    model = models.build("unet", image_shape=(*data.both_sides(image_size), 3), num_classes=few.logits)
    if start:
        trained.take_over(model, saved.load(start))
    changes = {"augmentation": recipe.augmentation(), "seed": seed, "epochs": range(recipe.epochs)}
    batches = data.load(few, "train", image_size, BATCH, **changes)
    optimizer = training.make_optimizer(recipe, len(batches) // recipe.epochs)
    training.compile_model(model, optimizer, recipe)
    model.fit(batches, shuffle=False, verbose=0)
    return evaluation.evaluate(model, few, ways=("at_network_size",))["at_network_size"]


def read(path, head):
    """What an earlier call has written; refused if it was of another data set or another training."""

    def is_own(found):
        runs = found.get("runs")
        names = {"pictures", "start", "seed"}
        return isinstance(runs, list) and all(isinstance(run, dict) and names <= run.keys() for run in runs)

    found = files.read_earlier(path, is_own, "results of zoo.finetuning")
    for name, value in head.items():
        if found and found.get(name) != value:
            raise ValueError(
                f"`{name}` in {path} must be {value!r:.200}, for its runs count as done. "
                f"Received: {found.get(name)!r:.200}. Move it, or name another --out."
            )
    return found or {**head, "runs": []}


def main():
    """Trains the U-Net on 20, 100 and 500 pictures of a folder (or on all if there are fewer), about 600 steps each,
    from our weights and from random ones, with two seeds. What is done is skipped.
    """
    parse = errors.Parser("python -m zoo.finetuning", description=main.__doc__)
    text = "with images/ and masks/, and at least 8 pictures for training"
    parse.add_argument("folder", metavar="FOLDER", type=some_path, help=text)
    text = "side in pixels, or height x width as in 96x160, multiples of 16 (default: 128)"
    parse.add_argument("--image-size", type=one_or_two_sides, default=128, help=text)
    text = "file for the results (default: finetuning.json)"
    parse.add_argument("--out", type=new_file, default="finetuning.json", help=text)
    options = parse.parse_args()
    dataset = data.open_folder(options.folder)
    described = [dataset.describe(split) for split in ("train", "test")]
    available, tests = (found["examples"] for found in described)
    if available < BATCH:
        raise ValueError(f"{options.folder} must hold at least {BATCH} pictures for training. Received: {available}")
    size = list(options.image_size) if isinstance(options.image_size, tuple) else options.image_size  # as in JSON
    head = {"dataset": dataset.name, "classes": list(dataset.classes), "image_size": size}
    head |= {"test_pictures": tests, "steps": STEPS, "batch_size": BATCH, "sha256": [d["sha256"] for d in described]}
    found = read(options.out, head)
    done = [(run["pictures"], run["start"], run["seed"]) for run in found["runs"]]
    counts = sorted({min(count, available) for count in COUNTS})
    for count, seed, start in itertools.product(counts, SEEDS, STARTS):
        if (count, start, seed) in done:
            continue
        scores = learn(options.folder, options.image_size, count, start, seed)
        run = {"pictures": count, "start": start, "seed": seed, "mean_iou": scores["mean_iou"], "iou": scores["iou"]}
        found["runs"].append(run)
        files.write_json(options.out, found)
        print(f"{count} pictures, {start or 'random weights'}, seed {seed}: {scores['mean_iou']:.3f}", flush=True)


if __name__ == "__main__":
    main()
