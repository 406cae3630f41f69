import pathlib

import keras
import pytest

# Compiled first and differentiated then, or recomputed on the way back: the gradient stays the same.
TRANSFORM = """
import jax
import numpy as np
from zoo.layers import MaxPoolingWithOffsets2D

def loss(x):
    return (MaxPoolingWithOffsets2D(2)(x)[0] ** 2).sum()

x = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype("float32")
expected = jax.grad(loss)(x)
for transformed in (jax.jit(loss), jax.checkpoint(loss), jax.checkpoint(jax.jit(loss))):
    np.testing.assert_array_equal(jax.grad(transformed)(x), expected)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_these_tests_pass_on(backend, run_python):
    """The fast tests of this folder again, in a process where Keras runs on the other backend.

    JAX would take a minute longer to compile those of DenseWindow2D, one by one, and the window of 256 places.
    """
    pytest.importorskip(backend)
    assert keras.backend.backend() == "tensorflow"
    chosen = ["-m", "not slow", "-k", "not test_dense_window_2d and not 256_places"]
    run_python(backend, "-m", "pytest", "-n0", pathlib.Path(__file__).parent, *chosen)


@pytest.mark.slow
def test_pooling_bears_the_transformations_of_jax(run_python):
    pytest.importorskip("jax")
    run_python("jax", "-c", TRANSFORM)
