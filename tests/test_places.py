"""The task where places must matter."""

import json
import sys

import numpy as np
import pytest
from scipy import ndimage

from zoo import places


@pytest.fixture
def few_images(monkeypatch):
    """A training of two steps."""
    monkeypatch.setattr(places, "EPOCHS", 1)
    monkeypatch.setattr(places, "TRAINING", 32)
    monkeypatch.setattr(places, "TEST", 20)


@pytest.mark.parametrize("task", places.TASKS)
def test_the_mask_is_what_is_bright_and_everything_in_it_is_thin(task):
    images, masks = places.examples(task, 20, seed=0)
    assert images.shape == (20, 32, 32, 1)
    assert images.dtype == np.float32
    assert ((images[..., 0] > 0.65) == masks).all()
    assert not ndimage.binary_opening(masks[0], np.ones((3, 3))).any()  # nothing is three pixels thick


def test_every_image_has_eight_dots():
    assert (places.examples("dots", 20, seed=0)[1].sum(axis=(1, 2)) == 8).all()


def test_a_seed_decides_the_images():
    first, again, other = (places.examples("lines", 5, seed)[1] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_a_training_that_has_diverged_gets_no_score(few_images, monkeypatch):
    class Diverged:
        def fit(self, images, masks, **options):
            pass

        def predict(self, images, **options):
            return np.full((*images.shape[:3], 2), np.nan, "float32")

    learner = places.Learner.__new__(places.Learner)
    learner.model, learner.batch_size = Diverged(), 16
    monkeypatch.setattr(places.Learner, "restart", lambda self, seed: None)
    with pytest.raises(ValueError, match="diverged"):
        learner.learn("dots", 0)


FOREIGN = [{"name": "package"}, {"dots": []}, {"dots": {"scripts": {"ious": {}}}}, {"dots": {"unet": {}}}]


@pytest.mark.parametrize("contents", FOREIGN)
def test_a_file_of_others_and_an_unknown_network_are_refused_before_anything_is_trained(
    contents, monkeypatch, tmp_path
):
    monkeypatch.setattr(places, "Learner", None)
    (tmp_path / "package.json").write_text(json.dumps(contents))
    monkeypatch.setattr(sys, "argv", ["places", "--out", str(tmp_path / "package.json")])
    with pytest.raises(ValueError, match=r"package\.json holds no results of zoo\.places"):
        places.main()
    monkeypatch.setattr(sys, "argv", ["places", "nosuch", "--out", str(tmp_path / "new.json")])
    with pytest.raises(ValueError, match=r"NETWORK must be one of .*Received: \['nosuch'\]"):
        places.main()
    assert places.is_own(json.loads(places.RESULTS.read_text()))


@pytest.mark.slow
def test_a_training_leaves_no_trace_in_the_next(few_images):
    learner = places.Learner("max_unpooling")
    learner.learn("lines", 0)
    weights = learner.model.get_weights()
    learner.learn("dots", 1)
    assert any((now != then).any() for now, then in zip(learner.model.get_weights(), weights, strict=True))
    learner.learn("lines", 0)
    for now, then in zip(learner.model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(now, then, atol=1e-4)


@pytest.mark.slow
def test_the_command_goes_on_where_it_was_stopped(few_images, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(places, "SEEDS", (0,))
    out = tmp_path / "places.json"
    monkeypatch.setattr(sys, "argv", ["places", "unet", "--out", str(out)])
    places.main()
    found = json.loads(out.read_text())
    assert 0 <= found["dots"]["unet"]["ious"]["0"] <= 1
    assert np.array([list(row) for row in found["lines"]["unet"]["answer"]]).shape == (32, 32)
    assert capsys.readouterr().out.count("seed 0") == 2
    del found["lines"]["unet"]["ious"]["0"]
    out.write_text(json.dumps(found))
    places.main()
    assert capsys.readouterr().out.startswith("lines")
