import pathlib

import keras
import pytest


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_these_tests_pass_on(backend, run_python):
    """The fast tests of this folder again, in a process where Keras runs on the other backend.

    JAX would take a minute longer to compile those of DenseWindow2D, one by one, and the window of 256 places.
    """
    pytest.importorskip(backend)
    assert keras.backend.backend() == "tensorflow"
    chosen = ["-m", "not slow", "-k", "not test_dense_window_2d and not 256_places"]
    run_python(backend, "-m", "pytest", pathlib.Path(__file__).parent, *chosen)
