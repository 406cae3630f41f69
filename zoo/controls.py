"""Networks that are no stages, but tell two causes apart: `python -m zoo.controls` trains them by the short recipe.

The U-Net hands features across, and it is larger than `transposed_convolution`. Which of the two makes it better? Here
are `transposed_convolution` widened to the U-Net's size, and, for the checkerboard, with larger kernels on the way up.
"""

import dataclasses
import functools
import itertools
import json
from pathlib import Path

from zoo import errors, quiet

quiet.begin(__name__)

from keras import layers

from zoo import cards, costs, data, evaluation, files, machine, training
from zoo.commands.arguments import new_file
from zoo.models.blocks import LAST, max_pool
from zoo.models.encoder_decoder import FILTERS, encoder_decoder

RESULTS = Path(__file__).with_suffix(".json")  # what the comparison's page reads
SEEDS = (0, 1, 2)
WIDER = (18, 36, 72, 104, 136)  # with which it has 2 % more weights than the U-Net


def transposed_convolution(x, memory, filters, kernel):
    """Up by a transposed convolution of stride 2 with a kernel of this size; needs no memory."""
    return layers.Conv2DTranspose(filters, kernel, strides=2, padding="same", **LAST)(x)


def build(name, image_shape=(None, None, 3), filters=None):
    """An untrained control.

    Args:
        name: one of `CONTROLS`.
        image_shape: (height, width, channels); sides are `None` or multiples of 16.
        filters: channels of each level instead of the control's own.
    """
    kernel, own = CONTROLS[name]
    up = functools.partial(transposed_convolution, kernel=kernel)
    return encoder_decoder(max_pool, up, image_shape, len(data.CLASSES), filters or own, name)


# The size of the kernels on the way up, and the channels of each level.
CONTROLS = {"widened": (2, WIDER), "kernel_3": (3, FILTERS), "kernel_4": (4, FILTERS)}


def learn(name, recipe, folder):
    """Trains a control.

    Args:
        name: one of `CONTROLS`.
        recipe: a `zoo.training.Recipe`.
        folder: where the training keeps its state.

    Returns:
        A dictionary: the scores on the test split at the network's size, as `zoo.evaluation.Scores.summary` gives
        them, the seconds of training, and the machine.
    """
    trained, history = training.train(lambda: build(name), recipe, folder)
    model = build(name, (recipe.image_size, recipe.image_size, 3))
    model.set_weights(trained.get_weights())
    scores = evaluation.evaluate(model, recipe.dataset, ways=("at_network_size",))["at_network_size"]
    return {**scores, "seconds": sum(epoch["seconds"] for epoch in history), "machine": machine.hardware()}


def describe(name, recipe):
    """What all trainings of a control have in common, as a dictionary: the network, the recipe and the test images."""
    kernel, filters = CONTROLS[name]
    model = build(name, (recipe.image_size, recipe.image_size, 3))
    return {
        "kernel": kernel,
        "filters": list(filters),
        "parameters": model.count_params(),
        "multiply_adds": costs.multiply_adds(model),
        "recipe": {key: value for key, value in dataclasses.asdict(recipe).items() if key != "seed"},
        "test": data.describe(recipe.dataset, "test"),
    }


def with_defaults(entry):
    """The results of a control, whose recipe has what it meant before a field was added."""
    recipe = training.with_defaults(kept) if isinstance(kept := entry.get("recipe"), dict) else {}
    return {**entry, "recipe": {key: value for key, value in recipe.items() if key != "seed"}}


def read(path, heads):
    """What an earlier call has written; refused if it is of another network, recipe or data set.

    Args:
        path: of the file.
        heads: what `describe` gives of each control that is asked for.
    """

    def is_own(found):
        if not all(name in CONTROLS and isinstance(cards.look_up(found, (name, "seeds")), dict) for name in found):
            return False
        return all(with_defaults(found[name]).items() >= head.items() for name, head in heads.items() if name in found)

    return files.read_earlier(path, is_own, "results of zoo.controls by this recipe")


def scores() -> dict[str, list[dict]]:
    """The scores at the network's size, one for each seed, of all stages and controls, trained by the short recipe."""
    seeds = cards.cards_of_seeds()
    found = {stage: [seed[stage]["scores"]["at_network_size"] for seed in seeds if stage in seed] for stage in seeds[0]}
    for name, control in json.loads(RESULTS.read_text()).items():
        found[name] = [control["seeds"][seed] for seed in sorted(control["seeds"], key=int)]
    return found


def main():
    """Trains controls on the photos, with three seeds, by the short recipe. What the file holds already is skipped, and
    what was stopped goes on from its state in runs/controls.
    """
    parse = errors.Parser("python -m zoo.controls", description=main.__doc__)
    text = f"some of {', '.join(CONTROLS)} (default: all)"
    parse.add_argument("names", nargs="*", metavar="NAME", default=list(CONTROLS), help=text)
    text = "file for the results (default: controls.json)"
    parse.add_argument("--out", type=new_file, default="controls.json", help=text)
    options = parse.parse_args()
    if unknown := set(options.names) - set(CONTROLS):
        raise ValueError(f"NAME must be one of {list(CONTROLS)}. Received: {sorted(unknown)}")
    heads = json.loads(json.dumps({name: describe(name, training.SHORT) for name in options.names}))
    read(options.out, heads)  # refused at once, if it is
    for name, seed in itertools.product(options.names, SEEDS):
        found = read(options.out, heads)
        own = found.setdefault(name, {**heads[name], "seeds": {}})
        if str(seed) in own["seeds"]:
            continue
        print(f"{name}, seed {seed}:", flush=True)
        recipe = dataclasses.replace(training.SHORT, seed=seed)
        own["seeds"][str(seed)] = learn(name, recipe, Path("runs/controls") / f"{name}_{seed}")
        files.write_json(options.out, found)
        print(f"mean IoU {own['seeds'][str(seed)]['mean_iou']:.3f}", flush=True)


if __name__ == "__main__":
    main()
