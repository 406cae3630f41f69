"""How fast the layers, the stages and the data are on this machine, measured beside the usual ways.

Machines are noisy, so the contenders take turns: each round calls each of them once, in random order,
and the median of the rounds counts. Ratios within one run hold longer than milliseconds.

Keras has one backend for each process. So every backend gets a process of its own, and what needs a
backend is imported in the functions that run there.
"""

import concurrent.futures
import contextlib
import functools
import importlib.util
import multiprocessing
import os
import random
import statistics
import time

import numpy as np

from zoo import quiet
from zoo.stages import STAGES

SHAPES = ((8, 128, 128, 32), (8, 32, 32, 128), (1, 512, 512, 16))  # of feature maps
DTYPES = ("float32", "bfloat16")
SIZES = (64, 128, 256, 512, 1024)  # sides of photos, in pixels
STRIDES = (1, 2, 4, 8, 16)

# What pools and unpools a map: (name, backend).
POOLING = (
    ("the zoo's layers", "tensorflow"),
    ("the zoo's layers, XLA", "tensorflow"),
    ("argmax and scatter", "tensorflow"),
    ("argmax and scatter, XLA", "tensorflow"),
    ("the zoo's layers", "jax"),
    ("the zoo's layers", "torch"),
    ("PyTorch's pair", "torch"),
    ("copy of the map", "torch"),
)


def layers(shapes=SHAPES, dtypes=DTYPES, rounds=21):
    """Times 2x2 max pooling with offsets and max unpooling, one after the other.

    Beside them: TensorFlow's `max_pool_with_argmax` and `scatter_nd`, PyTorch's `max_pool2d` (with
    indices) and `max_unpool2d`, and a copy of the map, which shows how fast the memory is.

    Args:
        shapes: (b, h, w, c) of the maps.
        dtypes: "float32", "bfloat16".
        rounds: how often each contender is timed.

    Returns:
        A list of dictionaries: `contender`, `backend`, `shape`, `dtype`, `run` ("forward" or "forward
        and backward"), and what `take_turns` measures.
    """
    rows = []
    contenders = [(name, backend) for name, backend in POOLING if importlib.util.find_spec(backend)]
    with processes({backend for _, backend in contenders}) as process:
        for shape in shapes:
            for dtype in dtypes:
                for run in ("forward", "forward and backward"):
                    calls = {
                        (name, backend): (process[backend], pool_and_unpool, name, shape, dtype, run)
                        for name, backend in contenders
                    }
                    for (name, backend), measured in take_turns(calls, rounds).items():
                        case = {"shape": list(shape), "dtype": dtype, "run": run}
                        rows.append({"contender": name, "backend": backend, **case, **measured})
    return rows


def stages(sizes=SIZES, rounds=9):
    """Times predictions and training steps of all stages on TensorFlow.

    Args:
        sizes: sides of the photos in pixels.
        rounds: how often each stage is timed.

    Returns:
        A list of dictionaries: `stage`, `size`, `batch`, `run` ("predict" or "train") and what
        `take_turns` measures for a batch. Predictions take one photo of each size, and 16 of 128 x
        128; a step of training takes 16 of 128 x 128.
    """
    rows = []
    cases = [(size, 1, "predict") for size in sizes] + [(128, 16, "predict"), (128, 16, "train")]
    with processes(["tensorflow"]) as process:
        for size, batch, run in cases:
            calls = {stage: (process["tensorflow"], run_stage, stage, size, batch, run) for stage in STAGES}
            for stage, measured in take_turns(calls, rounds).items():
                rows.append({"stage": stage, "size": size, "batch": batch, "run": run, **measured})
    return rows


def windows(strides=STRIDES, rounds=5):
    """Times the patch classifier of `sliding_window` on a photo of 128 x 128: cut into patches, and dense.

    Args:
        strides: steps from patch to patch in pixels.
        rounds: how often each contender is timed.

    Returns:
        A list of dictionaries: `stride`, `contender` ("sliding" or "dense") and what `take_turns` measures.
    """
    with processes(["tensorflow"]) as process:
        calls = {
            (stride, name): (process["tensorflow"], run_windows, name, stride)
            for stride in strides
            for name in ("sliding", "dense")
        }
        measured = take_turns(calls, rounds)
    return [{"stride": stride, "contender": name, **times} for (stride, name), times in measured.items()]


