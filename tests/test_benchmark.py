import concurrent.futures
import contextlib
import importlib.util
import itertools
import os
import pathlib
import sys
import types

import keras
import numpy as np
import pytest

import zoo
from zoo import benchmark, training
from zoo.benchmark import networks, other_runtimes, pooling, turns
from zoo.benchmark.pipeline import data_rates, milliseconds, train_rate
from zoo.data import synthetic_pets


@pytest.fixture(scope="module")
def a_process_for_each_backend():
    installed = [backend for backend in ("tensorflow", "jax", "torch") if importlib.util.find_spec(backend)]
    with turns.processes(installed) as process:
        yield process


@pytest.fixture
def shared_processes(a_process_for_each_backend, monkeypatch):
    """Measurements take the same processes, in place of new ones each time, which import TensorFlow for seconds."""
    for module in (networks, other_runtimes, pooling, turns):
        monkeypatch.setattr(
            module, "processes", lambda backends, first=None: contextlib.nullcontext(a_process_for_each_backend)
        )


def fail():
    raise ValueError("cannot do that\nfor a long reason")


def test_contenders_take_turns(monkeypatch):
    now = 0.0

    def takes(*durations):
        """A contender that takes so many seconds, in turn, by a clock that only it moves on."""
        durations = itertools.cycle(durations)

        def call():
            nonlocal now
            now += next(durations)

        return call

    monkeypatch.setattr(turns, "time", types.SimpleNamespace(perf_counter=lambda: now))
    with concurrent.futures.ThreadPoolExecutor(1) as process:
        # Three calls warm up, and of each two that follow the second counts: 3, 5, 2 and 4 seconds.
        calls = {
            "even": (process, takes, 1),
            "uneven": (process, takes, 9, 9, 9, 9, 3, 9, 5, 9, 2, 9, 4),
            "never": (process, fail),
        }
        measured = turns.take_turns(calls, rounds=4)
    assert measured["even"] == {"milliseconds": 1000, "quartiles": [1000, 1000]}
    assert measured["uneven"] == {"milliseconds": 3500, "quartiles": [2250, 4750]}
    assert measured["never"] == {"error": "ValueError: cannot do that"}


@pytest.mark.parametrize("rounds", [1, 0, 2.5])
def test_quartiles_need_two_rounds(rounds):
    with pytest.raises(ValueError, match=r"`rounds` must be a whole number from 2\. Received: rounds="):
        turns.take_turns({}, rounds)


def test_a_process_that_was_stopped_is_an_error_of_its_contender():
    with turns.processes(["tensorflow"], int) as process:
        measured = turns.take_turns({"stopped": (process["tensorflow"], os.abort)}, rounds=2)
    assert measured["stopped"]["error"].startswith("BrokenProcessPool")


def test_the_exponent_of_a_time_that_grows_with_the_pixels():
    rows = [
        {"stage": stage, "size": size, "batch": 1, "milliseconds": factor * size**power}
        for stage, factor, power in (("unet", 0.1, 2.0), ("sliding_window", 3.0, 2.5))
        for size in (64, 256, 512, 1024)
    ]
    rows[0]["milliseconds"] = 1e6  # small photos do not count
    assert benchmark.exponent(rows, "unet") == pytest.approx(1)
    assert benchmark.exponent(rows, "sliding_window") == pytest.approx(1.25)


@pytest.mark.slow
@pytest.mark.usefixtures("shared_processes")
def test_every_layer_contender_runs_or_says_why_not():
    rows = benchmark.layers(shapes=[(1, 4, 4, 2)], dtypes=["float32"], rounds=2)
    assert {row["run"] for row in rows} == {"forward", "forward and backward"}
    for row in rows:
        fails = row["contender"] == "argmax and scatter, XLA" and not training.gpus()  # of which a CPU has no kernel
        assert "error" in row if fails else row["milliseconds"] > 0


@pytest.mark.slow
@pytest.mark.usefixtures("shared_processes")
def test_the_memory_of_every_layer_contender_is_measured():
    for row in benchmark.layers_memory(shape=(2, 8, 8, 2)):
        if row["contender"] == "argmax and scatter, XLA":
            assert "error" in row  # XLA has no pooling with argmax on a CPU
        else:
            assert (row["peak_megabytes"] is None) != pathlib.Path("/proc/self/clear_refs").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("shared_processes")
