import dataclasses
import functools
import hashlib
import json
import shlex

import numpy as np
import pytest

import zoo
from zoo import costs, data, models, saved, trained, training
from zoo.commands.parser import parser
from zoo.commands.training import choose_recipe
from zoo.data import synthetic_pets

SMALL = training.Recipe("synthetic_pets", image_size=16, batch_size=4, epochs=1, half_size_share=0)


@pytest.fixture
def few_scenes(monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 4})
    monkeypatch.setattr(costs, "costs", lambda model: saved.card("unet")["costs"])  # a process of its own


@pytest.mark.slow
@pytest.mark.usefixtures("few_scenes")
def test_model_and_card_are_those_that_were_saved(tmp_path, rng):
    stage = "sliding_window"  # which is trained and scored as another network with the same weights
    model, card = zoo.train(stage, SMALL, tmp_path)
    assert card == saved.card(stage, tmp_path)
    images = rng.random((2, 16, 16, 3), "float32")
    expected = zoo.load(stage, tmp_path).predict_on_batch(images)
    np.testing.assert_array_equal(model.predict_on_batch(images), expected)
    scores = zoo.evaluation.evaluate(model, "synthetic_pets", ways=("at_network_size",))["at_network_size"]
    assert card["scores"]["at_network_size"]["mean_iou"] == pytest.approx(scores["mean_iou"], abs=0.01)
    assert card["recipe"] == dataclasses.asdict(SMALL)
    assert card.keys() | {"command", "limits", "licence"} == saved.card("unet").keys() | {"command"}
    assert "licence" not in card  # drawn pets are nobody's
    assert sorted(path.name for path in tmp_path.iterdir()) == [stage, f"{stage}.json", f"{stage}.keras"]
    assert not list((tmp_path / stage).glob("after_epoch_*"))
    assert trained.is_done(stage, SMALL, tmp_path)
    assert not trained.is_done(stage, dataclasses.replace(SMALL, seed=1), tmp_path)
    assert not trained.is_done("unet", SMALL, tmp_path)


@pytest.mark.usefixtures("few_scenes")
def test_what_is_trained_is_replaced_only_if_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "train", lambda build, recipe, folder: (build(), [{"loss": 1.0, "seconds": 1.0}]))
    monkeypatch.setattr(zoo.evaluation, "evaluate", lambda model, dataset: saved.card("unet")["scores"])
    stage, other = "nearest_unpooling", dataclasses.replace(SMALL, seed=1)
    zoo.train(stage, SMALL, tmp_path)
    with pytest.raises(FileExistsError, match=r"nearest_unpooling\.keras is there already"):
        zoo.train(stage, other, tmp_path)
    assert trained.is_done(stage, SMALL, tmp_path)
    zoo.train(stage, other, tmp_path, overwrite=True)
    assert trained.is_done(stage, other, tmp_path)
    (tmp_path / f"{stage}.json").unlink()  # a model of somebody, without a card
    with pytest.raises(FileExistsError, match=r"nearest_unpooling\.keras is there already"):
        zoo.train(stage, SMALL, tmp_path)
    (tmp_path / stage / "after_epoch_0001").mkdir(parents=True)  # of a training that was killed between model and card
    zoo.train(stage, SMALL, tmp_path)


@pytest.mark.usefixtures("few_scenes")
@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (None, "CC BY-SA 4.0"),
        ("CC BY-SA 4.0", "CC BY-SA 4.0"),
        ("CC BY-NC 4.0", "CC BY-SA 4.0 and CC BY-NC 4.0"),
        ("CC BY-SA 4.0 and CC BY-NC 4.0", "CC BY-SA 4.0 and CC BY-NC 4.0"),
    ],
)
def test_the_licence_of_the_photos_stands_beside_that_of_the_start(theirs, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "find", lambda name: data.DATASETS["synthetic_pets"])  # in place of the photos
    monkeypatch.setattr(training, "train", lambda build, recipe, folder: (build(), [{"loss": 1.0, "seconds": 1.0}]))
    monkeypatch.setattr(zoo.evaluation, "evaluate", lambda model, dataset: saved.card("unet")["scores"])
    start, recipe = tmp_path / "theirs.keras", dataclasses.replace(SMALL, dataset="oxford_iiit_pet")
    if theirs:
        models.build("nearest_unpooling", image_shape=(16, 16, 3)).save(start)
        digest = hashlib.sha256(start.read_bytes()).hexdigest()
        (tmp_path / "theirs.json").write_text(json.dumps({"sha256": digest, "licence": theirs}))
        recipe = dataclasses.replace(recipe, start=str(start))
    assert zoo.train("nearest_unpooling", recipe, tmp_path)[1]["licence"] == expected


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"split": "train+validation", "mixed_precision": True},
        {"epochs": 48, "half_size_share": 0.5, "seed": 3, "batch_size": 8, "image_size": 64, "xla": True},
        {"image_size": (96, 160), "class_weights": True, "start": "unet"},
        {"start": "unet", "learning_rate": 0.001},
        {"scale_jitter": 1.5, "light": 2.0, "grey_share": 0.25, "dice_weight": 4.0},
        {"seed": 2**32 - 1, "learning_rate": 2.0, "epochs": 10**6},
    ],
)
def test_the_command_of_a_card_asks_for_the_recipe_of_the_card(changes):
    recipe = training.Recipe("synthetic_pets", **changes)
    words = shlex.split(trained.command_for("bed_of_nails", recipe))
    assert words[:3] == ["python", "-m", "zoo"]
    options = parser().parse_args(words[3:])
    assert (options.command, options.stage) == ("train", "bed_of_nails")
    assert choose_recipe(options, training.Recipe(options.dataset)) == recipe