def pipeline(dataset, image_size=128, batch_size=16):
    """Counts the augmented images that tf.data gives in a second, and those that training the U-Net takes.

    Args:
        dataset: one of `zoo.data.DATASETS`.
        image_size: side in pixels.
        batch_size: images in a batch.

    Returns:
        A dictionary of images a second: `cold` (the first epoch, in which photos are decoded),
        `cached` (the second), and `training` (steps on data in memory).
    """
    from zoo import data

    rates = {}
    batches = data.load(dataset, "train", image_size, batch_size, augment=True, epochs=(0, 1))
    each = len(batches) // 2
    iterator = iter(batches)
    for epoch in ("cold", "cached"):
        start = time.perf_counter()
        for _ in range(each):
            next(iterator)
        rates[epoch] = each * batch_size / (time.perf_counter() - start)
    with processes(["tensorflow"]) as process:
        calls = {"unet": (process["tensorflow"], run_stage, "unet", image_size, batch_size, "train")}
        rates["training"] = 1000 * batch_size / take_turns(calls, 9)["unet"]["milliseconds"]
    return rates


def exponent(rows, stage):
    """How the time of a prediction grows with the number of pixels from 256 x 256 on: 1 is linear."""
    own = [row for row in rows if row["stage"] == stage and row["batch"] == 1 and "error" not in row]
    times = {row["size"]: row["milliseconds"] for row in own}
    large = [size for size in times if size >= 256]
    return float(np.polyfit(np.log(np.square(large)), np.log([times[size] for size in large]), 1)[0])


@contextlib.contextmanager
def processes(backends):
    """A fresh process for each backend, in a dictionary."""
    fresh = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        yield {
            backend: stack.enter_context(concurrent.futures.ProcessPoolExecutor(1, fresh, start_backend, (backend,)))
            for backend in backends
        }


def start_backend(backend):
    """What a fresh process does first."""
    os.environ["KERAS_BACKEND"] = backend
    quiet.import_tensorflow()


def take_turns(calls, rounds):
    """Lets contenders run in turn, in random order.

    Args:
        calls: dictionary from a contender to (process, function, *arguments). In that process, the
            function makes what is to be timed: a function without arguments.
        rounds: how often each is timed, after a warm-up.

    Returns:
        A dictionary from a contender to `milliseconds` (median) and `quartiles` (the first and the
        third), or to `error`, where it cannot do what is asked.
    """
    times, errors = {contender: [] for contender in calls}, {}
    order = random.Random(0)
    for _ in range(rounds):
        for contender in order.sample(list(calls), len(calls)):
            if contender in errors:
                continue
            process, *call = calls[contender]
            try:
                times[contender].append(process.submit(timed, *call).result())
            except concurrent.futures.process.BrokenProcessPool:
                raise
            except Exception as error:
                errors[contender] = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    return {contender: errors.get(contender) or spread(times[contender]) for contender in calls}


def spread(seconds):
    """Median and quartiles in milliseconds."""
    first, median, third = (1000 * time for time in statistics.quantiles(seconds, n=4))
    return {"milliseconds": median, "quartiles": [first, third]}


def timed(make, *arguments):
    """Seconds that a contender takes in this process; it is made and warmed up once."""
    call = warmed_up(make, *arguments)
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@functools.cache
def warmed_up(make, *arguments):
    """A contender that was called a few times."""
    call = make(*arguments)
    for _ in range(3):
        call()
    return call


def pool_and_unpool(name, shape, dtype, run):
    """A contender of `layers`, on the backend of this process."""
    rng = np.random.default_rng(0)
    x, upstream = (rng.normal(size=shape).astype("float32") for _ in range(2))
    backend = os.environ["KERAS_BACKEND"]
    with_gradient = run == "forward and backward"
    if name == "copy of the map":
        return copy_of_the_map(x, dtype)
    if backend == "torch":
        return pool_on_torch(name, x, upstream, dtype, with_gradient)
    pair = argmax_and_scatter if name.startswith("argmax") else layers_of_the_zoo(dtype)
    on = pool_on_jax if backend == "jax" else pool_on_tensorflow
    return on(pair, x, upstream, dtype, with_gradient, name.endswith("XLA"))


