import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import skimage

import zoo
from zoo import costs, evaluation, saved, tables, training
from zoo.__main__ import main
from zoo.data import oxford_iiit_pet

FOLDER = Path(__file__).parents[1] / "saved_models"
LONGER = FOLDER / "48_epochs"
NEXT = [("unet", FOLDER / "next")]  # of the set that is to follow
MODELS = [*((stage, FOLDER) for stage in zoo.STAGES), ("unet", LONGER)]


def all_cards():
    return [saved.card(stage, folder) for stage, folder in MODELS]


@pytest.mark.parametrize(("stage", "folder"), [*MODELS, *NEXT])
def test_every_model_is_as_its_card_says(stage, folder):
    card, path = saved.card(stage, folder), folder / f"{stage}.keras"
    assert card["stage"] == stage
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
    model = zoo.load(stage, folder)
    assert model.name == stage
    assert not keras.saving.load_model(path).compiled  # no optimiser in the file
    assert model.input_shape == (None, 128, 128, 3)
    assert [w.shape for w in model.weights] == [w.shape for w in zoo.build(stage).weights]
    assert card["costs"]["parameters"] == model.count_params()
    assert card["costs"]["multiply_adds"] == costs.multiply_adds(model)


def test_all_were_trained_by_the_published_recipe():
    published = dataclasses.asdict(training.PUBLISHED)
    assert [training.with_defaults(card["recipe"]) for card in saved.cards().values()] == [published] * len(zoo.STAGES)


def test_the_longer_training_differs_in_its_epochs_and_in_how_a_step_is_computed():
    longer, published = saved.card("unet", LONGER)["recipe"], dataclasses.asdict(training.PUBLISHED)
    changed = {name for name, value in longer.items() if value != published[name]}
    assert changed == {"epochs", "mixed_precision", "xla"}
    assert longer["epochs"] == len(saved.card("unet", LONGER)["history"]) == 48


def test_every_card_says_what_the_model_gets_wrong():
    assert all(card["limits"] for card in all_cards())


def test_scores_on_the_cards_follow_from_their_confusion_matrices():
    for card in all_cards():
        for scores in card["scores"].values():
            confusion = np.array(scores["confusion"])
            hits = np.diag(confusion)
            np.testing.assert_allclose(scores["mean_iou"], (hits / (confusion.sum(0) + confusion.sum(1) - hits)).mean())
            np.testing.assert_allclose(scores["pixel_accuracy"], hits.sum() / confusion.sum())


def test_all_together_are_small():
    assert sum((folder / f"{stage}.keras").stat().st_size for stage, folder in MODELS) < 35e6


def test_the_readmes_show_what_the_cards_say():
    readme = (FOLDER.parent / "README.md").read_text()
    assert tables.format_cards(saved.cards()) in readme
    longer = saved.card("unet", LONGER)["scores"]["at_network_size"]
    for name in ("mean IoU", "pixel accuracy", "binary IoU"):
        assert f"{name} {longer[name.replace(' ', '_').lower()]:.3f}" in readme
    folders = [FOLDER, FOLDER / "float32" / "seed_1", FOLDER / "float32" / "seed_2"]
    seeds = tables.format_seeds([{"unet": saved.card("unet", folder)} for folder in folders])
    about_models = (FOLDER / "README.md").read_text()
    assert seeds in about_models
    for stage, folder in NEXT:
        card = saved.card(stage, folder)
        scores = card["scores"]
        kinds = [scores["at_network_size"], scores["with_mirror_image"], scores["grey"]]
        means = " | ".join(f"{kind['mean_iou']:.3f}" for kind in kinds)
        assert f"| {stage} | {len(card['history'])} | {means} |" in about_models


@pytest.mark.slow
def test_a_card_is_reproduced_from_its_file(photos):
    assert_scores_are_those_of_the_card(FOLDER, ("at_network_size",), tolerance=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "ways"),
    [(FOLDER, ("at_network_size", "at_photo_size", "groups", "with_mirror_image")), (LONGER, ("at_network_size",))],
)
def test_a_sample_of_the_photos_scores_as_the_card_says(folder, ways, photos, monkeypatch):
    stored = oxford_iiit_pet.stored
    monkeypatch.setattr(oxford_iiit_pet, "stored", lambda split: stored(split).take(320))
    assert_scores_are_those_of_the_card(folder, ways, tolerance=0.05)


