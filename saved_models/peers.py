"""Trains two well-known networks on the same data as the zoo, and prints their scores beside the U-Net's.

Run it in a clone, with the photos prepared: `python saved_models/peers.py`. What is trained already is only printed,
and a training by the zoo's recipe that was stopped goes on. With `--benchmark` it trains nothing, but times them beside
the U-Net, and beside U-Nets that are widened to as many parameters.

- The U-Net of keras.io, "Image segmentation with a U-Net-like architecture" (F. Chollet, 2019): strided, separable
  convolutions, residuals added instead of features joined. Once by the zoo's recipe, and once by its own, for as many
  epochs (160 x 160, no augmentation, Adam at 1e-4, batches of 32, cross-entropy). All are scored at 128 x 128.
- The network of TensorFlow's tutorial "Image segmentation": MobileNetV2 (arXiv:1801.04381) with a decoder as in
  pix2pix (arXiv:1611.07004). From random weights, since the zoo's models have no others. By the zoo's recipe.
"""

import argparse
import dataclasses
import functools
import json
import os
from pathlib import Path

from zoo import quiet

os.environ["KERAS_BACKEND"] = "tensorflow"
if __name__ == "__main__":  # a process that measures imports this file too, before it is told to leave the GPU alone
    quiet.import_tensorflow()

import keras
from keras import layers

from zoo import costs, data, evaluation, models, saved, tables, training
from zoo.benchmark import networks, turns
from zoo.models.encoder_decoder import FILTERS


def build_keras_io(image_shape):
    """The U-Net of keras.io: 2,058,979 parameters."""
    images = keras.Input(image_shape)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(32, 3, 2, padding="same")(images)))
    before = x
    for filters in (64, 128, 256):
        for _ in range(2):
            x = layers.SeparableConv2D(filters, 3, padding="same")(layers.ReLU()(x))
            x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
        x = before = layers.add([x, layers.Conv2D(filters, 1, 2, padding="same")(before)])
    for filters in (256, 128, 64, 32):
        for _ in range(2):
            x = layers.Conv2DTranspose(filters, 3, padding="same")(layers.ReLU()(x))
            x = layers.BatchNormalization()(x)
        x = layers.UpSampling2D(2)(x)
        x = before = layers.add([x, layers.Conv2D(filters, 1, padding="same")(layers.UpSampling2D(2)(before))])
    logits = layers.Conv2D(3, 3, padding="same", dtype="float32")(x)
    return keras.Model(images, logits, name="keras_io")


def build_tensorflow_tutorial(image_shape):
    """MobileNetV2, and up again by transposed convolutions that are joined with its features."""
    encoder = keras.applications.MobileNetV2(input_shape=image_shape, include_top=False, weights=None)
    for layer in encoder.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.99  # as everywhere else: with its 0.999, images of half the size would count to the end
    x = encoder.get_layer("block_16_project").output  # 1/32 of the image's side
    for filters, name in ((512, "block_13"), (256, "block_6"), (128, "block_3"), (64, "block_1")):
        x = layers.Conv2DTranspose(filters, 3, 2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.concatenate([x, encoder.get_layer(f"{name}_expand_relu").output])
    logits = layers.Conv2DTranspose(3, 3, 2, padding="same", dtype="float32")(x)
    return keras.Model(encoder.input, logits, name="tensorflow_tutorial")


def build_unet(image_shape, first_filters=FILTERS[0]):
    """The zoo's U-Net, with all filters as much wider or narrower as those of the first level."""
    return models.build("unet", image_shape=image_shape, filters=[first_filters * n // FILTERS[0] for n in FILTERS])


def train_by_ours(build, recipe, folder):
    """A network trained by the zoo's recipe."""
    return training.train(lambda: build((None, None, 3)), recipe, folder)[0]


def train_by_its_own(build, recipe, folder):
    """A network trained by the recipe of the page on keras.io; does not resume."""
    keras.utils.set_random_seed(recipe.seed)
    model = build((160, 160, 3))
    batches = data.load(recipe.dataset, recipe.split, image_size=160, batch_size=32)
    batches = batches.shuffle(len(batches), seed=recipe.seed)  # batches, not images, to spare memory
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(batches, epochs=recipe.epochs, shuffle=False, verbose=2)  # the data set is shuffled already
    return model


PEERS = {
    "keras.io, our recipe": (build_keras_io, train_by_ours),
    "TensorFlow's tutorial, our recipe": (build_tensorflow_tutorial, train_by_ours),
    "keras.io, its own recipe": (build_keras_io, train_by_its_own),
}

TIMED = {
    "the zoo's U-Net": build_unet,
    "the zoo's U-Net, first 24 filters": functools.partial(build_unet, first_filters=24),
    "keras.io's U-Net": build_keras_io,
    "the zoo's U-Net, first 42 filters": functools.partial(build_unet, first_filters=42),
    "TensorFlow's tutorial": build_tensorflow_tutorial,
}


def run_timed(name, batch, run):
    """A prediction or a step of training of a network of `TIMED`, for images of 128 x 128."""
    return networks.run_network(TIMED[name]((128, 128, 3)), batch, run)


def time_networks(rounds=15):
    """Times the networks of `TIMED`, as `zoo.benchmark.stages` times the stages."""
    sizes = {}
    for name, build in TIMED.items():
        model = build((128, 128, 3))
        sizes[name] = {"parameters": model.count_params(), "multiply_adds": costs.multiply_adds(model)}
    rows = []
    for batch, run in ((1, "predict"), (16, "predict"), (16, "train")):
        with turns.processes(["tensorflow"]) as process:
            calls = {name: (process["tensorflow"], run_timed, name, batch, run) for name in TIMED}
            for name, measured in turns.take_turns(calls, rounds).items():
                rows.append({"network": name, **sizes[name], "batch": batch, "run": run, **measured})
    return rows


def main():
    """Trains what is not trained yet, and prints the table; or times the networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/peers"), help="folder for states and scores")
    text = "time the networks, and add the figures to this file of `python -m zoo benchmark`"
    parser.add_argument("--benchmark", type=Path, metavar="FILE", help=text)
    options = parser.parse_args()
    if options.benchmark:
        results = json.loads(options.benchmark.read_text())
        results["peers"] = time_networks()
        saved.write_json(options.benchmark, results)
        print(tables.format_benchmark(results["peers"]))
        return
    folder = options.out
    recipe = training.PUBLISHED
    cards = {"unet": saved.card("unet")}
    for name, (build, train) in PEERS.items():
        path = folder / f"{name}.json"
        if not path.exists() or json.loads(path.read_text())["zoo_recipe"] != dataclasses.asdict(recipe):
            print(f"Training {name}")
            trained = train(build, recipe, folder / name)
            model = build((recipe.image_size, recipe.image_size, 3))  # the size at which it is scored
            model.set_weights(trained.get_weights())
            card = {
                "zoo_recipe": dataclasses.asdict(recipe),
                "scores": evaluation.evaluate(model, recipe.dataset),
                "costs": costs.costs(model),
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            saved.write_json(path, card)
        cards[name] = json.loads(path.read_text())
    print(tables.format_cards(cards))
    print("\nTimes were taken on the machine that trained each network: compare them only where it was the same one.")


if __name__ == "__main__":
    main()
