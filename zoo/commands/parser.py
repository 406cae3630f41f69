"""What can be typed, and what of it is refused: with the standard library alone, so that `--help` answers at once."""

import argparse
import functools
from pathlib import Path

from zoo.errors import printable
from zoo.stages import STAGES

DATASETS = ("oxford_iiit_pet", "synthetic_pets")
FORMATS = ("onnx", "litert", "saved_model")
LIMIT = 1_000_000  # of all numbers that are asked for
BENCHMARKS = ("layers", "layers_memory", "stages", "stages_memory", "patches", "runtimes", "pipeline")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, whatever was typed."""

    def error(self, message):
        super().error(printable(message))


def parser():
    """The commands and their options; `run` names what answers to each, as `package.module:function`."""
    top = Parser("python -m zoo", description="Nine steps to semantic segmentation.")
    top.add_argument("--traceback", action="store_true", help="show where an error came from: --traceback COMMAND ...")
    command = functools.partial(add_command, top.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    command("list", "listing:list_models", "print the saved models: scores and costs, from their cards")
    text = "download and prepare Oxford-IIIT Pet (800 MB) through TensorFlow Datasets"
    command("download", "datasets:download", text)
    add_training(command)
    add_models(command)
    text = "measure layers, stages, runtimes and the data pipeline on this machine"
    added = command("benchmark", "measuring:benchmark", text)
    text = f"which to run: {', '.join(BENCHMARKS)} (default: all)"
    added.add_argument("names", metavar="NAME", nargs="*", type=benchmark_name, help=text)
    text = "file for all figures; a picture comes beside it"
    added.add_argument("--out", type=some_path, default=Path("benchmark.json"), help=text)
    text = "compare the saved models: table, plot, and what each says of a photo"
    added = command("compare", "models:compare", text)
    text = "draw all stages on these photos instead"
    added.add_argument("photos", metavar="PHOTO", nargs="*", type=some_path, help=text)
    added.add_argument("--out", type=some_path, default=Path("comparison.png"), help="file for the picture")
    add_overwrite(added)
    return top


def add_command(commands, name, run, text):
    """A command, without its options."""
    added = commands.add_parser(name, help=text, description=text)
    added.set_defaults(run=f"zoo.commands.{run}")
    return added


def add_model(added):
    """The model of a command that takes one."""
    added.add_argument("model", metavar="STAGE|FILE", help="a saved stage, or a .keras file")


def add_overwrite(added):
    """The option of commands that replace nothing without it."""
    added.add_argument("--overwrite", action="store_true", help="replace what was written before")


def add_dataset(added):
    """The option of commands that choose a data set where none is named."""
    text = "default: oxford_iiit_pet if it is on this machine, else synthetic_pets"
    added.add_argument("--dataset", choices=DATASETS, help=text)


def add_training(command):
    """The commands that train."""
    added = command("train", "training:train", "train a stage; a stopped training goes on with the same command")
    added.add_argument("stage", metavar="STAGE", help=", ".join(STAGES))
    add_dataset(added)
    text = "images to learn from: train (default; the rest, validation, scores each epoch) or train+validation"
    added.add_argument("--split", choices=("train", "train+validation"), help=text)
    added.add_argument("--epochs", type=from_one, help="passes over the training images (default: 16)")
    text = "side in pixels, a multiple of 16 (default: 128); the first epochs see half of it"
    added.add_argument("--image-size", type=from_one, help=text)
    added.add_argument("--batch-size", type=from_one, help="images in a step (default: 16)")
    added.add_argument("--seed", type=from_zero, help="of first weights, order and augmentation (default: 0)")
    text = "compute in bfloat16: faster on a GPU or a CPU that has it (AVX-512 BF16, AMX), far slower on others"
    added.add_argument("--mixed-precision", action="store_true", help=text)
    text = "compile the training step with XLA (default: on a GPU)"
    added.add_argument("--xla", action=argparse.BooleanOptionalAction, help=text)
    text = "GPUs that share each step, on the JAX backend; of several machines, all together (default: 1)"
    added.add_argument("--devices", type=from_one, default=1, help=text)
    added.add_argument("--out", type=some_path, default=Path("runs"), help="folder for model, card, state and logs")

    text = "train all stages by the published recipe, in bfloat16; what is done is skipped"
    added = command("grid", "training:grid", text)
    added.add_argument("--dataset", choices=DATASETS, default="oxford_iiit_pet", help="default: oxford_iiit_pet")
    added.add_argument("--seeds", type=from_one, default=1, help="trainings of each stage (default: 1)")
    text = "folder for models and cards; those of other seeds than 0 lie in seed_1, seed_2, ... below it"
    added.add_argument("--out", type=some_path, default=Path("runs/grid"), help=text)

    text = "train the U-Net by changes of the recipe, and score it on the validation split; what is done is skipped"
    added = command("trials", "training:trials", text)
    added.add_argument("--seeds", type=from_one, default=2, help="trainings of each (default: 2)")
    text = "folder for states and results (default: runs/trials)"
    added.add_argument("--out", type=some_path, default=Path("runs/trials"), help=text)


def add_models(command):
    """The commands that use one trained model."""
    added = command("evaluate", "models:evaluate", "score a model on the test images")
    add_model(added)
    add_dataset(added)

    added = command("predict", "models:predict", "write photos with the classes of their pixels laid over them")
    add_model(added)
    added.add_argument("photos", metavar="PHOTO", nargs="+", type=some_path, help="files, or folders of them")
    added.add_argument("--out", type=some_path, default=Path("predictions"), help="folder for the pictures")
    add_overwrite(added)

    added = command("export", "models:export", "write a model for ONNX Runtime, LiteRT or TensorFlow, without Keras")
    add_model(added)
    add_dataset(added)
    added.add_argument("--format", choices=FORMATS, default="onnx", help="default: onnx")
    text = "side in pixels of the images that the file takes, or `dynamic` for any (default: the model's)"
    added.add_argument("--image-size", type=side_or_dynamic, help=text)
    added.add_argument("--quantize", choices=("int8",), help="compute in 8-bit integers (LiteRT)")
    added.add_argument("--out", type=some_path, default=Path("exports"), help="folder for the file")
    add_overwrite(added)


def some_path(text):
    """A path, for argparse; "" would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return Path(text)


def from_one(text):
    """A whole number from 1, for argparse."""
    return whole_number(text, 1, LIMIT)


def from_zero(text):
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


def side_or_dynamic(text):
    """A side in pixels, or "dynamic", for argparse."""
    return text if text == "dynamic" else from_one(text)
