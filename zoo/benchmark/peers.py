"""Trains two well-known networks on the same data as the zoo, and prints their scores beside the U-Net's.

With the photos prepared: `python -m zoo.benchmark.peers`. What is trained already is only printed, and a training by
the zoo's short recipe (`zoo.training.SHORT`) that was stopped goes on. With `--benchmark` it trains nothing, but times
them beside the U-Net, and beside U-Nets that are widened to as many parameters.

- The U-Net of keras.io, "Image segmentation with a U-Net-like architecture" (F. Chollet, 2019): strided, separable
  convolutions, residuals added instead of features joined. Once by the zoo's recipe, and once by its own, for as many
  epochs (160 x 160, no augmentation, Adam at 1e-4, batches of 32, cross-entropy). All are scored at 128 x 128.
- The network of TensorFlow's tutorial "Image segmentation": MobileNetV2 (arXiv:1801.04381) with a decoder as in
  pix2pix (arXiv:1611.07004). From random weights, since the zoo's models have no others. By the zoo's recipe.
"""

import argparse
import dataclasses
import os
from pathlib import Path

from zoo import cards, errors, files, quiet, tables
from zoo.benchmark import networks, turns


def main(arguments=None):
    """Trains what is not trained yet, and prints the table; or times the networks."""
    parser = errors.Parser(
        "python -m zoo.benchmark.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    text = "folder for states and scores (default: runs/peers)"
    parser.add_argument("--out", type=Path, default=Path("runs/peers"), help=text)
    text = "time the networks, and add the figures to this file of `python -m zoo benchmark`"
    parser.add_argument("--benchmark", type=Path, metavar="FILE", help=text)
    options = parser.parse_args(arguments)
    results = files.read_object(options.benchmark) if options.benchmark else {}
    if options.benchmark and not {"machine", "versions"} <= results.keys():
        raise ValueError(f"--benchmark must be a file of `python -m zoo benchmark`. Received: {options.benchmark}")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    quiet.import_tensorflow()
    if options.benchmark:
        results["peers"] = time_networks()
        files.write_json(options.benchmark, results)
        print(tables.format_benchmark(results["peers"]))
        return
    ours = cards.card("unet", cards.folder_of_models() / "seeds")  # by the same short recipe
    print(tables.format_cards({"unet": ours, **{name: train_peer(name, options.out) for name in PEERS}}))
    print("\nTimes were taken on the machine that trained each network: compare them only where it was the same one.")


def train_peer(name, folder):
    """Trains one of `PEERS`, unless that was done before.

    Args:
        name: of the peer.
        folder: where its state and its scores, `<name>.json`, lie.

    Returns:
        A dictionary: `zoo_recipe`, and `scores` and `costs` as cards hold them.
    """
    from zoo import costs, evaluation, training
    from zoo.benchmark.peer_networks import NETWORKS

    network, train = PEERS[name]
    recipe = training.SHORT
    path = folder / f"{name}.json"
    if found := files.read_earlier(path, lambda found: isinstance(found.get("zoo_recipe"), dict), "scores of a peer"):
        cards.check_shown({**found, "recipe": found["zoo_recipe"]}, path)
        if training.with_defaults(found["zoo_recipe"]) == dataclasses.asdict(recipe):
            return found
    print(f"Training {name}")
    trained = train(NETWORKS[network], recipe, folder / name)
    model = NETWORKS[network]((recipe.image_size, recipe.image_size, 3))  # the size at which it is scored
    model.set_weights(trained.get_weights())
    scores = evaluation.evaluate(model, recipe.dataset)
    result = {"zoo_recipe": dataclasses.asdict(recipe), "scores": scores, "costs": costs.costs(model)}
    files.write_json(path, result)
    return result


def train_by_ours(build, recipe, folder):
    """A network trained by the zoo's recipe."""
    from zoo import training

    return training.train(lambda: build((None, None, 3)), recipe, folder)[0]


def train_by_its_own(build, recipe, folder):
    """A network trained by the recipe of the page on keras.io; does not resume."""
    import keras

    from zoo import data

    keras.utils.set_random_seed(recipe.seed)
    model = build((160, 160, 3))
    batches = data.load(recipe.dataset, recipe.split, image_size=160, batch_size=32)
    batches = batches.shuffle(len(batches), seed=recipe.seed)  # batches, not images, to spare memory
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(batches, epochs=recipe.epochs, shuffle=False, verbose=2)  # the data set is shuffled already
    return model


# Of `zoo.benchmark.peer_networks.NETWORKS`, and how each is trained.
PEERS = {
    "keras.io, our recipe": ("keras.io's U-Net", train_by_ours),
    "TensorFlow's tutorial, our recipe": ("TensorFlow's tutorial", train_by_ours),
    "keras.io, its own recipe": ("keras.io's U-Net", train_by_its_own),
}


def time_networks(rounds=15):
    """Times `zoo.benchmark.peer_networks.NETWORKS`, as `zoo.benchmark.stages` times the stages."""
    from zoo import costs
    from zoo.benchmark import peers  # by its own name: a fresh process knows nothing of `__main__`
    from zoo.benchmark.peer_networks import NETWORKS

    sizes = {}
    for name, build in NETWORKS.items():
        model = build((128, 128, 3))
        sizes[name] = {"parameters": model.count_params(), "multiply_adds": costs.multiply_adds(model)}
    rows = []
    for batch, run in ((1, "predict"), (16, "predict"), (16, "train")):
        with turns.processes(["tensorflow"]) as process:
            calls = {name: (process["tensorflow"], peers.run_timed, name, batch, run) for name in NETWORKS}
            for name, measured in turns.take_turns(calls, rounds).items():
                rows.append({"network": name, **sizes[name], "batch": batch, "run": run, **measured})
    return rows


def run_timed(name, batch, run):
    """A prediction or a step of training of a network, for images of 128 x 128."""
    from zoo.benchmark.peer_networks import NETWORKS

    return networks.run_network(NETWORKS[name]((128, 128, 3)), batch, run)


if __name__ == "__main__":
    errors.explain_uncaught("peers")
    main()
