"""Training by a recipe."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import data
from zoo.evaluation import class_ious, confusion_matrix
from zoo.prediction import decide
from zoo.training.devices import check_common, process_count, process_number
from zoo.training.loss import cross_entropy_and_dice, median_frequency_weights, offsets_against
from zoo.training.optimizer import make_optimizer, take_average
from zoo.training.recipe import Recipe, phases, refuse_other_limits
from zoo.training.state import KeepState, claim, identify, read_state


def train(
    build: Callable[[], keras.Model], recipe: Recipe, folder: str | os.PathLike
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Trains a model by the recipe, and goes on where an earlier call with the same folder stopped.

    After each epoch the folder holds weights, optimiser and history of that epoch. Order and augmentation are keyed by
    seed, epoch and batch, so that a training that was stopped at any moment ends with the same weights as one that was
    not. (A layer that is random by itself, such as dropout, begins its numbers anew: with one the two differ a little.)

    Args:
        build: function without arguments that returns the untrained model, for images of any size (the recipe shows
            up to three). It is called under the recipe's seed and precision.
        recipe: a `Recipe`.
        folder: where to keep the state and the logs for TensorBoard.

    Returns:
        The trained model, and its history: for each epoch a dictionary of the training loss, seconds and, where the
        recipe leaves the validation split aside, the mean IoU on it.

    Raises:
        ValueError: if the folder holds a training by another recipe, of other pictures or of another model, or another
            training is at work in it, or it is not one that all processes see, or there are fewer images than fill a
            batch, or a split is empty, or nothing in it counts.
        DivergedError: if the loss, a weight or a number of the optimiser is not finite any more; the state before is
            kept.
    """
    folder = Path(folder)
    refuse_other_limits()
    check_data(recipe)
    claimed = claim(folder) if process_number() == 0 else contextlib.nullcontext()  # the first alone writes
    with claimed, precision("mixed_bfloat16" if recipe.mixed_precision else "float32"):
        return train_in(folder, build, recipe)


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """The types in which Keras builds layers; it computes losses in float32, for sums over pixels overflow float16."""
    before = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_floatx(before[1])
        keras.config.set_dtype_policy(before[0])


