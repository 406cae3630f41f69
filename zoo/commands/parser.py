"""What can be typed, and what of it is refused: with the standard library alone, so that `--help` answers at once."""

import argparse
import functools
from pathlib import Path

from zoo.commands.arguments import (
    BENCHMARKS,
    DATASETS,
    benchmark_name,
    dataset_name,
    from_one,
    one_or_two_sides,
    seed,
    seeds,
    side_or_dynamic,
    some_name,
    some_path,
)
from zoo.errors import Parser
from zoo.stages import STAGES

FORMATS = ("onnx", "litert", "saved_model")


def parser():
    """The commands and their options; `run` names what answers to each, as `package.module:function`."""
    top = Parser("python -m zoo", description="Nine steps to semantic segmentation.")
    top.add_argument("--traceback", action="store_true", help="show where an error came from: --traceback COMMAND ...")
    command = functools.partial(add_command, top.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    command("list", "listing:list_models", "print the saved models: scores and costs, from their cards")
    text = "download and prepare Oxford-IIIT Pet (800 MB) through TensorFlow Datasets"
    command("download", "datasets:download", text)
    text = "look through a folder of pictures and masks: what is in it, and what is wrong with it"
    added = command("inspect", "datasets:inspect", text)
    text = (
        "with images/ and masks/; a mask is a PNG of class numbers, 255 does not count; classes.txt names the classes"
    )
    added.add_argument("folder", metavar="FOLDER", type=some_path, help=text)
    text = ".png file for a picture of the first photos with their masks (default: inspection.png)"
    added.add_argument("--out", type=some_path, default=Path("inspection.png"), help=text)
    add_overwrite(added)
    add_training(command)
    add_models(command)
    text = "measure layers, stages, runtimes and the data pipeline on this machine"
    added = command("benchmark", "measuring:benchmark", text)
    text = f"which to run: {', '.join(BENCHMARKS)} (default: all)"
    added.add_argument("names", metavar="NAME", nargs="*", type=benchmark_name, help=text)
    text = ".json file for all figures, with a .png beside it; neither may be there yet (default: benchmark.json)"
    added.add_argument("--out", type=some_path, default=Path("benchmark.json"), help=text)
    text = "compare the saved models: a table, and a picture of scores and costs, or of what each says of photos"
    added = command("compare", "models:compare", text)
    text = "draw what each stage says of these photos, in place of scores and costs"
    added.add_argument("photos", metavar="PHOTO", nargs="*", type=some_path, help=text)
    text = "folder of models that you have trained, instead of the zoo's"
    added.add_argument("--models", metavar="FOLDER", type=some_path, help=text)
    text = ".pdf, .png or .svg file for the picture (default: comparison.png)"
    added.add_argument("--out", type=some_path, default=Path("comparison.png"), help=text)
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


def add_overwrite(added, text="replace what was written before"):
    """The option of commands that replace nothing without it."""
    added.add_argument("--overwrite", action="store_true", help=text)


def add_dataset(added, first_choice="", use=""):
    """The option of commands that choose a data set where none is named."""
    text = f"{use}{', '.join(DATASETS)}, or a folder with images/ and masks/ (default: {first_choice}the first if it "
    text += "is on this machine, else the second)"
    added.add_argument("--dataset", metavar="NAME|FOLDER", type=dataset_name, help=text)


def add_training(command):
    """The commands that train."""
    added = command("train", "training:train", "train a stage; a stopped training goes on with the same command")
    added.add_argument("stage", metavar="STAGE", help=", ".join(STAGES))
    add_dataset(added)
    add_recipe(added, "train", "16", "0.625", "16")
    text = "begin from the weights of a trained model of this stage, all but those of the logits"
    added.add_argument("--start", type=some_name, metavar="STAGE|FILE", help=text)
    added.add_argument("--seed", type=seed, help="of first weights, order and augmentation (default: 0)")
    text = "GPUs that share each batch, on the JAX backend; of several machines, all together (default: 1)"
    added.add_argument("--devices", type=from_one, default=1, help=text)
    text = "folder for model, card, state and logs; a finished model in it is not replaced (default: runs)"
    added.add_argument("--out", type=some_path, default=Path("runs"), help=text)

    text = "train all stages by one recipe, that of the saved models or a change of it; what is done is skipped"
    added = command("grid", "training:grid", text)
    text = "default: oxford_iiit_pet"
    added.add_argument("--dataset", metavar="NAME|FOLDER", type=dataset_name, default="oxford_iiit_pet", help=text)
    text = "by the short recipe: 16 epochs, 0.625 of them at half the size, in batches of 16"
    added.add_argument("--short", action="store_true", help=text)
    text = "begin each stage from the weights of its model in this folder (other seeds than 0: in its seed_1, seed_2, "
    text += "...), all but those of the logits; then, without "
    text += "--short, the defaults are of a recipe for grey photos: half size for 0.625, batches of 16, grey share "
    text += "0.8, scales to 1.4, Dice weight 2"
    added.add_argument("--start", type=some_path, metavar="FOLDER", dest="start_folder", help=text)
    add_recipe(added, "train+validation", "160", "0.5", "32")
    added.add_argument("--seeds", type=seeds, default=1, help="trainings of each stage (default: 1)")
    text = "folder for models and cards; those of other seeds than 0 lie in seed_1, seed_2, ... (default: runs/grid)"
    added.add_argument("--out", type=some_path, default=Path("runs/grid"), help=text)
    add_overwrite(added, "train stages anew whose model there is of another recipe; without this they are refused")

    text = "train the U-Net by changes of the recipe, and score it on the validation split; what is done is skipped"
    added = command("trials", "training:trials", text)
    added.add_argument("--seeds", type=seeds, default=2, help="trainings of each (default: 2)")
    text = "folder for states and results (default: runs/trials)"
    added.add_argument("--out", type=some_path, default=Path("runs/trials"), help=text)


def add_recipe(added, split, epochs, half_size_share, batch_size):
    """What a recipe can change for one stage or for all, with the words for what it is otherwise."""
    text = "images to learn from: train (each epoch is scored on the validation split) or train+validation (no score "
    text += f"before the end; default: {split})"
    added.add_argument("--split", choices=("train", "train+validation"), help=text)
    added.add_argument("--epochs", type=from_one, help=f"passes over the training images (default: {epochs})")
    text = "share of the epochs, from 0 to less than 1, that come first, with images of half the size "
    text += f"(default: {half_size_share})"
    added.add_argument("--half-size-share", type=float, metavar="SHARE", help=text)
    text = "side in pixels, or height x width as in 96x160, multiples of 16 up to 4096 (default: 128)"
    added.add_argument("--image-size", type=one_or_two_sides, help=text)
    added.add_argument("--batch-size", type=from_one, help=f"images in a step (default: {batch_size})")
    text = "the largest factor, from 1 to 10, by which an image is enlarged or shrunk at random (default: 1.25)"
    added.add_argument("--scale-jitter", type=float, metavar="FACTOR", help=text)
    text = "how much saturation, contrast and brightness change at random, from 0 to 3 (default: 1)"
    added.add_argument("--light", type=float, metavar="STRENGTH", help=text)
    text = "share of the images, from 0 to 1, that lose their colours, for photos in grey (default: 0)"
    added.add_argument("--grey-share", type=float, metavar="SHARE", help=text)
    text = "how much the soft Dice loss counts beside the cross-entropy (default: 1)"
    added.add_argument("--dice-weight", type=float, metavar="WEIGHT", help=text)
    added.add_argument("--learning-rate", type=float, help="the highest, which the warm-up reaches (default: 0.003)")
    added.add_argument("--class-weights", action="store_true", help="let a pixel of a rare class count more")
    text = "compute in bfloat16: faster on a GPU or a CPU that has it (AVX-512 BF16, AMX), far slower on others"
    added.add_argument("--mixed-precision", action="store_true", help=text)
    text = "compile the training step with XLA (default: on a GPU; JAX always does)"
    added.add_argument("--xla", action=argparse.BooleanOptionalAction, help=text)


def add_models(command):
    """The commands that use one trained model."""
    added = command("evaluate", "models:evaluate", "score a model on the test images")
    add_model(added)
    add_dataset(added, "that of the model's card, else ")

    added = command("predict", "models:predict", "write photos with the classes of their pixels laid over them")
    add_model(added)
    added.add_argument("photos", metavar="PHOTO", nargs="+", type=some_path, help="files, or folders of them")
    added.add_argument("--mask", action="store_true", help="also write the numbers of the classes, as PHOTO.mask.png")
    text = "also write what is not the class background, on a transparent ground, as PHOTO.cutout.png"
    added.add_argument("--cutout", action="store_true", help=text)
    text = (
        "folder for the pictures, and for legend.png where the classes are other than the pets' (default: predictions)"
    )
    added.add_argument("--out", type=some_path, default=Path("predictions"), help=text)
    add_overwrite(added)

    added = command("export", "models:export", "write a model for ONNX Runtime, LiteRT or TensorFlow, without Keras")
    add_model(added)
    use = "pictures on which the file is compared with the model, and by which --quantize chooses its ranges: "
    add_dataset(added, "that of the model's card, else ", use)
    added.add_argument("--format", choices=FORMATS, default="onnx", help="default: onnx")
    text = (
        "side in pixels of the images that the file takes (up to 2048; for our models a multiple of 16), or `dynamic` "
    )
    text += "for any (default: the model's)"
    added.add_argument("--image-size", type=side_or_dynamic, help=text)
    added.add_argument("--quantize", choices=("int8",), help="compute in 8-bit integers; needs --format litert")
    added.add_argument("--out", type=some_path, default=Path("exports"), help="folder for the file (default: exports)")
    add_overwrite(added)
