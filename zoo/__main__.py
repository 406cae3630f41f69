"""The command line: `python -m zoo --help`."""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import os
import platform
import shlex
import sys
import tempfile
from pathlib import Path

from zoo import files, quiet
from zoo.errors import explain, printable
from zoo.stages import STAGES, check_stage

DATASETS = ("oxford_iiit_pet", "synthetic_pets")
FORMATS = ("onnx", "litert", "saved_model")
LIMIT = 1_000_000  # of all numbers that are asked for
BENCHMARKS = ("layers", "layers_memory", "stages", "stages_memory", "windows", "runtimes", "pipeline")


def main(arguments=None):
    """Parses the arguments and runs a command; an expected error ends it with one line."""
    options = parser().parse_args(arguments)
    try:
        name = vars(options).get("stage", vars(options).get("model", ""))
        if name and not name.endswith(".keras"):
            check_stage(name)
        if "out" in options:
            check_writable(options.out)
        if options.run is not list_models:  # which answers at once
            quiet.check_backend()
            quiet.import_tensorflow()
        options.run(options)
    except BrokenPipeError:  # whoever reads, `head` for one, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except KeyboardInterrupt:
        resume = " The same command goes on from the last whole epoch." if options.command in ("train", "grid") else ""
        sys.exit(f"\n{options.command}: stopped.{resume}")
    except Exception as error:
        line = explain(error)
        if line is None or options.traceback:
            raise
        sys.exit(printable(f"{options.command}: {line}"))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, whatever was typed."""

    def error(self, message):
        super().error(printable(message))


def parser():
    """The commands and their options."""
    top = Parser("python -m zoo", description="Nine steps to semantic segmentation.")
    top.add_argument("--traceback", action="store_true", help="show where an error came from: --traceback COMMAND ...")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, run, text):
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    def add_overwrite(added):
        added.add_argument("--overwrite", action="store_true", help="replace what was written before")

    def add_dataset(added):
        text = "default: oxford_iiit_pet if it is on this machine, else synthetic_pets"
        added.add_argument("--dataset", choices=DATASETS, help=text)

    command("list", list_models, "print the saved models: scores and costs, from their cards")
    command("download", download, "download and prepare Oxford-IIIT Pet (800 MB) through TensorFlow Datasets")

    added = command("train", train, "train a stage; a stopped training goes on with the same command")
    added.add_argument("stage", metavar="STAGE", help=", ".join(STAGES))
    add_dataset(added)
    text = "images to learn from: train (default; the rest, validation, scores each epoch) or train+validation"
    added.add_argument("--split", choices=("train", "train+validation"), help=text)
    added.add_argument("--epochs", type=positive, help="passes over the training images (default: 16)")
    text = "side in pixels, a multiple of 16 (default: 128); the first epochs see half of it"
    added.add_argument("--image-size", type=positive, help=text)
    added.add_argument("--batch-size", type=positive, help="images in a step (default: 16)")
    added.add_argument("--seed", type=seed, help="of first weights, order and augmentation (default: 0)")
    text = "compute in bfloat16: faster on a GPU or a CPU that has it (AVX-512 BF16, AMX), far slower on others"
    added.add_argument("--mixed-precision", action="store_true", help=text)
    text = "compile the training step with XLA (default: on a GPU)"
    added.add_argument("--xla", action=argparse.BooleanOptionalAction, help=text)
    text = "GPUs that share each step, on the JAX backend; of several machines, all together (default: 1)"
    added.add_argument("--devices", type=positive, default=1, help=text)
    added.add_argument("--out", type=named, default=Path("runs"), help="folder for model, card, state and logs")

    added = command("grid", grid, "train all stages by the published recipe, in bfloat16; what is done is skipped")
    added.add_argument("--dataset", choices=DATASETS, default="oxford_iiit_pet", help="default: oxford_iiit_pet")
    added.add_argument("--seeds", type=positive, default=1, help="trainings of each stage (default: 1)")
    text = "folder for models and cards; those of other seeds than 0 lie in seed_1, seed_2, ... below it"
    added.add_argument("--out", type=named, default=Path("runs/grid"), help=text)

    text = "train the U-Net by changes of the recipe, and score it on the validation split; what is done is skipped"
    added = command("trials", trials, text)
    added.add_argument("--seeds", type=positive, default=2, help="trainings of each (default: 2)")
    text = "folder for states and results (default: runs/trials)"
    added.add_argument("--out", type=named, default=Path("runs/trials"), help=text)

    added = command("evaluate", evaluate, "score a model on the test images")
    added.add_argument("model", metavar="STAGE|FILE", help="a saved stage, or a .keras file")
    add_dataset(added)

    added = command("predict", predict, "write photos with the classes of their pixels laid over them")
    added.add_argument("model", metavar="STAGE|FILE", help="a saved stage, or a .keras file")
    added.add_argument("photos", metavar="PHOTO", nargs="+", type=named, help="files, or folders of them")
    added.add_argument("--out", type=named, default=Path("predictions"), help="folder for the pictures")
    add_overwrite(added)

    added = command("export", export, "write a model for ONNX Runtime, LiteRT or TensorFlow, without Keras")
    added.add_argument("model", metavar="STAGE|FILE", help="a saved stage, or a .keras file")
    add_dataset(added)
    added.add_argument("--format", choices=FORMATS, default="onnx", help="default: onnx")
    text = "side in pixels of the images that the file takes, or `dynamic` for any (default: the model's)"
    added.add_argument("--image-size", type=side, help=text)
    added.add_argument("--quantize", choices=("int8",), help="compute in 8-bit integers (LiteRT)")
    added.add_argument("--out", type=named, default=Path("exports"), help="folder for the file")
    add_overwrite(added)

    text = "measure layers, stages, runtimes and the data pipeline on this machine"
    added = command("benchmark", run_benchmarks, text)
    text = f"which to run: {', '.join(BENCHMARKS)} (default: all)"
    added.add_argument("names", metavar="NAME", nargs="*", type=benchmark_name, help=text)
    text = "file for all figures; a picture comes beside it"
    added.add_argument("--out", type=named, default=Path("benchmark.json"), help=text)

    added = command("compare", compare, "compare the saved models: table, plot, and what each says of a photo")
    added.add_argument("photos", metavar="PHOTO", nargs="*", type=named, help="draw all stages on these photos instead")
    added.add_argument("--out", type=named, default=Path("comparison.png"), help="file for the picture")
    add_overwrite(added)
    return top


def list_models(options):
    from zoo import cards, tables

    print(tables.format_cards(cards.cards()))


def download(options):
    from zoo import data

    print(printable(f"Oxford-IIIT Pet is ready in {data.download()}"))


def train(options):
    import keras

    from zoo import tables, training

    if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:  # one of several that train together
        training.require_jax("Several processes")
        keras.distribution.initialize()
    if (options.out / f"{options.stage}.json").exists():
        raise FileExistsError(
            f"{options.out / options.stage}.keras is trained already. Move it, or name another --out."
        )
    chosen = {field.name: getattr(options, field.name, None) for field in dataclasses.fields(training.Recipe)}
    chosen["dataset"] = choose_dataset(options)
    if options.xla is None:
        chosen["xla"] = bool(training.gpus())
    recipe = training.Recipe(**{name: value for name, value in chosen.items() if value is not None})
    card = train_cell(options.stage, recipe, options.out, options.devices)
    print(tables.format_scores(card["scores"]))


def grid(options):
    from zoo import saved, tables, training

    folders = [options.out if seed == 0 else options.out / f"seed_{seed}" for seed in range(options.seeds)]
    for seed, folder in enumerate(folders):
        recipe = dataclasses.replace(training.PUBLISHED, seed=seed, dataset=options.dataset)
        found = saved.cards(folder)
        for stage in STAGES:
            if stage in found and training.with_defaults(found[stage]["recipe"]) == dataclasses.asdict(recipe):
                print(f"{stage}, seed {seed}: done already.")
            else:
                train_cell(stage, recipe, folder)
    cards = [saved.cards(folder) for folder in folders]
    print(tables.format_cards(cards[0]))
    if options.seeds > 1:
        print(tables.format_seeds(cards))


def trials(options):
    from zoo import experiments, tables

    rows = []
    for name in experiments.TRIALS:
        results = [experiments.run_trial(name, seed, options.out) for seed in range(options.seeds)]
        scores, minutes = ([result[key] for result in results] for key in ("mean_iou", "minutes"))
        each = ", ".join(f"{score:.4f}" for score in scores)
        rows.append([name, each, f"{sum(scores) / len(scores):.4f}", f"{sum(minutes):.0f}"])
    print(tables.format_table(["trial", "mean IoU of each seed", "mean", "minutes"], rows))


def train_cell(stage, recipe, folder, devices=1):
    """Trains a stage by a recipe, and saves it with its card, which is returned."""
    from zoo import costs, data, evaluation, models, saved, training

    data.examples(recipe.dataset, "test")  # if it is missing or damaged, that is said before the epochs
    state = folder / stage
    shape = (recipe.image_size, recipe.image_size, 3)
    model, quick = models.build(stage, image_shape=shape), models.build_for_training(stage, image_shape=shape)
    print(printable(f"Training {stage}. State and logs: {state} (tensorboard --logdir {state / 'logs'})"))
    with training.share_among(devices, recipe.batch_size):
        trained, history = training.train(
            lambda: models.build_for_training(stage, image_shape=(None, None, 3)), recipe, state
        )
    model.set_weights(trained.get_weights())
    quick.set_weights(trained.get_weights())
    card = {
        "scores": evaluation.evaluate(quick, recipe.dataset),
        "costs": costs.costs(model),
        "dataset": {
            "name": recipe.dataset,
            **{split: data.describe(recipe.dataset, split) for split in (recipe.split, "test")},
        },
        "recipe": dataclasses.asdict(recipe),
        "command": shlex.join(["python", "-m", "zoo", *sys.argv[1:]]),
        "history": history,
        "training_seconds": sum(epoch["seconds"] for epoch in history),
        "machine": machine(),
        "versions": versions(),
        "licence": "CC BY-SA 4.0",
    }
    if training.share_of_this_process()[0] > 0:  # the first of several writes
        return card
    saved.save(model, card, folder)
    training.forget(state)
    score = card["scores"]["at_network_size"]["mean_iou"]
    print(printable(f"Saved {state}.keras and its card: mean IoU {score:.3f}"))
    return card


def evaluate(options):
    from zoo import evaluation, tables

    print(tables.format_scores(evaluation.evaluate(load(options.model), choose_dataset(options))))


def predict(options):
    from PIL import Image
    from tqdm import tqdm

    from zoo import data, plots, prediction

    model = load(options.model)
    prediction.check_model(model)
    photos = find_photos(options.photos)
    options.out.mkdir(parents=True, exist_ok=True)
    originals = {place(photo) for photo in photos}
    skipped = 0

    def skip(photo, error):
        nonlocal skipped
        tqdm.write(printable(f"skipped {photo}: {error}"), file=sys.stderr)
        skipped += 1

    for photo, name in zip(tqdm(photos, unit="photo", disable=None), picture_names(photos), strict=True):
        path = options.out / name
        try:
            if place(path) in originals:
                raise FileExistsError(f"its picture would replace the photo {path}. Name another --out.")
            files.refuse_taken(path, options.overwrite)
            image = data.read_image(photo)
        except (OSError, ValueError) as error:
            skip(photo, error)
            continue
        image = plots.overlay(image, prediction.predict(model, image))  # what fails here is no fault of the photo
        try:
            with files.write_whole(path, options.overwrite) as unfinished:
                Image.fromarray(image).save(unfinished, "png")
        except OSError as error:
            skip(photo, error)
    written = len(photos) - skipped
    pictures = "picture" if written == 1 else "pictures"
    print(f"Wrote {written} {pictures} to {printable(options.out)}" + (f"; skipped {skipped}." if skipped else "."))
    if skipped:
        sys.exit(1)


def export(options):
    import numpy as np

    from zoo import data, exporting, prediction

    model = load(options.model)
    name = Path(options.model).stem
    path = options.out / exporting.file_name(name, options.format, options.quantize)
    files.refuse_taken(path, options.overwrite)
    classes = None if options.model.endswith(".keras") else data.CLASSES  # others have their own
    ready = exporting.resize(model, options.image_size)
    height, width, channels = (side or 128 for side in ready.input_shape[1:])
    count = max(1, min(16, 16 * 512**2 // (height * width)))  # fewer of large ones
    photos = data.examples(choose_dataset(options), "validation").take(4 * count if options.quantize else count)
    images = [prediction.squeeze(photo, (height, width, channels)) for photo, _ in photos.as_numpy_iterator()]
    with files.write_whole(path, options.overwrite) as unfinished:
        exporting.export(
            model,
            unfinished.parent,
            options.format,
            options.image_size,
            images if options.quantize else None,
            name,
            classes,
        )
        differences, agreement = exporting.compare(unfinished, ready, images[:count])
        parts = [unfinished, *unfinished.rglob("*")]
        size = sum(part.stat().st_size for part in parts if part.is_file())
    print(f"Wrote {printable(path)}: {size / 1e6:.1f} MB\n{exporting.describe(ready, classes)}")
    print(
        f"On {count} images, 99.9 % of its logits differ from Keras's by at most "
        f"{np.quantile(differences, 0.999):.0e}, all by at most {differences.max():.0e}. "
        f"The classes agree on {agreement:.2%} of the pixels."
    )


def run_benchmarks(options):
    from zoo import benchmark, data, plots, saved, tables

    if options.out.suffix != ".json":
        raise ValueError(f"--out must be a .json file; the picture beside it is a .png. Received: {options.out}")
    picture = options.out.with_suffix(".png")
    for path in (options.out, picture):
        if os.path.lexists(path):
            raise FileExistsError(f"{path} is there already. Move it, or name another --out.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # several processes share the GPU, if there is one
    results = {"machine": machine(), "versions": versions("jax", "torch", "onnxruntime", "ai-edge-litert")}
    for name in options.names or BENCHMARKS:
        measure = getattr(benchmark, name)
        results[name] = measure(data.default_dataset()) if name == "pipeline" else measure()
        saved.write_json(options.out, results)
        if name == "pipeline":
            rows = [[rate, f"{images:.0f}"] for rate, images in results[name].items()]
            print(tables.format_table(["pipeline", "images a second"], rows) + "\n")
        else:
            print(tables.format_benchmark(results[name]) + "\n")
        if name == "stages":
            growth = [[stage, f"{benchmark.exponent(results[name], stage):.2f}"] for stage in STAGES]
            print(tables.format_table(["time of a prediction", "grows as pixels to the power of"], growth) + "\n")
    with files.write_whole(picture) as unfinished:
        plots.draw_benchmark(results).savefig(unfinished, dpi=100)
    print(printable(f"Wrote {options.out} and {picture}"))


def compare(options):
    from zoo import cards, data, plots, prediction, saved, tables

    if options.out.suffix not in (".pdf", ".png", ".svg"):
        raise ValueError(f"--out must be a .pdf, .png or .svg file. Received: {options.out}")
    files.refuse_taken(options.out, options.overwrite)
    found = cards.cards()
    print(tables.format_cards(found))
    if options.photos:
        models = {stage: saved.load(stage) for stage in found}
        photos, masks = [], {stage: [] for stage in found}
        for path in find_photos(options.photos):
            photo = data.read_image(path)
            step = -(-max(photo.shape) // 600)  # the picture shows no more pixels of a photo
            for stage, model in models.items():
                masks[stage].append(prediction.predict(model, photo)[::step, ::step].copy())
            photos.append(photo[::step, ::step].copy())
        figure = plots.draw_stages(photos, masks)
    else:
        figure = plots.draw_comparison(found)
    with files.write_whole(options.out, options.overwrite) as unfinished:
        figure.savefig(unfinished, dpi=100)
    print(f"Wrote {printable(options.out)}")


def named(text):
    """A path, for argparse; "" would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return Path(text)