def train_in(folder, build, recipe):
    """As `train`, in a folder that is claimed."""
    process, processes = process_number(), process_count()
    keras.utils.set_random_seed(recipe.seed)
    model = build()
    optimizer = make_optimizer(recipe, len(data.examples(recipe.dataset, recipe.split)) // recipe.batch_size)
    class_weights = weigh_classes(recipe)
    compile_model(model, optimizer, recipe, class_weights)
    identity = identify(recipe)
    history = read_state(folder, identity, model)
    if processes > 1:
        check_common(len(history))
    # All processes must do the same, for some of their steps are common; what the others than the first write is lost.
    elsewhere = tempfile.TemporaryDirectory()
    kept = folder if process == 0 else Path(elsewhere.name)
    (kept / "logs").mkdir(parents=True, exist_ok=True)  # says so if it is a file
    callbacks = [keras.callbacks.TensorBoard(kept / "logs", write_graph=False), KeepState(kept, identity, history)]
    if recipe.split == "train":
        callbacks.insert(0, ScoreValidation(load(recipe, "validation", recipe.image_size), data.find(recipe.dataset)))
    for image_size, epochs in phases(recipe):
        remaining = range(max(epochs.start, len(history)), epochs.stop)
        if remaining:
            first, last = remaining.start + 1, remaining.stop
            height, width = data.both_sides(image_size)
            print(f"Epochs {first} to {last} of {recipe.epochs}, at {height} x {width} pixels")
            changes = {"augmentation": recipe.augmentation(), "epochs": remaining, "shard": (process, processes)}
            batches = load(recipe, recipe.split, image_size, **changes)
            compile_model(model, optimizer, recipe, class_weights)  # a step is traced for one image size
            model.fit(
                batches,
                epochs=remaining.stop,
                initial_epoch=remaining.start,
                steps_per_epoch=len(batches) // len(remaining),
                callbacks=callbacks,
                shuffle=False,  # the data set is shuffled already
                verbose=0 if process else 1 if sys.stdout.isatty() else 2,
            )
            if recipe.ema_momentum:  # `fit` has put the average in place of the weights, which the next phase needs
                read_state(kept, identity, model)
    if recipe.ema_momentum:
        changes = {"augmentation": recipe.augmentation(), "epochs": range(recipe.epochs, recipe.epochs + 1)}
        take_average(model, load(recipe, recipe.split, recipe.image_size, **changes))
    return model, history


def check_data(recipe):
    """Refuses data from which no training can learn before anything is written."""
    load(recipe, recipe.split, recipe.image_size, augmentation=recipe.augmentation())
    if recipe.split == "train" and not len(data.examples(recipe.dataset, "validation")):
        raise ValueError('The split "validation" must hold at least one image. Received: none')
    for split in (recipe.split, *(["validation"] if recipe.split == "train" else [])):
        check_counted(recipe, split)


def check_counted(recipe: Recipe, split: str) -> None:
    """Refuses a split in whose masks no pixel counts any more once they have been squeezed to the recipe's size."""
    ignored, (height, width) = data.find(recipe.dataset).ignored, data.both_sides(recipe.image_size)
    if ignored is None or any(  # the first batch tells, but for odd masks
        (masks != ignored).any() for _, masks in load(recipe, split, recipe.image_size).as_numpy_iterator()
    ):
        return
    raise ValueError(
        f"The masks of the split {split!r} must have a pixel that is not {ignored} when they are squeezed to "
        f"{height} x {width} pixels. Received: none. Choose a larger `image_size`."
    )


def load(recipe: Recipe, split: str, image_size: int | tuple[int, int], **options: Any) -> tf.data.Dataset:
    """The recipe's data."""
    return data.load(recipe.dataset, split, image_size, recipe.batch_size, seed=recipe.seed, **options)


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    recipe: Recipe,
    class_weights: Sequence[float] | None = None,
) -> None:
    """Gives the model an optimiser and the recipe's loss."""
    if not optimizer.built:
        optimizer.build(model.trainable_variables)  # with its variables there, TensorFlow traces a step once, not twice
    offsets = offsets_against(class_weights) if class_weights else None
    loss = cross_entropy_and_dice(recipe.dice_weight, data.find(recipe.dataset).ignored, class_weights, offsets)
    jit_compile = recipe.xla if keras.backend.backend() == "tensorflow" else "auto"
    model.compile(optimizer, loss, jit_compile=jit_compile)


def weigh_classes(recipe):
    """The weights of the classes in the loss, if the recipe asks for some: by the masks as the network sees them."""
    if not recipe.class_weights:
        return None
    dataset, pixels = data.find(recipe.dataset), 0
    for _, masks in load(recipe, recipe.split, recipe.image_size).as_numpy_iterator():
        counted = masks[masks != dataset.ignored]  # all, where no number is ignored
        pixels = pixels + np.bincount(counted, minlength=len(dataset.classes))
    return median_frequency_weights(pixels)


class ScoreValidation(keras.callbacks.Callback):
    """After each epoch, adds the mean IoU on the validation split to the logs.

    `keras.metrics.MeanIoU` would do so within the step, which takes twice as long with it under XLA.
    """

    def __init__(self, batches, dataset):
        super().__init__()
        self.batches, self.dataset = batches, dataset

    def on_epoch_end(self, epoch, logs=None):
        confusion, full = 0, None
        for images, masks in self.batches.as_numpy_iterator():
            full = full or len(images)
            # A full batch is compiled once, and devices can share it.
            images = np.pad(images, [(0, full - len(images)), (0, 0), (0, 0), (0, 0)])
            answers = decide(self.model.predict_on_batch(images)[: len(masks)])
            counted = masks != self.dataset.ignored
            confusion = confusion + confusion_matrix(masks[counted], answers[counted], len(self.dataset.classes))
        logs["val_mean_iou"] = np.nanmean(class_ious(confusion))
