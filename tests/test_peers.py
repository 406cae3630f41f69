"""The two well-known networks that are trained and timed beside the U-Net."""

import contextlib
import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import cards, costs, data, evaluation, training
from zoo.benchmark import peers, turns
from zoo.benchmark.peer_networks import NETWORKS

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


@pytest.mark.parametrize("name", ["keras.io's U-Net", "TensorFlow's tutorial"])
def test_peers_are_the_same_whatever_keras_is_set_to(name):
    plain = NETWORKS[name]((64, 64, 3))
    keras.config.set_image_data_format("channels_first")
    try:
        other = NETWORKS[name]((64, 64, 3))
        assert keras.config.image_data_format() == "channels_first"
    finally:
        keras.config.set_image_data_format("channels_last")
    assert [layer.output.shape for layer in other.layers] == [layer.output.shape for layer in plain.layers]
    assert [weight.shape for weight in other.weights] == [weight.shape for weight in plain.weights]


def build_tiny(image_shape):
    return keras.Sequential([keras.Input(image_shape), keras.layers.Conv2D(3, 1, dtype="float32")], name="tiny")


def test_every_peer_is_trained_and_scored_once(monkeypatch, tmp_path, capsys):
    """What trains, scores and measures has tests of its own, and is only noted here."""
    trained, known = [], cards.card("unet", cards.folder_of_models() / "seeds")

    def pretend_to_train(build, recipe, folder):
        trained.append((folder, recipe.seed))
        model = build((None, None, 3))
        model.set_weights([np.full(weight.shape, len(trained)) for weight in model.weights])
        return model

    def score(model, dataset):
        assert model.input_shape == (None, training.SHORT.image_size, training.SHORT.image_size, 3)
        assert all((weight == len(trained)).all() for weight in model.get_weights())
        assert dataset == training.SHORT.dataset
        return known["scores"]

    for network, _ in peers.PEERS.values():
        monkeypatch.setitem(NETWORKS, network, build_tiny)
    monkeypatch.setattr(
        peers, "PEERS", {name: (network, pretend_to_train) for name, (network, _) in peers.PEERS.items()}
    )
    monkeypatch.setattr(evaluation, "evaluate", score)
    monkeypatch.setattr(costs, "costs", lambda model: known["costs"])
    peers.main(["--out", str(tmp_path)])
    assert trained == [(tmp_path / name, 0) for name in peers.PEERS]
    lines = capsys.readouterr().out.splitlines()
    shown = f"{known['scores']['at_network_size']['mean_iou']:.3f}"
    assert [line.split("|")[1].strip() for line in lines if shown in line] == ["unet", *peers.PEERS]
    peers.main(["--out", str(tmp_path)])
    assert len(trained) == len(peers.PEERS)
    assert capsys.readouterr().out.splitlines() == lines[len(peers.PEERS) :]
    monkeypatch.setattr(training, "SHORT", dataclasses.replace(training.SHORT, seed=1))
    peers.main(["--out", str(tmp_path)])
    assert [seed for _, seed in trained] == [0] * len(peers.PEERS) + [1] * len(peers.PEERS)


def test_the_recipe_of_keras_io_trains(monkeypatch, tmp_path, rng):
    def load(name, split, image_size, batch_size):
        assert (name, split, image_size, batch_size) == ("synthetic_pets", "train", 160, 32)
        images = rng.random((2, 4, 160, 160, 3), "float32")  # two batches
        return tf.data.Dataset.from_tensor_slices((images, (images[..., 0] > 0.5).astype("int32")))

    monkeypatch.setattr(data, "load", load)
    model = peers.train_by_its_own(build_tiny, training.Recipe("synthetic_pets", epochs=2), tmp_path)
    assert model.optimizer.iterations == 4
    assert not list(tmp_path.iterdir())


def test_times_are_added_to_those_of_the_benchmark(monkeypatch, tmp_path, capsys):
    def take_turns(calls, rounds):
        return {name: {"milliseconds": len(name), "quartiles": [1.0, 2.0]} for name in calls}

    monkeypatch.setattr(turns, "take_turns", take_turns)
    monkeypatch.setattr(turns, "processes", lambda backends: contextlib.nullcontext(dict.fromkeys(backends)))
    path = tmp_path / "figures.json"
    path.write_text('{"machine": "ours", "versions": {}}')
    peers.main(["--benchmark", str(path)])
    results = json.loads(path.read_text())
    assert results["machine"] == "ours"
    assert [(row["network"], row["batch"], row["run"]) for row in results["peers"]] == [
        (name, batch, run) for batch, run in ((1, "predict"), (16, "predict"), (16, "train")) for name in NETWORKS
    ]
    assert "TensorFlow's tutorial" in capsys.readouterr().out


def test_files_that_are_missing_or_of_others_are_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "time_networks", None)
    with pytest.raises(FileNotFoundError, match=r"There is no file .*none\.json"):
        peers.main(["--benchmark", str(tmp_path / "none.json")])
    (tmp_path / "package.json").write_text('{"name": "package"}')
    with pytest.raises(ValueError, match="--benchmark must be a file of `python -m zoo benchmark`"):
        peers.main(["--benchmark", str(tmp_path / "package.json")])
    recipe = dataclasses.asdict(training.SHORT)
    for contents, words in [({"name": "package"}, "holds no scores of a peer"), ({"zoo_recipe": recipe}, "iou")]:
        (tmp_path / f"{next(iter(peers.PEERS))}.json").write_text(json.dumps(contents))
        with pytest.raises(ValueError, match=words):
            peers.main(["--out", str(tmp_path)])
