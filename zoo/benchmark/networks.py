"""Whole networks: the stages, and the two ways to evaluate a patch classifier."""

import math
from collections.abc import Sequence

import numpy as np

from zoo.benchmark.turns import peak_megabytes, processes, take_turns
from zoo.stages import STAGES

SIZES = (64, 128, 256, 512, 1024)  # sides of photos, in pixels
STRIDES = (1, 2, 4, 8, 16)


def stages(sizes: Sequence[int] = SIZES, rounds: int = 9) -> list[dict]:
    """Times predictions and training steps of all stages on TensorFlow.

    Args:
        sizes: sides of the photos in pixels.
        rounds: how often each stage is timed, twice or more.

    Returns:
        A list of dictionaries: `stage`, `size`, `batch`, `run` ("predict" or "train") and what
        `take_turns` measures for a batch. Predictions take one photo of each size, and 16 of 128 x
        128; a step of training takes 16 of 128 x 128.
    """
    rows = []
    cases = [(size, 1, "predict") for size in sizes] + [(128, 16, "predict"), (128, 16, "train")]
    for size, batch, run in cases:
        with processes(["tensorflow"]) as process:  # a fresh one, for all models of all sizes take 10 GB
            calls = {stage: (process["tensorflow"], run_stage, stage, size, batch, run) for stage in STAGES}
            for stage, measured in take_turns(calls, rounds).items():
                rows.append({"stage": stage, "size": size, "batch": batch, "run": run, **measured})
    return rows


def exponent(rows: Sequence[dict], stage: str) -> float:
    """How the time of a prediction grows with the number of pixels from 256 x 256 on: 1 is linear, NaN unknown."""
    own = [row for row in rows if row["stage"] == stage and row["batch"] == 1 and "error" not in row]
    times = {row["size"]: row["milliseconds"] for row in own}
    large = [size for size in times if size >= 256]
    if len(large) < 2:
        return math.nan
    return float(np.polyfit(np.log(np.square(large)), np.log([times[size] for size in large]), 1)[0])


def stages_memory(sizes: Sequence[int] = (128, 256, 512, 1024)) -> list[dict]:
    """Measures the memory that a prediction for one photo takes, beside weights and photo.

    Args:
        sizes: sides of the photos in pixels.

    Returns:
        A list of dictionaries: `stage`, `size`, and what `peak_megabytes` measures.
    """
    return [
        {
            "stage": stage,
            "size": size,
            **peak_megabytes(
                "tensorflow", (run_stage, stage, 32, 1, "predict"), (run_stage, stage, size, 1, "predict")
            ),
        }
        for stage in STAGES
        for size in sizes
    ]


def patches(strides: Sequence[int] = STRIDES, rounds: int = 5) -> list[dict]:
    """Times the patch classifier of `sliding_window` on a photo of 128 x 128: cut into patches, and dense.

    Args:
        strides: steps from patch to patch in pixels.
        rounds: how often each contender is timed, twice or more.

    Returns:
        A list of dictionaries: `stride`, `contender` ("sliding" or "dense"), `multiply_adds`, and what
        `take_turns` measures. The ratio of multiply-adds is the most that dense evaluation can gain.
    """
    contenders = [(stride, name) for stride in strides for name in ("sliding", "dense")]
    with processes(["tensorflow"]) as process:
        counts = [
            process["tensorflow"].submit(count_multiply_adds, name, stride).result() for stride, name in contenders
        ]
        calls = {(stride, name): (process["tensorflow"], run_patches, name, stride) for stride, name in contenders}
        measured = take_turns(calls, rounds)
    return [
        {"stride": stride, "contender": name, "multiply_adds": count, **measured[stride, name]}
        for (stride, name), count in zip(contenders, counts, strict=True)
    ]


def run_stage(stage, size, batch, run):
    """A prediction or a step of training of a stage."""
    from zoo import models

    build = models.build if run == "predict" else models.build_for_training
    return run_network(build(stage, image_shape=(size, size, 3)), batch, run)


def run_network(model, batch, run):
    """A prediction or a step of training of a Keras model of fixed size."""
    import keras

    from zoo import training

    rng = np.random.default_rng(0)
    shape = (batch, *model.input_shape[1:])
    images = rng.random(shape, "float32")
    if run == "predict":
        return lambda: model.predict_on_batch(images)
    training.compile_model(model, keras.optimizers.AdamW(), training.Recipe("synthetic_pets"))
    masks = rng.integers(0, 3, shape[:-1]).astype("int32")
    return lambda: model.train_on_batch(images, masks)


def patch_classifier(name, stride):
    """The model of the patch classifier, cut into patches or dense."""
    from zoo.models.sliding_window import build_dense_window, build_sliding_window

    return (build_sliding_window if name == "sliding" else build_dense_window)(stride=stride)


def run_patches(name, stride):
    """A prediction for a photo by the patch classifier."""
    return run_network(patch_classifier(name, stride), 1, "predict")


def count_multiply_adds(name, stride):
    """Multiply-adds of the patch classifier for a photo."""
    from zoo import costs

    return costs.multiply_adds(patch_classifier(name, stride))
