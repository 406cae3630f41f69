"""One recipe for all stages, and training that survives an interruption."""

import contextlib
import dataclasses
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo import data
from zoo.evaluation import class_ious, confusion_matrix


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that decides a training, but for the architecture.

    Args:
        dataset: one of `zoo.data.DATASETS`.
        split: the images to learn from: "train", or "train+validation" once nothing is left to tune.
        image_size: side in pixels at which the network sees the images.
        batch_size: images in a step.
        epochs: passes over the training images; a fixed number, no picking of the best.
        half_size_share: share of the epochs, from 0 to less than 1, that come first and see the images
            at half the size (rounded down to a multiple of 16), where a step costs a quarter; the rest
            see them at `image_size`.
        large_size_share: share of the epochs that come last and see the images at 5/4 of the size
            (rounded down likewise).
        scale_jitter, paste_share, grey_share, light: of the `zoo.data.Augmentation`.
        dice_weight: of the soft Dice loss that is added to the cross-entropy. Dice weighs the thin
            border as much as all the background, as mean IoU does.
        learning_rate: of AdamW after the warm-up; then it falls to zero along a cosine.
        weight_decay: of AdamW.
        warm_up: share of all steps in which the learning rate rises from zero.
        ema_momentum: of an exponential moving average of the weights, taken after each epoch. It takes their
            place at the end, when the statistics of batch normalisation are counted anew; 0 for none.
        seed: of the first weights, the order of the examples and their augmentation.
        mixed_precision: whether to compute in bfloat16 (weights stay float32).
        xla: whether TensorFlow compiles the step with XLA; JAX always does.
    """

    dataset: str
    split: str = "train"
    image_size: int = 128
    batch_size: int = 16
    epochs: int = 16
    half_size_share: float = 0.625
    large_size_share: float = 0.0
    scale_jitter: float = 1.25
    paste_share: float = 0.0
    grey_share: float = 0.0
    light: float = 1.0
    dice_weight: float = 1.0
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.1
    ema_momentum: float = 0.0
    seed: int = 0
    mixed_precision: bool = False
    xla: bool = False

    def __post_init__(self):
        """Refuses a recipe that no epoch at full size ends."""
        if not 0 <= self.half_size_share < 1:
            raise ValueError(
                f"`half_size_share` must be from 0 to less than 1. Received: half_size_share={self.half_size_share!r}"
            )
        self.augmentation()

    def augmentation(self):
        """How far the training images are changed."""
        return data.Augmentation(self.scale_jitter, self.paste_share, self.grey_share, self.light)


PUBLISHED = Recipe("oxford_iiit_pet", split="train+validation", mixed_precision=True)  # of the saved models


def train(build, recipe, folder):
    """Trains a model by the recipe, and goes on where an earlier call with the same folder stopped.

    After each epoch the folder holds weights, optimiser and history of that epoch. All that is
    random is keyed by seed, epoch and example, so that a training that was stopped at any moment
    ends with the same weights as one that was not.

    Args:
        build: function without arguments that returns the untrained model, for images of any
            size (the recipe shows two). It is called under the recipe's seed and precision.
        recipe: a `Recipe`.
        folder: where to keep the state and the logs for TensorBoard.

    Returns:
        The trained model, and its history: for each epoch a dictionary of the training loss,
        seconds and, where the recipe leaves the validation split aside, the mean IoU on it.

    Raises:
        ValueError: if the folder holds a training by another recipe, or is not one that all processes
            see, or there are fewer images than fill a batch.
    """
    folder = Path(folder)
    history = read_history(folder, recipe)
    share = process, processes = share_of_this_process()
    if processes > 1:
        check_common(len(history))
    count = len(data.examples(recipe.dataset, recipe.split))
    if count < recipe.batch_size:
        raise ValueError(
            f"`batch_size` must be at most {count}, the images of the split {recipe.split!r}. "
            f"Received: batch_size={recipe.batch_size}"
        )
    keras.utils.set_random_seed(recipe.seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.mixed_precision else "float32")
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy(policy)
    optimizer = make_optimizer(recipe, count // recipe.batch_size)
    optimizer.build(model.trainable_variables)
    compile_model(model, optimizer, recipe)
    if history:
        model.load_weights(state_folder(folder, len(history)) / "model.weights.h5")
    # All processes must do the same, for some of their steps are common; what the others than the first write is lost.
    elsewhere = tempfile.TemporaryDirectory()
    kept = folder if process == 0 else Path(elsewhere.name)
    callbacks = [keras.callbacks.TensorBoard(kept / "logs", write_graph=False), KeepState(kept, recipe, history)]
    if recipe.split == "train":
        callbacks.insert(0, ScoreValidation(load(recipe, "validation", recipe.image_size)))
    if recipe.ema_momentum:
        callbacks.append(average := AverageWeights(recipe.ema_momentum))
    for image_size, epochs in phases(recipe):
        remaining = range(max(epochs.start, len(history)), epochs.stop)
        if remaining:
            first, last = remaining.start + 1, remaining.stop
            print(f"Epochs {first} to {last} of {recipe.epochs}, at {image_size} x {image_size} pixels")
            batches = load(
                recipe, recipe.split, image_size, augmentation=recipe.augmentation(), epochs=remaining, share=share
            )
            compile_model(model, optimizer, recipe)  # a step is traced for one image size
            model.fit(
                batches,
                epochs=remaining.stop,
                initial_epoch=remaining.start,
                steps_per_epoch=len(batches) // len(remaining),
                callbacks=callbacks,
                shuffle=False,  # the data set is shuffled already
                verbose=0 if process else 1 if sys.stdout.isatty() else 2,
            )
    if recipe.ema_momentum:
        average.replace_weights()
        options = {"augmentation": recipe.augmentation(), "epochs": [recipe.epochs]}
        count_statistics(model, load(recipe, recipe.split, recipe.image_size, **options))
        if recipe.split == "train":
            history[-1]["val_mean_iou"] = callbacks[0].score()
    return model, history


def count_statistics(model, batches):
    """Counts the statistics of batch normalisation anew: plain means over all batches."""
    normalisations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momentum = [layer.momentum for layer in normalisations]
    forward = keras.Model(model.inputs, model.outputs)
    for number, (images, _) in enumerate(batches.as_numpy_iterator()):
        for layer in normalisations:
            layer.momentum = number / (number + 1)
        forward(images, training=True)
    for layer, value in zip(normalisations, momentum, strict=True):
        layer.momentum = value


def share_among(devices, batch_size):
    """A scope in which each step is shared among devices, by `keras.distribution`: each takes a part of the batch.

    The steps are those of one device: batch normalisation sees the whole batch, and the losses
    differ by rounding alone. Several processes, on one machine or on several, share their devices
    after `keras.distribution.initialize` was called in each; the first alone writes files.

    Args:
        devices: how many GPUs or, where there is none, CPU devices; of several processes, all that they have.
        batch_size: images in a step, a multiple of `devices`.

    Raises:
        ValueError: if there are not as many devices, or they cannot share a batch evenly.
        RuntimeError: if there are several, and the backend is not JAX.
    """
    several = share_of_this_process()[1] > 1
    if devices == 1 and not several:
        return contextlib.nullcontext()
    require_jax("Several devices")
    found = keras.distribution.list_devices()
    if devices > len(found) or batch_size % devices or (several and devices < len(found)):
        raise ValueError(
            f"`devices` must be {'' if several else 'at most '}{len(found)}, the devices that are there, and must "
            f"divide the batch size, {batch_size}. Received: devices={devices}"
        )
    # Each process loads its own part of a batch.
    return keras.distribution.DataParallel(devices=found[:devices], auto_shard_dataset=False).scope()


def require_jax(what):
    """Refuses another backend: `keras.distribution` is written for JAX alone."""
    if keras.backend.backend() != "jax":
        raise RuntimeError(f"{what} need KERAS_BACKEND=jax. Received: {keras.backend.backend()}")


def share_of_this_process():
    """The number of this process among those that train together, and how many they are."""
    if keras.backend.backend() != "jax":
        return 0, 1
    jax = importlib.import_module("jax")
    return jax.process_index(), jax.process_count()


def check_common(epochs):
    """Refuses to go on where the processes find states after different numbers of epochs."""
    try:
        importlib.import_module("jax.experimental.multihost_utils").assert_equal(epochs)
    except AssertionError:
        raise ValueError(
            f"`folder` must be one that all processes see. Received: a state after {epochs} epochs, another elsewhere"
        ) from None


def phases(recipe):
    """The image sizes of a training, and the numbers of the epochs at each: half the size first, then the whole."""
    first = int(recipe.half_size_share * recipe.epochs)
    last = recipe.epochs - int(recipe.large_size_share * recipe.epochs)
    # rounded to what four levels can halve
    half = min(recipe.image_size, max(1, recipe.image_size // 32) * 16)
    large = max(recipe.image_size, recipe.image_size * 5 // 64 * 16)
    return [(half, range(first)), (recipe.image_size, range(first, last)), (large, range(last, recipe.epochs))]


def gpus():
    """The GPUs that Keras computes on here, as the backend names them."""
    if keras.backend.backend() == "torch":
        cuda = importlib.import_module("torch").cuda
        return [cuda.get_device_name(number) for number in range(cuda.device_count())]
    devices = keras.distribution.list_devices()  # of any kind, since JAX fails if asked for GPUs and has none
    return [device for device in devices if not device.lower().startswith("cpu")]


def load(recipe, split, image_size, **options):
    """The recipe's data."""
    return data.load(recipe.dataset, split, image_size, recipe.batch_size, seed=recipe.seed, **options)


