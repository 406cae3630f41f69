"""Max pooling with offsets and max unpooling, beside the usual ways."""

import importlib.util
import os
from collections.abc import Sequence

import numpy as np

from zoo.benchmark.turns import peak_megabytes, processes, take_turns

SHAPES = ((8, 128, 128, 32), (8, 32, 32, 128), (1, 512, 512, 16))  # of feature maps
DTYPES = ("float32", "bfloat16")

# What pools and unpools a map: (name, backend).
CONTENDERS = (
    ("the zoo's layers", "tensorflow"),
    ("the zoo's layers, XLA", "tensorflow"),
    ("argmax and scatter", "tensorflow"),
    ("argmax and scatter, XLA", "tensorflow"),
    ("the zoo's layers", "jax"),
    ("the zoo's layers", "torch"),
    ("PyTorch's pair", "torch"),
    ("copy of the map", "torch"),
)


def layers(
    shapes: Sequence[tuple[int, int, int, int]] = SHAPES, dtypes: Sequence[str] = DTYPES, rounds: int = 21
) -> list[dict]:
    """Times 2x2 max pooling with offsets and max unpooling, one after the other.

    Beside them: TensorFlow's `max_pool_with_argmax` and `scatter_nd`, PyTorch's `max_pool2d` (with
    indices) and `max_unpool2d`, and a copy of the map, which shows how fast the memory is.

    Args:
        shapes: (b, h, w, c) of the maps.
        dtypes: "float32", "bfloat16".
        rounds: how often each contender is timed, twice or more.

    Returns:
        A list of dictionaries: `contender`, `backend`, `shape`, `dtype`, `run` ("forward" or "forward
        and backward"), and what `take_turns` measures.
    """
    rows = []
    contenders = [(name, backend) for name, backend in CONTENDERS if importlib.util.find_spec(backend)]
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


def layers_memory(shape: tuple[int, int, int, int] = (64, 128, 128, 32)) -> list[dict]:
    """Measures the memory that pooling and unpooling, forward and backward, take beside the map and the gradient
    that comes in.

    Args:
        shape: (b, h, w, c) of the map, float32.

    Returns:
        A list of dictionaries: `contender`, `backend`, `map_megabytes`, `peak_megabytes` (10^6 bytes; `None` where
        the system does not tell), or `error`. A fresh process runs each contender once.
    """
    rows = []
    for name, backend in CONTENDERS[:-1]:
        if importlib.util.find_spec(backend):
            small, large = (
                (pool_and_unpool, name, case, "float32", "forward and backward") for case in ((1, *shape[1:]), shape)
            )
            measured = peak_megabytes(backend, small, large)
            rows.append(
                {"contender": name, "backend": backend, "map_megabytes": 4e-6 * float(np.prod(shape)), **measured}
            )
    return rows


def pool_and_unpool(name, shape, dtype, run):
    """A contender of `layers`, on the backend of this process."""
    rng = np.random.default_rng(0)
    x, upstream = (rng.standard_normal(shape, "float32") for _ in range(2))
    backend = os.environ["KERAS_BACKEND"]
    with_gradient = run == "forward and backward"
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
        return y, tape.gradient(y, x, upstream)  # both: else the way forward would be left out

    def run_to_its_end():
        run()
        tf.test.experimental.sync_devices()  # a GPU still computes when the call is over

    return run_to_its_end


def pool_on_jax(pair, x, upstream, dtype, with_gradient, xla):
    """A pair of pooling and unpooling as a compiled function of JAX, which always uses XLA."""
    import jax

    x, upstream = jax.numpy.asarray(x, dtype), jax.numpy.asarray(upstream, dtype)

    def forward_and_backward(x, upstream):
        y, backward = jax.vjp(pair, x)
        return y, backward(upstream)

    run = jax.jit(forward_and_backward if with_gradient else lambda x, upstream: pair(x))
    return lambda: jax.block_until_ready(run(x, upstream))


def pool_on_torch(name, x, upstream, dtype, with_gradient):
    """A pair of pooling and unpooling in PyTorch: the zoo's layers, or its own, channels first; or the copy."""
    import torch

    own = name == "PyTorch's pair"
    on_gpu = torch.cuda.is_available()
    device = "cuda" if on_gpu else "cpu"
    x, upstream = (torch.tensor(array, dtype=getattr(torch, dtype), device=device) for array in (x, upstream))
    if own:
        x, upstream = (array.permute(0, 3, 1, 2).contiguous() for array in (x, upstream))

    def pair_of_pytorch(x):
        values, indices = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
        return torch.nn.functional.max_unpool2d(values, indices, 2)

    pair = pair_of_pytorch if own else layers_of_the_zoo(dtype)

    def run():
        if name == "copy of the map":
            return x.clone()
        if not with_gradient:
            with torch.no_grad():
                return pair(x)
        watched = x.detach().requires_grad_()
        y = pair(watched)
        return y, torch.autograd.grad(y, watched, upstream)

    def run_to_its_end():
        run()
        if on_gpu:
            torch.cuda.synchronize()

    return run_to_its_end
