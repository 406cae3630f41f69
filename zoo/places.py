"""A task where places must matter: masks of single pixels and of thin lines, which cannot be guessed from afar.

`python -m zoo.places` trains small encoder-decoders on both, and writes what the pages show of it.
"""

import itertools
from pathlib import Path

from zoo import errors, quiet

quiet.begin(__name__)

import keras
import numpy as np
from skimage.draw import line

from zoo import cards, files, models, training
from zoo.commands.arguments import new_file
from zoo.evaluation import class_ious, confusion_matrix
from zoo.prediction import check_finite
from zoo.stages import STAGES

RESULTS = Path(__file__).with_suffix(".json")  # what the pages read
SIDE = 32  # of an image, in pixels
TRAINING, TEST = 2000, 500  # images
TEST_SEED = 1000  # of the test images
SEEDS = (0, 1, 2)
EPOCHS = 12

# From full resolution to the bottom, so that there are two poolings. The most telling ones come first.
ORDER = ("max_unpooling", "nearest_unpooling", "unet", "transposed_convolution")
FILTERS = dict.fromkeys((*ORDER, *STAGES[2:]), (8, 8, 8)) | {"transposed_convolution, wide": (8, 16, 64)}


def dots(rng):
    """The mask of eight single pixels, at places of chance: bool (SIDE, SIDE)."""
    mask = np.zeros(SIDE * SIDE, bool)
    mask[rng.choice(SIDE * SIDE, 8, replace=False)] = True
    return mask.reshape(SIDE, SIDE)


def lines(rng):
    """The mask of three lines, one pixel thin, between points of chance: bool (SIDE, SIDE)."""
    mask = np.zeros((SIDE, SIDE), bool)
    for ends in rng.integers(0, SIDE, (3, 4)):
        mask[line(*ends)] = True
    return mask


TASKS = {"dots": dots, "lines": lines}


def examples(task, count, seed):
    """Draws images of a task: what belongs to the mask is bright, the rest is noise.

    Args:
        task: one of `TASKS`.
        count: number of images.
        seed: integer; the same one gives the same images.

    Returns:
        Images, float32 (count, SIDE, SIDE, 1) in [0, 1], and masks, uint8 (count, SIDE, SIDE): 1 for dot or line.
    """
    rng = np.random.default_rng(seed)
    masks = np.stack([TASKS[task](rng) for _ in range(count)])
    images = np.where(masks, rng.uniform(0.8, 1, masks.shape), rng.uniform(0, 0.5, masks.shape))
    return images[..., None].astype("float32"), masks.astype("uint8")


class Learner:
    """A network that is trained again and again, from other first weights: compiled once, which takes longest.

    Loss and optimiser are those of the stages, whose learning rate falls to zero.

    Args:
        network: one of `FILTERS`.
    """

    def __init__(self, network):
        self.network = network
        self.model = self.build()
        recipe = training.Recipe("synthetic_pets", epochs=EPOCHS, learning_rate=0.01)  # only loss and optimiser count
        self.batch_size = recipe.batch_size
        optimizer = training.make_optimizer(recipe, TRAINING // self.batch_size)
        training.compile_model(self.model, optimizer, recipe)
        self.fresh = [keras.ops.convert_to_numpy(variable) for variable in optimizer.variables]

    def build(self):
        """The network with weights of chance."""
        stage, filters = self.network.split(",")[0], FILTERS[self.network]
        return models.build(stage, image_shape=(SIDE, SIDE, 1), num_classes=2, filters=filters)

    def restart(self, seed):
        """Gives model and optimiser the state of a new training."""
        keras.utils.set_random_seed(seed)
        self.model.set_weights(self.build().get_weights())
        for variable, value in zip(self.model.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def learn(self, task, seed):
        """Trains from new weights.

        Returns:
            The IoU of dots or lines on the test images, and what the model says of the first one: a string of 0 and
            1 a row.
        """
        self.restart(seed)
        images, masks = examples(task, TRAINING, seed)
        for epoch in range(EPOCHS):
            order = np.random.default_rng([seed, epoch]).permutation(TRAINING)
            self.model.fit(images[order], masks[order], batch_size=self.batch_size, shuffle=False, verbose=0)
        images, masks = examples(task, TEST, TEST_SEED)
        answers = check_finite(self.model.predict(images, batch_size=100, verbose=0)).argmax(-1)
        _, iou = class_ious(confusion_matrix(masks, answers, 2))
        return float(iou), ["".join(map(str, row)) for row in answers[0]]


def is_own(found):
    """Whether a dictionary has the form of what `main` writes."""
    return all(task in TASKS and isinstance(found[task], dict) for task in found) and all(
        network in FILTERS and isinstance(cards.look_up(found, (task, network, "ious")), dict)
        for task in found
        for network in found[task]
    )


def main():
    """Trains all networks on both tasks. What the file holds already is skipped."""
    parse = errors.Parser("python -m zoo.places", description=main.__doc__)
    text = f"some of {', '.join(map(repr, FILTERS))} (default: all)"
    parse.add_argument("networks", nargs="*", metavar="NETWORK", default=list(FILTERS), help=text)
    text = "file for the results (default: places.json)"
    parse.add_argument("--out", type=new_file, default="places.json", help=text)
    options = parse.parse_args()
    if unknown := set(options.networks) - set(FILTERS):
        raise ValueError(f"NETWORK must be one of {list(FILTERS)}. Received: {sorted(unknown)}")
    learners = {}
    for seed, network, task in itertools.product(SEEDS, options.networks, TASKS):
        found = files.read_earlier(options.out, is_own, "results of zoo.places")
        own = found.setdefault(task, {}).setdefault(network, {"ious": {}})
        if str(seed) in own["ious"]:
            continue
        learner = learners[network] = learners.get(network) or Learner(network)
        own["parameters"] = learner.model.count_params()
        own["ious"][str(seed)], answer = learner.learn(task, seed)
        own.setdefault("answer", answer)
        files.write_json(options.out, found)
        print(f"{task:6} {network}, seed {seed}: {own['ious'][str(seed)]:.2f}", flush=True)


if __name__ == "__main__":
    main()
