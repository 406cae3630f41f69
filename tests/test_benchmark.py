import concurrent.futures
import time

import pytest

from zoo import benchmark


def sleep(seconds):
    return lambda: time.sleep(seconds)


def fail():
    raise ValueError("cannot do that\nfor a long reason")


def test_contenders_take_turns():
    with concurrent.futures.ThreadPoolExecutor(1) as process:
        calls = {"short": (process, sleep, 0.01), "long": (process, sleep, 0.03), "never": (process, fail)}
        measured = benchmark.take_turns(calls, rounds=7)
    assert 10 <= measured["short"]["milliseconds"] < 20
    assert 30 <= measured["long"]["milliseconds"] < 45
    first, third = measured["long"]["quartiles"]
    assert 30 <= first <= measured["long"]["milliseconds"] <= third
    assert measured["never"] == {"error": "ValueError: cannot do that"}


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
def test_every_layer_contender_runs_or_says_why_not():
    rows = benchmark.layers(shapes=[(1, 4, 4, 2)], dtypes=["float32"], rounds=2)
    assert {row["run"] for row in rows} == {"forward", "forward and backward"}
    for row in rows:
        assert row.get("milliseconds", 0) > 0 or row["contender"] == "argmax and scatter, XLA"


@pytest.mark.slow
def test_every_stage_and_window_runs(monkeypatch):
    monkeypatch.setattr(benchmark, "STAGES", ("fully_convolutional",))
    rows = benchmark.stages(sizes=(64,), rounds=2)
    assert [(row["size"], row["batch"], row["run"]) for row in rows] == [
        (64, 1, "predict"),
        (128, 16, "predict"),
        (128, 16, "train"),
    ]
    assert all(row["milliseconds"] > 0 for row in [*rows, *benchmark.windows(strides=(16,), rounds=2)])