def make_optimizer(recipe, steps_per_epoch):
    """AdamW, whose learning rate rises in the warm-up and falls along a cosine until the last step."""
    steps = recipe.epochs * steps_per_epoch
    warm_up = round(recipe.warm_up * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)


def compile_model(model, optimizer, recipe):
    """Gives the model an optimiser and the recipe's loss."""

    def cross_entropy_and_dice(masks, logits):
        cross_entropy = keras.losses.sparse_categorical_crossentropy(masks, logits, from_logits=True)
        truth = ops.one_hot(masks, logits.shape[-1])
        dice = keras.losses.dice(truth, ops.softmax(logits), axis=(0, 1, 2))  # one for each class
        return ops.mean(cross_entropy) + recipe.dice_weight * ops.mean(dice)

    jit_compile = recipe.xla if keras.backend.backend() == "tensorflow" else "auto"
    model.compile(optimizer, cross_entropy_and_dice, jit_compile=jit_compile)


class ScoreValidation(keras.callbacks.Callback):
    """After each epoch, adds the mean IoU on the validation split to the logs.

    `keras.metrics.MeanIoU` would do so within the step, which takes twice as long with it under XLA.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        logs["val_mean_iou"] = self.score()

    def score(self):
        """The mean IoU of the model as it is now."""
        confusion, full = 0, None
        for images, masks in self.batches:
            full = full or len(images)
            # A full batch is compiled once, and devices can share it.
            images = np.pad(images, [(0, full - len(images)), (0, 0), (0, 0), (0, 0)])
            logits = self.model.predict_on_batch(images)[: len(masks)]
            confusion = confusion + confusion_matrix(masks, logits.argmax(-1), logits.shape[-1])
        return float(np.nanmean(class_ious(confusion)))


class AverageWeights(keras.callbacks.Callback):
    """After each epoch, adds the weights to their exponential moving average.

    Keras's optimisers average after each step (`use_ema`), but put the average in place whenever a `fit` ends:
    here one training is several.
    """

    def __init__(self, momentum):
        super().__init__()
        self.momentum, self.average = momentum, None

    def on_epoch_end(self, epoch, logs=None):
        weights = [ops.convert_to_numpy(weight) for weight in self.model.trainable_variables]
        self.average = [
            self.momentum * old + (1 - self.momentum) * new
            for old, new in zip(self.average or weights, weights, strict=True)
        ]

    def replace_weights(self):
        for variable, value in zip(self.model.trainable_variables, self.average, strict=True):
            variable.assign(value)


class KeepState(keras.callbacks.Callback):
    """After each epoch, replaces the state on disk in one step: a folder that gets its name when it is whole."""

    def __init__(self, folder, recipe, history):
        super().__init__()
        self.folder, self.recipe, self.history = folder, recipe, history

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in logs.items()}
        self.history.append({**logs, "seconds": time.monotonic() - self.started})
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        self.model.save_weights(unfinished / "model.weights.h5")  # with the optimiser's
        state = {"recipe": dataclasses.asdict(self.recipe), "history": self.history}
        (unfinished / "state.json").write_text(json.dumps(state, indent=1))
        os.replace(unfinished, state_folder(self.folder, epoch + 1))
        shutil.rmtree(state_folder(self.folder, epoch), ignore_errors=True)


def state_folder(folder, epochs):
    """Where the state after so many epochs is kept."""
    return folder / f"after_epoch_{epochs:04d}"


def read_history(folder, recipe):
    """The epochs that a folder's newest state has behind it; none in a new folder."""
    states = sorted(folder.glob("after_epoch_*"))
    if not states:
        return []
    state = json.loads((states[-1] / "state.json").read_text())
    wanted = dataclasses.asdict(recipe)
    if state["recipe"] != wanted:
        kept = dict(state["recipe"].items() - wanted.items())
        asked = dict(wanted.items() - state["recipe"].items())
        raise ValueError(
            f"{folder} holds a training by another recipe ({kept}). Received: {asked}. "
            "Use the same, delete the folder, or name another with --out."
        )
    return state["history"]
