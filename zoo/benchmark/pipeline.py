"""What tf.data delivers, and what training consumes."""

import tempfile
import time

from zoo.benchmark.networks import run_stage
from zoo.benchmark.turns import processes, take_turns

SIZES = 128, 16  # the side of an image in pixels, and the images in a batch


def pipeline(dataset: str) -> dict[str, float]:
    """Counts the augmented images that tf.data gives in a second, and those that training the U-Net takes.

    Args:
        dataset: one of `zoo.data.DATASETS`.

    Returns:
        A dictionary of images a second: `cold` (the first epoch, in which photos are decoded),
        `cached` (the second), `bare_step` (steps on data in memory, before and after the training), and `train`
        (the second epoch of `zoo.training.train`, validation and checkpoint apart).
    """
    with processes(["tensorflow"]) as process:
        calls = {"unet": (process["tensorflow"], run_stage, "unet", *SIZES, "train")}
        rates = process["tensorflow"].submit(data_rates, dataset, *SIZES).result()
        before = milliseconds(take_turns(calls, 15)["unet"])
        rates["train"] = process["tensorflow"].submit(train_rate, dataset, *SIZES).result()
        after = milliseconds(take_turns(calls, 15)["unet"])
        rates["bare_step"] = 2 * 1000 * SIZES[1] / (before + after)
    return rates


def milliseconds(measured):
    """The median of a step that must not fail."""
    if "error" in measured:
        raise RuntimeError(f"A training step fails: {measured['error']}")
    return measured["milliseconds"]


def data_rates(dataset, image_size, batch_size):
    """Images a second in two epochs of tf.data alone."""
    from zoo import data

    rates = {}
    batches = data.load(dataset, "train", image_size, batch_size, augmentation=data.Augmentation(), epochs=(0, 1))
    each = len(batches) // 2
    iterator = iter(batches)
    for epoch in ("cold", "cached"):
        start = time.perf_counter()
        for _ in range(each):
            next(iterator)
        rates[epoch] = each * batch_size / (time.perf_counter() - start)
    return rates


def train_rate(dataset, image_size, batch_size):
    """Images a second in the second epoch of a training."""
    from zoo import data, models, training

    recipe = training.Recipe(
        dataset,
        split="train+validation",  # so that no epoch ends with a validation
        image_size=image_size,
        batch_size=batch_size,
        epochs=2,
        half_size_share=0.0,
    )
    with tempfile.TemporaryDirectory() as folder:
        _, history = training.train(lambda: models.build("unet", image_shape=(None, None, 3)), recipe, folder)
    images = len(data.examples(dataset, recipe.split)) // batch_size * batch_size
    return images / history[1]["seconds"]