def assert_scores_are_those_of_the_card(folder, ways, tolerance):
    scores = evaluation.evaluate(zoo.load("unet", folder), "oxford_iiit_pet", ways=ways)
    for size in scores:
        expected = saved.card("unet", folder)["scores"][size]
        for name in ("mean_iou", "pixel_accuracy", "binary_iou", "binary_iou_per_image", "boundary_iou"):
            assert scores[size][name] == pytest.approx(expected[name], abs=tolerance), (size, name)


def test_the_unet_finds_the_cat():
    classes = zoo.predict(zoo.load("unet"), skimage.data.chelsea())
    assert classes.shape == (300, 451)
    # Her face fills the middle of the photo; the corner above her left ear is curtain.
    assert (classes[80:220, 130:330] == 0).mean() > 0.8


@pytest.fixture
def copy(tmp_path):
    for name in ("unet.keras", "unet.json"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


def test_a_folder_can_be_named(copy, monkeypatch):
    assert zoo.load("unet", copy).name == "unet"
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(copy))
    assert list(saved.cards()) == ["unet"]


def test_a_changed_file_is_refused(copy):
    with open(copy / "unet.keras", "ab") as file:
        file.write(b"!")
    with pytest.raises(ValueError, match="SHA-256"):
        zoo.load("unet", copy)


def flip_a_bit(path):
    contents = bytearray(path.read_bytes())
    contents[-30] ^= 4  # in the ZIP's directory
    path.write_bytes(contents)


def flip_a_bit_within(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 4
    path.write_bytes(contents)


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


def empty(path):
    path.write_bytes(b"")


def replace_by(make):
    def change(path):
        path.unlink()
        make(path)

    return change


def save_with_a_foreign_layer(path):
    @keras.saving.register_keras_serializable("elsewhere")
    class Foreign(keras.layers.Layer):
        pass

    keras.Sequential([keras.Input((4, 4, 3)), Foreign()]).save(path)
    del keras.saving.get_custom_objects()["elsewhere>Foreign"]


def save_with_two_outputs(path):
    image = keras.Input((4, 4, 3))
    keras.Model(image, [image, image]).save(path)


def save_a_classifier(path):
    keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]).save(path)


BROKEN = [flip_a_bit, flip_a_bit_within, cut, empty, save_with_a_foreign_layer, save_with_two_outputs]
BROKEN += [save_a_classifier, *map(replace_by, (os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")))]


@pytest.mark.parametrize("break_it", BROKEN)
def test_a_broken_file_gets_one_line_from_package_and_command(break_it, copy, monkeypatch):
    path = copy / "unet.keras"
    break_it(path)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(copy))
    with pytest.raises((ValueError, OSError), match=re.escape(str(path))):
        zoo.load("unet")
    for arguments in (
        ["evaluate", str(path)],
        ["evaluate", "unet"],
        ["predict", str(path), "a.png", "--out", str(copy)],
    ):
        with pytest.raises(SystemExit, match=re.escape(str(path))) as stopped:
            main(arguments)
        assert "\n" not in stopped.value.code


def test_a_whole_file_without_a_card_is_loaded(copy, rng):
    (copy / "unet.json").unlink()
    images = rng.random((1, 128, 128, 3), "float32")
    expected = zoo.load("unet").predict_on_batch(images)
    np.testing.assert_array_equal(saved.load_file(copy / "unet.keras").predict_on_batch(images), expected)


def test_a_missing_model_says_how_to_name_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder=.*ZOO_SAVED_MODELS"):
        zoo.load("unet", tmp_path)


def test_an_unknown_stage_gets_the_nearest_name():
    with pytest.raises(ValueError, match="Did you mean 'max_unpooling'"):
        zoo.load("maxunpool")


def test_save_writes_whole_files_or_none(tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 1)], name="unet")
    model.compile("adam", "mse")
    saved.save(model, {"note": "first", "sha256": "of another file"}, tmp_path)
    assert not zoo.load("unet", tmp_path).compiled
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def break_off(self, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "save", break_off)
    with pytest.raises(KeyboardInterrupt):
        saved.save(model, {"note": "second"}, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert json.loads(before["unet.json"])["note"] == "first"


def test_import_is_instant():
    code = "import sys, zoo; print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
