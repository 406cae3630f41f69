"""What trained weights are worth when pictures are few: a U-Net from ours and from random weights.

`python -m zoo.finetuning FOLDER` trains on ever more pictures of a folder, and says what each training scores.
"""

import argparse
import itertools
import json
import tempfile
from pathlib import Path

from zoo import quiet

quiet.import_tensorflow()

import keras  # noqa: E402
import numpy as np  # noqa: E402

from zoo import cards, data, evaluation, models, saved, trained, training  # noqa: E402
from zoo.commands.arguments import one_or_two_sides  # noqa: E402
from zoo.data.folder import select  # noqa: E402

COUNTS = (20, 100, 500)  # of training pictures, or all if there are fewer
SEEDS = (0, 1)  # of the choice of pictures, the first weights and the order
RATES = {start: training.Recipe("", start=start).learning_rate for start in ("", "unet")}  # by where it starts
STEPS, BATCH = 600, 8  # of every training: what is short is pictures, not time


def link_some(folder, count, seed, target):
    """Makes a folder of links to `count` training pictures of a data set, and to all of its test pictures.

    Args:
        folder: of the data set, as `zoo.data.open_folder` takes it.
        count: number of training pictures.
        seed: of their choice; the first ones of a larger choice are those of a smaller one.
        target: path of the new folder.
    """
    contents = data.look(folder)
    training_pairs = select(contents, "train")
    order = np.random.default_rng(seed).permutation(len(training_pairs))
    chosen = {
        "train": [training_pairs[number] for number in order[:count]],
        "test": select(contents, "test"),
    }
    for part in ("images", "masks"):
        (target / part).mkdir(parents=True)
    (target / "validation.txt").touch()  # else a tenth of those for training would be spared
    for split, pairs in chosen.items():
        names = [f"{split}_{pair.name}" for pair in pairs]
        (target / f"{split}.txt").write_text("\n".join(names))
        for name, pair in zip(names, pairs, strict=True):
            (target / "images" / f"{name}{pair.image.suffix}").symlink_to(pair.image.resolve())
            (target / "masks" / f"{name}{pair.mask.suffix}").symlink_to(pair.mask.resolve())
    for path in Path(folder).glob("classes.*"):
        (target / path.name).symlink_to(path.resolve())


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
    with tempfile.TemporaryDirectory() as temporary:
        subset = Path(temporary) / "subset"
        link_some(folder, count, seed, subset)
        recipe = training.Recipe(
            str(subset),
            image_size=image_size,
            batch_size=BATCH,
            epochs=max(1, round(STEPS / (count // BATCH))),
            start=start,
            seed=seed,
        )
        keras.utils.set_random_seed(seed)
        shape = (*data.both_sides(image_size), 3)
        model = models.build("unet", image_shape=shape, num_classes=data.find(subset).logits)
        if start:
            trained.take_over(model, saved.load(start))
        batches = training.load(
            recipe, "train", image_size, augmentation=recipe.augmentation(), epochs=range(recipe.epochs)
        )
        optimizer = training.make_optimizer(recipe, len(batches) // recipe.epochs)
        training.compile_model(model, optimizer, recipe)
        model.fit(batches, shuffle=False, verbose=0)
        return evaluation.evaluate(model, subset, ways=("at_network_size",))["at_network_size"]


def main():
    """Trains on ever more pictures of a folder, from our weights and from random ones. What is done is skipped."""
    parse = argparse.ArgumentParser(description=main.__doc__)
    parse.add_argument("folder", type=Path, help="with images/ and masks/")
    parse.add_argument("--image-size", type=one_or_two_sides, default=128)
    parse.add_argument("--out", type=Path, default=Path("finetuning.json"))
    options = parse.parse_args()
    try:
        contents = data.look(options.folder)
    except (OSError, ValueError) as error:
        parse.error(str(error))
    available = len(select(contents, "train"))
    if available < BATCH:
        parse.error(f"{options.folder} must hold at least {BATCH} pictures for training. Received: {available}.")
    found = json.loads(options.out.read_text()) if options.out.exists() else {"runs": []}
    found |= {"dataset": options.folder.resolve().name, "classes": contents.names, "image_size": options.image_size}
    found |= {"test_pictures": len(select(contents, "test")), "steps": STEPS, "batch_size": BATCH, "rates": RATES}
    done = [(run["pictures"], run["start"], run["seed"]) for run in found["runs"]]
    counts = sorted({min(count, available) for count in COUNTS})
    for seed, count, start in itertools.product(SEEDS, counts, RATES):
        if (count, start, seed) in done:
            continue
        scores = learn(options.folder, options.image_size, count, start, seed)
        run = {"pictures": count, "start": start, "seed": seed, "mean_iou": scores["mean_iou"], "iou": scores["iou"]}
        found["runs"].append(run)
        cards.write_json(options.out, found)
        print(f"{count} pictures, {start or 'random weights'}, seed {seed}: {scores['mean_iou']:.3f}", flush=True)


if __name__ == "__main__":
    main()
