"""What each loss does to each class: one small U-Net, trained by five losses.

`python -m zoo.losses` trains it on the photos, and writes what the page about losses shows.
"""

import itertools
from pathlib import Path

from zoo import errors, quiet

quiet.begin(__name__)

import keras
import numpy as np
from keras import ops
from skimage.data import chelsea

from zoo import cards, data, files, models, training
from zoo.commands.arguments import new_file
from zoo.data.squeezing import resize_image
from zoo.evaluation import confusion_matrix
from zoo.prediction import check_finite
from zoo.training import cross_entropy_and_dice, median_frequency_weights

RESULTS = Path(__file__).with_suffix(".json")  # what the page reads
DATASET = "oxford_iiit_pet"
SIDE = 64  # of an image, in pixels
FILTERS = (8, 16, 32, 48, 64)  # half of the stage's
TRAINING, TEST = 1600, 1000  # images
EPOCHS, BATCH_SIZE = 4, 16
SEEDS = (0, 1)
BORDER = data.CLASSES.index("border")


def dice_loss(masks, logits):
    """One minus the soft Dice coefficient, in the mean over the classes.

    Args:
        masks: integers (b, h, w).
        logits: (b, h, w, classes).

    Reference:
        Milletari et al., V-Net, 2016 (https://arxiv.org/abs/1606.04797).
    """
    shares = ops.softmax(logits)
    truth = ops.one_hot(masks, logits.shape[-1], dtype=shares.dtype)
    overlap = ops.sum(truth * shares, axis=(0, 1, 2))  # one for each class
    sizes = ops.sum(truth, axis=(0, 1, 2)) + ops.sum(shares, axis=(0, 1, 2))
    return 1 - ops.mean(2 * overlap / (sizes + 1e-7))


def losses(pixels):
    """The losses to compare, by name.

    Args:
        pixels: how many training pixels each class has, for the class weights.

    Returns:
        A dictionary from names to functions of masks (b, h, w) and logits (b, h, w, classes).
    """
    return {
        "cross-entropy": cross_entropy_and_dice(dice_weight=0),
        "class weights": cross_entropy_and_dice(dice_weight=0, class_weights=median_frequency_weights(pixels)),
        "Dice": dice_loss,
        "cross-entropy and Dice": cross_entropy_and_dice(dice_weight=1),
        "border left out": cross_entropy_and_dice(dice_weight=0, ignored=BORDER),
    }


def first_images(split, count):
    """The first images of a split, float32 (count, SIDE, SIDE, 3), and their masks, int32 (count, SIDE, SIDE)."""
    return next(data.load(DATASET, split, SIDE, count).as_numpy_iterator())


def learn(loss, seed, images, masks):
    """A U-Net with weights of chance, trained by a loss with the optimiser of the stages."""
    keras.utils.set_random_seed(seed)
    model = models.build("unet", image_shape=(SIDE, SIDE, 3), filters=FILTERS)
    recipe = training.Recipe(DATASET, epochs=EPOCHS, batch_size=BATCH_SIZE)  # only what the optimiser reads counts
    on_tensorflow = keras.backend.backend() == "tensorflow"  # where XLA would compile for longer than it saves
    optimizer = training.make_optimizer(recipe, len(images) // BATCH_SIZE)
    optimizer.build(model.trainable_variables)  # as `training.compile_model` does
    model.compile(optimizer, loss, jit_compile=False if on_tensorflow else "auto")
    model.fit(images, masks, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
    return model


def score(model, images, masks):
    """Counts pixels of the answers.

    Returns:
        The `confusion` matrix of the three classes (rows: truth); and the one of pet and background alone,
        `without_border`, where only these two logits compete, and pixels of the true border do not count.
    """
    logits = check_finite(model.predict(images, batch_size=100, verbose=0))
    counted = masks != BORDER
    of_two = logits[..., :BORDER].argmax(-1)
    return {
        "confusion": confusion_matrix(masks, logits.argmax(-1), len(data.CLASSES)).tolist(),
        "without_border": confusion_matrix(masks[counted], of_two[counted], BORDER).tolist(),
    }


def read(path):
    """What an earlier call has written."""
    names = losses(pixels=(1, 1, 1))

    def is_own(found):
        return all(name in names and isinstance(cards.look_up(found, (name, "seeds")), dict) for name in found)

    return files.read_earlier(path, is_own, "results of zoo.losses")


def main():
    """Trains a small U-Net on the photos by five losses, with two seeds. What the file holds already is skipped."""
    parse = errors.Parser("python -m zoo.losses", description=main.__doc__)
    text = "file for the results (default: losses.json)"
    parse.add_argument("--out", type=new_file, default="losses.json", help=text)
    options = parse.parse_args()
    read(options.out)  # refused at once, if it is
    images, masks = first_images("train", TRAINING)
    tests = first_images("test", TEST)
    photo = resize_image(chelsea(), SIDE).numpy()[None] / 255
    all_losses = losses(np.bincount(masks.ravel(), minlength=len(data.CLASSES)))
    for seed, name in itertools.product(SEEDS, all_losses):
        found = read(options.out)
        own = found.setdefault(name, {"seeds": {}})
        if str(seed) in own["seeds"]:
            continue
        model = learn(all_losses[name], seed, images, masks)
        own["seeds"][str(seed)] = score(model, *tests)
        answer = check_finite(model.predict(photo, verbose=0))[0].argmax(-1)
        own.setdefault("answer", ["".join(map(str, row)) for row in answer])  # what it says of Chelsea
        files.write_json(options.out, found)
        print(f"{name}, seed {seed}: {own['seeds'][str(seed)]['confusion']}", flush=True)


if __name__ == "__main__":
    main()