def positive(text):
    """A whole number from 1, for argparse."""
    return whole_number(text, 1, LIMIT)


def seed(text):
    """A whole number from 0, for argparse."""
    return whole_number(text, 0, LIMIT)


def whole_number(text, smallest, largest):
    """A number within limits, for argparse."""
    if text.isdecimal() and len(text) < 20 and smallest <= int(text) <= largest:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from {smallest} to {largest:,}, not {text!r:.40}")


def benchmark_name(text):
    """One of the benchmarks, for argparse."""
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(BENCHMARKS)}, not {text!r}")
    return text


def side(text):
    """A side in pixels, or "dynamic", for argparse."""
    return text if text == "dynamic" else positive(text)


def load(name):
    """A saved stage, or a file."""
    from zoo import saved

    return saved.load_file(name) if name.endswith(".keras") else saved.load(name)


def check_writable(path):
    """Refuses a file or folder that cannot be written, before a command has worked for it."""
    there = next(folder for folder in [path, *path.absolute().parents] if folder.exists())
    if there.is_dir():
        tempfile.TemporaryFile(dir=there).close()
    elif there != path:
        raise NotADirectoryError(f"--out must lie in a folder, but {there} is a file. Received: {path}")
    elif not path.suffix:  # --out of a command that writes into a folder
        raise NotADirectoryError(f"--out must be a folder, and {path} is a file.")


