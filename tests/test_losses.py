"""The comparison of losses."""

import json
import sys

import keras
import numpy as np
import pytest

from zoo import losses
from zoo.training import cross_entropy_and_dice

PIXELS = (30, 60, 10)


@pytest.fixture
def few_images(monkeypatch):
    """A training of two steps on drawn pets."""
    monkeypatch.setattr(losses, "DATASET", "synthetic_pets")
    monkeypatch.setattr(losses, "TRAINING", 32)
    monkeypatch.setattr(losses, "TEST", 20)
    monkeypatch.setattr(losses, "EPOCHS", 1)


def test_dice_of_two_pixels_by_hand():
    """Two pixels, of class 0 and of class 1, with shares (3/4, 1/4, 0) and (1/2, 1/2, 0)."""
    logits = np.array([[[[np.log(3), 0, -100], [0, 0, -100]]]], "float32")
    first = 2 * (3 / 4) / (1 + 3 / 4 + 1 / 2)
    second = 2 * (1 / 2) / (1 + 1 / 4 + 1 / 2)
    found = losses.dice_loss(np.array([[[0, 1]]]), logits)
    assert float(found) == pytest.approx(1 - (first + second + 0) / 3, rel=1e-5)


def test_cross_entropy_and_dice_is_the_sum_of_both(rng):
    masks, logits = rng.integers(0, 3, (2, 8, 8)), rng.normal(size=(2, 8, 8, 3)).astype("float32")
    compared = losses.losses(PIXELS)
    both = compared["cross-entropy"](masks, logits) + compared["Dice"](masks, logits)
    assert float(both) == pytest.approx(float(cross_entropy_and_dice(1)(masks, logits)), rel=1e-5)


def test_only_without_the_border_do_its_pixels_not_count(rng):
    masks, logits = rng.integers(0, 3, (1, 8, 8)), rng.normal(size=(1, 8, 8, 3)).astype("float32")
    moved = logits.copy()
    moved[masks == losses.BORDER] += [5, 0, 0]
    same = [name for name, loss in losses.losses(PIXELS).items() if np.isclose(loss(masks, logits), loss(masks, moved))]
    assert same == ["border left out"]


class Fixed:
    """A model that says the same of every image."""

    def __init__(self, logits):
        self.logits = np.array(logits, "float32")

    def predict(self, images, **options):
        return self.logits


def test_without_the_border_two_logits_compete_at_the_other_pixels():
    masks = np.array([[[0, 1, 2]]])
    model = Fixed([[[[2, 1, 3], [1, 2, 0], [5, 0, 0]]]])  # says border, background and pet
    found = losses.score(model, masks[..., None], masks)
    assert found["confusion"] == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert found["without_border"] == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("backend", "compiled"), [("tensorflow", False), ("jax", "auto"), ("torch", "auto")])
def test_a_step_is_compiled_where_keras_would(backend, compiled, monkeypatch):
    """But for TensorFlow; PyTorch is slower with its compiler, which Keras leaves aside."""
    asked = {}
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(keras.Model, "compile", lambda model, optimizer, loss, **options: asked.update(options))
    monkeypatch.setattr(keras.Model, "fit", lambda *arguments, **options: None)
    losses.learn(cross_entropy_and_dice(), 0, np.zeros((16, 16, 16, 3)), None)
    assert asked == {"jit_compile": compiled}


def test_a_training_that_has_diverged_gets_no_score():
    masks = np.array([[[0, 1, 2]]])
    with pytest.raises(ValueError, match="diverged"):
        losses.score(Fixed(np.full((1, 1, 3, 3), np.nan)), masks[..., None], masks)


@pytest.mark.parametrize("contents", [{"name": "package"}, {"Dice": []}, {"Dice": {}, "scripts": {"seeds": {}}}])
def test_a_file_of_others_is_refused_before_anything_is_trained(contents, monkeypatch, tmp_path):
    monkeypatch.setattr(losses, "first_images", None)
    (tmp_path / "package.json").write_text(json.dumps(contents))
    monkeypatch.setattr(sys, "argv", ["losses", "--out", str(tmp_path / "package.json")])
    with pytest.raises(ValueError, match=r"package\.json holds no results of zoo\.losses"):
        losses.main()
    assert losses.read(losses.RESULTS)


@pytest.mark.slow
def test_the_command_goes_on_where_it_was_stopped(few_images, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(losses, "SEEDS", (0,))
    monkeypatch.setattr(losses, "losses", lambda pixels: {"Dice": losses.dice_loss})
    out = tmp_path / "losses.json"
    monkeypatch.setattr(sys, "argv", ["losses", "--out", str(out)])
    losses.main()
    found = json.loads(out.read_text())["Dice"]
    assert np.sum(found["seeds"]["0"]["confusion"]) == 20 * 64 * 64
    assert np.array([list(row) for row in found["answer"]]).shape == (64, 64)
    assert capsys.readouterr().out.count("seed 0") == 1
    losses.main()
    assert capsys.readouterr().out == ""