def layers_of_the_zoo(dtype):
    """Pooling and unpooling by the layers of this package."""
    from zoo.layers import MaxPoolingWithOffsets2D, MaxUnpooling2D

    pool, unpool = MaxPoolingWithOffsets2D(2, dtype=dtype), MaxUnpooling2D(2, dtype=dtype)
    return lambda x: unpool(*pool(x))


def argmax_and_scatter(x):
    """Pooling and unpooling as it is usually done in TensorFlow."""
    import tensorflow as tf

    values, places = tf.nn.max_pool_with_argmax(x, 2, 2, "VALID", include_batch_in_index=True)
    flat = tf.scatter_nd(tf.reshape(places, (-1, 1)), tf.reshape(values, (-1,)), [tf.size(x, tf.int64)])
    return tf.reshape(flat, x.shape)


def pool_on_tensorflow(pair, x, upstream, dtype, with_gradient, xla):
    """A pair of pooling and unpooling as a compiled function of TensorFlow."""
    import tensorflow as tf

    x, upstream = tf.cast(x, dtype), tf.cast(upstream, dtype)

    @tf.function(jit_compile=xla)
    def run():
        if not with_gradient:
            return pair(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = pair(x)
        return tape.gradient(y, x, upstream)

    return lambda: run().numpy()[0, 0, 0, 0]


def pool_on_jax(pair, x, upstream, dtype, with_gradient, xla):
    """A pair of pooling and unpooling as a compiled function of JAX, which always uses XLA."""
    import jax

    x, upstream = jax.numpy.asarray(x, dtype), jax.numpy.asarray(upstream, dtype)
    run = jax.jit(lambda x: jax.vjp(pair, x)[1](upstream)[0] if with_gradient else pair(x))
    return lambda: run(x).block_until_ready()


def pool_on_torch(name, x, upstream, dtype, with_gradient):
    """A pair of pooling and unpooling in PyTorch: the zoo's layers, or its own, channels first."""
    import torch

    own = name == "PyTorch's pair"
    x, upstream = (torch.tensor(array).to(getattr(torch, dtype)) for array in (x, upstream))
    if own:
        x, upstream = (array.permute(0, 3, 1, 2).contiguous() for array in (x, upstream))

    def pair_of_pytorch(x):
        values, indices = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
        return torch.nn.functional.max_unpool2d(values, indices, 2)

    pair = pair_of_pytorch if own else layers_of_the_zoo(dtype)

    def run():
        if not with_gradient:
            with torch.no_grad():
                return pair(x)
        watched = x.detach().requires_grad_()
        return torch.autograd.grad(pair(watched), watched, upstream)

    return run


def copy_of_the_map(x, dtype):
    """Reads and writes the map once."""
    import torch

    x = torch.tensor(x).to(getattr(torch, dtype))
    return x.clone


def run_stage(stage, size, batch, run):
    """A prediction or a step of training of a stage."""
    import keras

    from zoo import models, training

    rng = np.random.default_rng(0)
    images = rng.random((batch, size, size, 3), "float32")
    if run == "predict":
        model = models.build(stage, image_shape=(size, size, 3))
        return lambda: model.predict_on_batch(images)
    model = models.build_for_training(stage, image_shape=(size, size, 3))
    training.compile_model(model, keras.optimizers.AdamW(), training.Recipe("synthetic_pets"))
    masks = rng.integers(0, 3, (batch, size, size)).astype("int32")
    return lambda: model.train_on_batch(images, masks)


def run_windows(name, stride):
    """A prediction for a photo by the patch classifier, cut into patches or dense."""
    from zoo.models.sliding_window import build_dense_window, build_sliding_window

    model = (build_sliding_window if name == "sliding" else build_dense_window)(stride=stride)
    image = np.random.default_rng(0).random((1, 128, 128, 3), "float32")
    return lambda: model.predict_on_batch(image)
