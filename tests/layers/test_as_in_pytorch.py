"""Max pooling and max unpooling against PyTorch: values, offsets and gradients, bit for bit."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy, convert_to_tensor

from zoo.layers import MaxPoolingWithOffsets2D, MaxUnpooling2D

torch = pytest.importorskip("torch")

BACKEND = keras.backend.backend()
SIDES = (1, 2, 2, 2, 3, 3, 4, 7)[: 7 if BACKEND == "jax" else 8]  # XLA compiles large windows slowly
DTYPES = ("float32", "float16", "bfloat16", "float64")[: 3 if BACKEND == "jax" else 4]  # JAX has float64 on request
CASES = 208 if BACKEND == "tensorflow" else 4 * len(DTYPES)  # on the others each kind of numbers in each dtype


def random_case(seed):
    """A map x with random window and dtype, and what flows back: into the pooled map, and into the restored one."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.choice(SIDES, 2).tolist()
    if seed % 3 == 0:
        columns = rows
    if seed % 50 == 0 and BACKEND != "jax":  # seldom, because slow
        rows, columns = 16, 16
    batch, height, width, channels = rng.integers(1, 5, 4)
    full = (batch, height * rows, width * columns, channels)
    x = rng.normal(size=full)
    if seed % 2:  # small integers, every second time rectified: ties are the rule
        x = rng.integers(-1, 2, full) if seed % 4 == 1 else np.maximum(rng.integers(-2, 3, full), 0)
    return {
        "pool_size": (rows, columns),
        "dtype": DTYPES[seed // 4 % len(DTYPES)],
        "x": x,
        "into_pooled": rng.normal(size=(batch, height, width, channels)),
        "into_restored": rng.normal(size=full),
    }


def by_zoo(gradient, pool_size, dtype, x, into_pooled, into_restored):
    pool = MaxPoolingWithOffsets2D(pool_size, dtype=dtype)
    unpool = MaxUnpooling2D(pool_size, dtype=dtype)

    def compute(x, into_pooled, into_restored):
        values, offsets = pool(x)
        return {
            "values": values,
            "offsets": offsets,
            "restored": unpool(values, offsets),
            "gradient of pooling": gradient(lambda x: pool(x)[0], x, into_pooled),
            "gradient of unpooling": gradient(lambda values: unpool(values, offsets), values, into_restored),
            "gradient of both": gradient(lambda x: unpool(*pool(x)), x, into_restored),
        }

    tensors = [convert_to_tensor(rounded(array, dtype), dtype) for array in (x, into_pooled, into_restored)]
    return {name: convert_to_numpy(result) for name, result in compiled(compute)(*tensors).items()}


def compiled(function):
    """On JAX alone, which otherwise compiles every single operation of every case."""
    if BACKEND != "jax":
        return function
    import jax

    return jax.jit(function)


def by_pytorch(pool_size, dtype, x, into_pooled, into_restored):
    x, into_pooled, into_restored = (
        torch.tensor(rounded(a, dtype)).to(getattr(torch, dtype)).permute(0, 3, 1, 2)  # (b, c, h, w)
        for a in (x, into_pooled, into_restored)
    )
    x.requires_grad_()
    values, indices = torch.nn.functional.max_pool2d(x, pool_size, return_indices=True)
    restored = torch.nn.functional.max_unpool2d(values, indices, pool_size)
    results = {
        "values": values,
        "offsets": offsets_of(indices, x.shape[-1], pool_size),
        "restored": restored,
        "gradient of pooling": torch.autograd.grad(values, x, into_pooled, retain_graph=True)[0],
        "gradient of unpooling": torch.autograd.grad(restored, values, into_restored, retain_graph=True)[0],
        "gradient of both": torch.autograd.grad(restored, x, into_restored)[0],
    }
    return {name: result.detach().double().permute(0, 2, 3, 1).numpy() for name, result in results.items()}


def rounded(array, dtype):
    """Through float32 on the way to 16 bits, so that both libraries round once and alike."""
    return array if dtype == "float64" else array.astype("float32")


def offsets_of(indices, width, pool_size):
    """PyTorch counts the places of the whole map, an offset those of the window."""
    rows, columns = pool_size
    return indices // width % rows * columns + indices % width % columns


@pytest.mark.parametrize("seed", range(CASES))
def test_values_offsets_and_gradients(seed, gradient):
    case = random_case(seed)
    zoo, pytorch = by_zoo(gradient, **case), by_pytorch(**case)
    for name in pytorch:
        np.testing.assert_array_equal(zoo[name].astype("float64"), pytorch[name], err_msg=name)


@pytest.mark.parametrize("seed", range(1, 9))
def test_nan_and_infinity(seed, gradient, rng):
    """NaN wins over every number, and of several NaNs the last; a window may hold nothing but -inf."""
    case = random_case(seed)
    case["x"] = rng.choice([np.nan, -np.inf, np.inf, 0.0], case["x"].shape, p=[0.2, 0.6, 0.1, 0.1])
    zoo, pytorch = by_zoo(gradient, **case), by_pytorch(**case)
    for name in pytorch:
        np.testing.assert_array_equal(zoo[name].astype("float64"), pytorch[name], err_msg=name)


def test_ties_are_the_rule():
    """Guards the cases themselves: in half of them most windows of several places hold their maximum twice."""
    tied = []
    for seed in range(1, CASES, 2):
        case = random_case(seed)
        rows, columns = case["pool_size"]
        if rows * columns > 1:
            batch, height, width, channels = case["into_pooled"].shape
            windows = case["x"].reshape(batch, height, rows, width, columns, channels)
            maxima = windows.max(axis=(2, 4), keepdims=True)
            tied.append(np.mean((windows == maxima).sum(axis=(2, 4)) > 1))
    assert np.mean(tied) > 0.5
