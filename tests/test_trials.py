import dataclasses
import functools
import json

import keras
import numpy as np
import pytest
import scipy.special

from zoo import __main__, evaluation, models, training, trials
from zoo.commands import training as training_commands
from zoo.data import synthetic_pets

TINY = training.Recipe("synthetic_pets", image_size=32, batch_size=4, epochs=1, half_size_share=0)


def test_every_trial_is_a_recipe_and_leaves_the_validation_split_aside():
    for changes in trials.TRIALS.values():
        assert dataclasses.replace(trials.BASE, **changes).split == "train"


def test_a_trial_is_trained_once_by_its_change(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 4})
    monkeypatch.setattr(models, "build", functools.partial(models.build, filters=(4, 8)))
    recipe = dataclasses.replace(TINY, seed=1, weight_decay=0.01)
    result = trials.run_trial("weight_decay_0.01", 1, tmp_path, TINY)
    assert 0 <= result["grey"] <= 1
    logs = training.train(lambda: trials.build(None), recipe, tmp_path / "weight_decay_0.01_1")[1][-1]
    assert (result["mean_iou"], result["minutes"]) == pytest.approx((logs["val_mean_iou"], logs["seconds"] / 60))
    kept = json.loads(next(tmp_path.glob("weight_decay_0.01_1/after_epoch_0001/state.json")).read_text())
    assert kept["recipe"] == dataclasses.asdict(recipe)
    monkeypatch.setattr(training, "train", None)  # would fail
    assert trials.run_trial("weight_decay_0.01", 1, tmp_path, TINY) == result
    with pytest.raises(ValueError, match=r"weight_decay_0\.01_1\.json holds no result of this trial by this recipe"):
        trials.run_trial("weight_decay_0.01", 1, tmp_path, dataclasses.replace(TINY, epochs=2))
    for contents in ({}, {"minutes": 1.0, "grey": 0.5, "mean_iou": None}, result):
        (tmp_path / "base_0.json").write_text(json.dumps(contents))
        with pytest.raises(ValueError, match=r"base_0\.json holds no result of this trial by this recipe"):
            trials.run_trial("base", 0, tmp_path, TINY)
    with pytest.raises(ValueError, match="`name` must be one of base"):
        trials.run_trial("luck", 0, tmp_path, TINY)


def test_a_trial_takes_images_that_are_no_squares(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "train", lambda build, recipe, folder: (build(), [{"seconds": 60}]))
    monkeypatch.setattr(models, "build", functools.partial(models.build, filters=(4, 8)))
    scores = {"at_network_size": {"mean_iou": 0.5}, "grey": {"mean_iou": 0.4}}
    shapes = []
    monkeypatch.setattr(evaluation, "evaluate", lambda model, *_, **__: shapes.append(model.input_shape) or scores)
    assert trials.run_trial("base", 0, tmp_path, dataclasses.replace(TINY, image_size=(32, 48)))["grey"] == 0.4
    assert shapes == [(None, 32, 48, 3)]


def test_a_student_learns_from_masks_and_teacher(rng):
    network, teacher = (models.build("unet", image_shape=(16, 16, 3), filters=widths) for widths in ((4, 8), (6, 8)))
    student = trials.Student(network, teacher)
    assert [weight.path for weight in student.weights] == [weight.path for weight in network.weights]
    training.compile_model(student, keras.optimizers.SGD(0.1), TINY)
    images = rng.random((2, 16, 16, 3), dtype="float32")
    masks = rng.integers(0, 3, (2, 16, 16))
    told, said = (scipy.special.softmax(model.predict_on_batch(images), -1) for model in (teacher, network))
    logits = network.predict_on_batch(images)
    plain = training.cross_entropy_and_dice()(masks, logits)
    expected = float(plain) + (told * np.log(told / said)).sum(-1).mean()
    before = teacher.get_weights()
    loss = student.compute_loss(images, masks, keras.ops.convert_to_tensor(logits))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(loss), expected, rtol=1e-5)
    student.train_on_batch(images, masks)
    for kept, now in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)


@pytest.mark.slow
def test_one_teacher_helps_the_students_of_all_seeds(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 4})
    smaller = models.build
    monkeypatch.setattr(models, "build", lambda stage, **options: smaller(stage, **{"filters": (4, 8), **options}))
    monkeypatch.setattr(trials, "TEACHER", (8, 16))
    asked, train = [], training.train

    def note(build, recipe, folder):
        asked.append((folder.name, recipe.seed, type(build())))
        return train(build, recipe, folder)

    monkeypatch.setattr(training, "train", note)
    for seed in (1, 2):
        trials.run_trial("distilled", seed, tmp_path, TINY)
    students = [(f"distilled_{seed}", seed, trials.Student) for seed in (1, 2)]
    teacher = ("teacher", 0, type(models.build("unet")))
    assert asked == [teacher, students[0], teacher, students[1]]


def test_the_command_prints_a_line_for_each_trial(monkeypatch, capsys):
    def run_trial(name, seed, folder):
        return {"mean_iou": 0.5 + 0.1 * seed, "grey": 0.4 + 0.1 * seed, "minutes": 5 + seed}

    monkeypatch.setattr(training_commands, "run_trial", run_trial)
    __main__.main(["trials", "--seeds", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(trials.TRIALS)
    assert [cell.strip() for cell in lines[2].split("|")] == ["", "base", "5.5", "0.500, 0.600", "0.550", "0.450", ""]