def test_the_published_recipe_has_a_command_and_one_that_no_option_sets_has_none():
    assert trained.command_for("unet", training.IN_COLOUR)
    assert trained.command_for("unet", dataclasses.replace(training.IN_COLOUR, weight_decay=0.1)) is None
    assert trained.command_for("unet", dataclasses.replace(SMALL, large_size_share=0.5)) is None


def test_a_data_set_that_was_added_has_no_command(monkeypatch):
    monkeypatch.setitem(data.DATASETS, "streets", data.find("synthetic_pets"))
    assert trained.command_for("unet", training.Recipe("streets")) is None


@pytest.mark.usefixtures("few_scenes")
@pytest.mark.slow
def test_a_training_begins_from_trained_weights(tmp_path, monkeypatch):
    for build in ("build", "build_for_training"):
        monkeypatch.setattr(models, build, functools.partial(getattr(models, build), filters=(4, 8)))
    theirs = models.build("unet", image_shape=(16, 16, 3))
    theirs.save(tmp_path / "theirs.keras")
    digest = hashlib.sha256((tmp_path / "theirs.keras").read_bytes()).hexdigest()
    (tmp_path / "theirs.json").write_text(json.dumps({"sha256": digest, "licence": "CC BY 4.0"}))
    seen = []
    fit = training.train

    def train(build, recipe, folder):
        seen.append(build().get_weights())
        return fit(build, recipe, folder)

    monkeypatch.setattr(trained.training, "train", train)
    recipe = dataclasses.replace(SMALL, start=str(tmp_path / "theirs.keras"))
    _, card = zoo.train("unet", recipe, tmp_path)
    theirs = theirs.get_weights()
    for ours, expected in zip(seen[0][:-2], theirs[:-2], strict=True):
        np.testing.assert_array_equal(ours, expected)
    assert not np.array_equal(seen[0][-2], theirs[-2])  # the logits' kernel
    assert card["recipe"]["start"] == recipe.start
    assert (card["start_sha256"], card["licence"]) == (digest, "CC BY 4.0")


@pytest.mark.usefixtures("few_scenes")
@pytest.mark.slow
def test_a_training_does_not_go_on_from_another_start_of_the_same_name(tmp_path):
    theirs = models.build("nearest_unpooling", image_shape=(16, 16, 3), filters=(4, 8))
    theirs.save(tmp_path / "theirs.keras")
    recipe = dataclasses.replace(SMALL, start=str(tmp_path / "theirs.keras"))

    def build():
        return models.build("nearest_unpooling", image_shape=(None, None, 3), filters=(4, 8))

    training.train(build, recipe, tmp_path / "state")
    training.train(build, recipe, tmp_path / "state")  # it is at its end
    theirs.set_weights([weight + 1 for weight in theirs.get_weights()])
    theirs.save(tmp_path / "theirs.keras")
    with pytest.raises(ValueError, match="another file to start from"):
        training.train(build, recipe, tmp_path / "state")


@pytest.mark.parametrize("name", [b"synthetic_pets", 7, None, ["synthetic_pets"], np.zeros(3)])
def test_what_is_no_data_set_is_named(name):
    with pytest.raises(ValueError, match="`name` must be one of oxford_iiit_pet"):
        data.find(name)


@pytest.mark.usefixtures("few_scenes")
def test_a_model_has_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="`folder` must name a folder"):
        zoo.train("unet", SMALL, "")
    assert not list(tmp_path.iterdir())


def test_weights_of_another_architecture_are_refused():
    small = zoo.build("unet", image_shape=(32, 32, 3), filters=(4, 8))
    with pytest.raises(
        ValueError, match=r"`start` must be of the same stage and filters as unet. Received: unet, with"
    ):
        trained.take_over(small, zoo.load("unet"))
    five = zoo.build("unet", image_shape=(32, 32, 3), num_classes=5)
    trained.take_over(five, zoo.load("unet"))