def choose_dataset(options):
    """The data set that was named, or the one that is there; says which."""
    from zoo import data

    name = options.dataset or data.default_dataset()
    print(f"Data set: {name}" + ("" if options.dataset else " (none was named with --dataset)"))
    return name


def find_photos(paths):
    """The files, and the pictures in the folders, among the paths, each once."""
    from zoo.data.pictures import ENDINGS

    known = [ending for endings in ENDINGS.values() for ending in endings]
    found = {}
    for path in paths:
        photos = sorted(file for file in path.iterdir() if file.suffix.lower() in known) if path.is_dir() else [path]
        for photo in photos:
            found.setdefault(place(photo), photo)
    if not found:
        raise FileNotFoundError(f"There is no picture in {', '.join(map(str, paths))} ({', '.join(known)}).")
    return list(found.values())


def picture_names(photos):
    """A name for the picture of each photo, no two alike: its own; where two photos share one, with its folder; and
    with a number where that is taken as well. Some disks do not tell "a" from "A".
    """
    photos_of = collections.Counter(photo.name.casefold() for photo in photos)
    names = {}
    for photo in photos:
        shared = photos_of[photo.name.casefold()] > 1
        name = f"{place(photo).parent.name}_{photo.name}" if shared else photo.name
        candidates = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        name = next(name for name in candidates if name.casefold() not in names)
        names[name.casefold()] = f"{name}.png"
    return list(names.values())


def place(path):
    """The one absolute name of a file; a link is a file of its own."""
    return path.parent.resolve() / path.name


def machine():
    """What this machine computes with."""
    from zoo import training

    return ", ".join(training.gpus()) or f"{os.cpu_count()} CPU cores, {platform.machine()}"


def versions(*optional):
    """Python, Keras and its backend, and those of further packages that are installed."""
    import importlib.metadata

    import keras

    backend = keras.backend.backend()
    found = {"python": platform.python_version()}
    for name in ("keras", backend, "tensorflow-datasets", *optional):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError if name in optional else ()):
            found[name] = importlib.metadata.version(name)
    return found


if __name__ == "__main__":
    main()
