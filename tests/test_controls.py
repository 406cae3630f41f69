"""The networks that are compared with the stages."""

import dataclasses
import json
import sys

import numpy as np
import pytest

import zoo
from zoo import controls, costs, training
from zoo.data import synthetic_pets

SMALL = (4, 8)


def test_the_widened_network_has_the_unets_size():
    unet, widened = zoo.build("unet"), controls.build("widened", (128, 128, 3))
    assert 1 <= widened.count_params() / unet.count_params() < 1.03
    assert 0.95 < costs.multiply_adds(widened) / costs.multiply_adds(unet) < 1.05


@pytest.mark.parametrize(("name", "first"), [("widened", 0), ("kernel_3", 0), ("kernel_4", 1)])
def test_kernels_that_are_zero_at_the_edge_answer_as_the_stage(name, first, rng):
    """The stage's kernel of 2 lies within: `same` cuts off the last pixel of 3, and one at either end of 4."""
    stage = zoo.build("transposed_convolution", image_shape=(32, 32, 3), filters=SMALL)
    control = controls.build(name, (32, 32, 3), filters=SMALL)
    larger = []
    for ours, theirs in zip(control.get_weights(), stage.get_weights(), strict=True):
        size = len(ours) - len(theirs) if ours.ndim == 4 else 0
        edge = (first, size - first) if size else (0, 0)
        larger.append(np.pad(theirs, [edge, edge, (0, 0), (0, 0)]) if ours.ndim == 4 else theirs)
    control.set_weights(larger)
    images = rng.random((2, 32, 32, 3), "float32")
    np.testing.assert_allclose(control.predict_on_batch(images), stage.predict_on_batch(images), atol=1e-5)


@pytest.mark.parametrize("contents", [{"name": "package"}, {"unet": {"seeds": {}}}, {"widened": {}}])
def test_a_file_of_others_is_refused_before_anything_is_trained(contents, monkeypatch, tmp_path):
    (tmp_path / "package.json").write_text(json.dumps(contents))
    monkeypatch.setattr(training, "SHORT", training.Recipe("synthetic_pets"))  # which is on every machine
    monkeypatch.setattr(sys, "argv", ["controls", "--out", str(tmp_path / "package.json")])
    with pytest.raises(ValueError, match=r"package\.json holds no results of zoo\.controls"):
        controls.main()


def test_an_unknown_control_is_named(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["controls", "wide"])
    with pytest.raises(ValueError, match=r"NAME must be one of .*'widened'.*Received: \['wide'\]"):
        controls.main()


@pytest.mark.slow
def test_the_command_goes_on_where_it_was_stopped(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 4})
    monkeypatch.setattr(controls, "SEEDS", (0,))
    monkeypatch.setattr(controls, "CONTROLS", {"kernel_3": (3, SMALL)})
    recipe = training.Recipe("synthetic_pets", image_size=16, batch_size=4, epochs=1, half_size_share=0)
    monkeypatch.setattr(training, "SHORT", recipe)
    monkeypatch.setattr(sys, "argv", ["controls"])
    controls.main()
    first = json.loads((tmp_path / "controls.json").read_text())["kernel_3"]
    assert first["parameters"] == controls.build("kernel_3").count_params()
    assert np.sum(first["seeds"]["0"]["confusion"]) == 4 * 16 * 16
    assert "kernel_3, seed 0:" in capsys.readouterr().out
    del first["recipe"]["ema_momentum"]  # as a version wrote it that did not know it
    (tmp_path / "controls.json").write_text(json.dumps({"kernel_3": first}))
    monkeypatch.setattr(controls, "SEEDS", (0, 1))
    controls.main()
    printed = capsys.readouterr().out
    assert "seed 1:" in printed
    assert "seed 0:" not in printed
    both = json.loads((tmp_path / "controls.json").read_text())["kernel_3"]
    assert both["seeds"].keys() == {"0", "1"}
    assert both["seeds"]["0"] == first["seeds"]["0"] != both["seeds"]["1"]
    monkeypatch.setattr(training, "SHORT", dataclasses.replace(recipe, epochs=2))
    with pytest.raises(ValueError, match=r"no results of .* by this recipe"):
        controls.main()