def test_every_stage_and_both_ways_to_classify_patches_run(monkeypatch):
    monkeypatch.setattr(networks, "STAGES", ("fully_convolutional",))
    rows = benchmark.stages(sizes=(64,), rounds=2)
    assert [(row["size"], row["batch"], row["run"]) for row in rows] == [
        (64, 1, "predict"),
        (128, 16, "predict"),
        (128, 16, "train"),
    ]
    (size,) = benchmark.stages_memory(sizes=(64,))
    assert size["peak_megabytes"] is None or size["peak_megabytes"] > 0
    patches = benchmark.patches(strides=(16,), rounds=2)
    assert all(row["milliseconds"] > 0 for row in [*rows, *patches])
    # 8 x 8 patches of 32 x 32: 5x5 from 3 to 16 at 28 x 28 places, 3x3 to 32 at 12 x 12, to 64 at 4 x 4, 256 to 3.
    a_patch = 28**2 * 25 * 3 * 16 + 12**2 * 9 * 16 * 32 + 4**2 * 9 * 32 * 64 + 256 * 3
    assert patches[0]["multiply_adds"] == 8**2 * a_patch > patches[1]["multiply_adds"]


def test_keras_compiles_with_xla_where_it_is_said_so(monkeypatch, tmp_path):
    model = zoo.load("unet")
    monkeypatch.setattr("zoo.saved.load", lambda stage: model)
    other_runtimes.run_runtime("Keras on TensorFlow", 1, tmp_path)
    assert model.jit_compile is bool(training.gpus())  # by default on a GPU alone
    other_runtimes.run_runtime("Keras on TensorFlow, XLA", 1, tmp_path)
    assert model.jit_compile is True


def test_a_second_batch_exports_the_same_network_again(monkeypatch, tmp_path):
    for package in ("onnxruntime", "tf2onnx"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra `export`)")
    model = keras.Sequential([keras.Input((128, 128, 3)), keras.layers.Conv2D(3, 1)])
    monkeypatch.setattr("zoo.saved.load", lambda stage: model)
    calls = [other_runtimes.run_runtime("ONNX Runtime", batch, tmp_path) for batch in (1, 2)]
    assert [call().shape for call in calls] == [(1, 128, 128, 3), (2, 128, 128, 3)]


def test_the_network_in_pytorch_is_the_saved_one(rng):
    pytest.importorskip("torch")
    model, images = zoo.load("unet"), rng.random((2, 128, 128, 3), "float32")
    logits = other_runtimes.run_on_torch(model, images)().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(logits, model.predict_on_batch(images), atol=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("shared_processes")
def test_the_unet_runs_in_every_runtime_that_is_installed():
    rows = benchmark.runtimes(batches=(1,), rounds=2)
    assert all(row["milliseconds"] > 0 for row in rows)
    installed = [name for name, package in other_runtimes.RUNTIMES if importlib.util.find_spec(package)]
    assert [row["runtime"] for row in rows] == installed


def test_the_pipeline_is_timed_by_the_images_that_it_gives(monkeypatch):
    """By a clock that ticks once each time it is asked: an epoch lasts a second."""
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 13, "validation": 4, "test": 4})
    monkeypatch.setattr(sys.modules[data_rates.__module__].time, "perf_counter", itertools.count().__next__)
    assert data_rates("synthetic_pets", 32, 4) == {"cold": 12, "cached": 12}  # three whole batches


def test_a_training_is_timed_by_its_second_epoch(monkeypatch):
    def train(build, recipe, folder):
        assert (recipe.split, recipe.epochs, recipe.batch_size) == ("train+validation", 2, 4)
        return None, [{"seconds": 100.0}, {"seconds": 2.0}]

    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train+validation": 17})
    monkeypatch.setattr(training, "train", train)
    assert train_rate("synthetic_pets", 32, 4) == 16 / 2  # of 17 images, four batches of 4


def test_a_step_that_fails_ends_the_measurement_of_the_pipeline():
    with pytest.raises(RuntimeError, match="cannot do that"):
        milliseconds({"error": "cannot do that"})
    assert milliseconds({"milliseconds": 7.0}) == 7.0
