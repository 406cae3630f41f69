"""The two well-known networks that are trained and timed beside the U-Net."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from zoo import costs, training
from zoo.benchmark import peers, turns
from zoo.benchmark.peer_networks import NETWORKS
from zoo.data import synthetic_pets

README = Path(__file__).parents[1] / "saved_models" / "README.md"
NAMES = {"TensorFlow's tutorial": "TensorFlow's tutorial, from scratch"}  # in the table of README


@pytest.mark.parametrize("name", ["the zoo's U-Net", "keras.io's U-Net", "TensorFlow's tutorial"])
def test_peers_have_the_costs_that_the_readme_shows(name):
    model = NETWORKS[name]((128, 128, 3))
    assert model.output_shape == (None, 128, 128, 3)
    lines = [line for line in README.read_text().splitlines() if line.startswith(f"| {NAMES.get(name, name)} ")]
    shown = {tuple(cell.strip() for cell in line.split("|")[-3:-1]) for line in lines}
    assert shown == {(f"{model.count_params():,}", f"{costs.multiply_adds(model) / 1e6:.0f} M")}


def test_widened_unets_have_as_many_parameters_as_the_peers():
    parameters = {name: build((32, 32, 3)).count_params() for name, build in NETWORKS.items()}
    for widened, peer in ((24, "keras.io's U-Net"), (42, "TensorFlow's tutorial")):
        assert parameters[f"the zoo's U-Net, first {widened} filters"] == pytest.approx(parameters[peer], rel=0.05)


@pytest.mark.slow
def test_a_peer_is_trained_and_scored_once(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 4, "validation": 4, "test": 4})
    recipe = training.Recipe("synthetic_pets", image_size=32, batch_size=4, epochs=1, half_size_share=0)
    monkeypatch.setattr(training, "PUBLISHED", recipe)
    monkeypatch.setattr(peers, "PEERS", {"one": ("keras.io's U-Net", peers.train_by_ours)})
    peers.main(["--out", str(tmp_path)])
    first = capsys.readouterr().out
    assert first.startswith("Training one")
    confusion = np.array(json.loads((tmp_path / "one.json").read_text())["scores"]["at_network_size"]["confusion"])
    assert confusion.sum() == 4 * 32**2
    peers.main(["--out", str(tmp_path)])
    assert capsys.readouterr().out == first.removeprefix("Training one\n")
    monkeypatch.setattr(training, "PUBLISHED", dataclasses.replace(recipe, seed=1))
    monkeypatch.setattr(peers, "PEERS", {"one": ("keras.io's U-Net", pytest.fail)})
    with pytest.raises(pytest.fail.Exception):  # trained again by another recipe
        peers.main(["--out", str(tmp_path)])


def test_times_are_added_to_those_of_the_benchmark(monkeypatch, tmp_path, capsys):
    def take_turns(calls, rounds):
        return {name: {"milliseconds": len(name), "quartiles": [1.0, 2.0]} for name in calls}

    monkeypatch.setattr(turns, "take_turns", take_turns)
    monkeypatch.setattr(turns, "start_backend", lambda backend, first: None)
    path = tmp_path / "figures.json"
    path.write_text('{"machine": "ours"}')
    peers.main(["--benchmark", str(path)])
    results = json.loads(path.read_text())
    assert results["machine"] == "ours"
    assert [(row["network"], row["batch"], row["run"]) for row in results["peers"]] == [
        (name, batch, run) for batch, run in ((1, "predict"), (16, "predict"), (16, "train")) for name in NETWORKS
    ]
    assert "TensorFlow's tutorial" in capsys.readouterr().out


def test_a_missing_file_of_the_benchmark_is_said_at_once(tmp_path, capsys):
    with pytest.raises(SystemExit):
        peers.main(["--benchmark", str(tmp_path / "none.json")])
    assert "--benchmark must be a file of `python -m zoo benchmark`" in capsys.readouterr().err
