import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import data, files, models, training
from zoo.commands import arguments
from zoo.data import synthetic_pets
from zoo.training import loop, state

RECIPE = training.Recipe("synthetic_pets", image_size=32, batch_size=4, epochs=30, half_size_share=0.5)
GROWING = dataclasses.replace(RECIPE, epochs=4, split="train+validation")  # two of them at half the size

TWO = dataclasses.replace(RECIPE, epochs=2, half_size_share=0)
PAIR = ("nearest_unpooling", "bed_of_nails")
FEW = {"train": 16, "validation": 6, "test": 4, "train+validation": 20}

# A short training in a process of its own, which ends itself in the middle of the second epoch.
KILLED = f"""
import os, signal, sys
from zoo import models, training
from zoo.data import synthetic_pets

synthetic_pets.EXAMPLES = {FEW}

def kill(self, batch, logs=None):
    if self.history and batch == 2:
        os.kill(os.getpid(), signal.SIGKILL)

training.KeepState.on_train_batch_end = kill
build = lambda: models.build("max_unpooling", image_shape=(None, None, 3), filters=(4, 8))
training.train(build, training.{GROWING!r}, sys.argv[1])
"""

# Moments of a kill, and how many epochs are whole then: all with small images, and one more.
MOMENTS = {
    "while the weights are written": 2,
    "before the state gets its name": 3,
    "before a state that is too old goes": 3,
}


def build_unpooling():
    return models.build("max_unpooling", image_shape=(None, None, 3), filters=(4, 8))


def numbers(model):
    return [variable.numpy() for variable in (*model.weights, *model.optimizer.variables)]


def assert_equal_bit_for_bit(weights, expected):
    assert len(weights) == len(expected) > 20
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What a training ends with, and copies of its folder at the `MOMENTS`, as a kill would leave it."""
    folder, copies = (tmp_path_factory.mktemp(name) for name in ("uninterrupted", "killed"))
    save, publish, remove = keras.Model.save_weights, files.publish, shutil.rmtree

    def write_half_first(model, path):
        if path.parent.name == "after_epoch_0003":
            path.write_bytes(b"half of a file")
            shutil.copytree(folder, copies / "while the weights are written")
            path.unlink()
        save(model, path)

    def copy_first(unfinished, path, overwrite):
        if path.name == "after_epoch_0004":
            shutil.copytree(folder, copies / "before the state gets its name")
        publish(unfinished, path, overwrite)

    def remove_later(path, **options):
        if Path(path).name == "after_epoch_0001":
            shutil.copytree(folder, copies / "before a state that is too old goes")
        remove(path, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(synthetic_pets, "EXAMPLES", FEW)
        patched.setattr(keras.Model, "save_weights", write_half_first)
        patched.setattr(files, "publish", copy_first)
        patched.setattr(state.shutil, "rmtree", remove_later)
        return numbers(training.train(build_unpooling, GROWING, folder)[0]), copies


@pytest.mark.slow
@pytest.mark.usefixtures("few_scenes")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_while_the_state_is_kept_leaves_no_trace(moment, uninterrupted):
    expected, copies = uninterrupted
    folder = copies / moment
    assert training.phases(GROWING)[0][1] == range(MOMENTS["while the weights are written"])
    assert state.epochs_of(state.states(folder)[0]) == MOMENTS[moment]
    assert list(folder.glob(".unfinished.*")) or len(state.states(folder)) == 3
    model, history = training.train(build_unpooling, GROWING, folder)
    assert len(history) == GROWING.epochs
    assert_equal_bit_for_bit(numbers(model), expected)
    assert [state.epochs_of(kept) for kept in state.states(folder)] == [4, 3]
    assert not list(folder.glob(".unfinished.*"))


@pytest.mark.slow
@pytest.mark.usefixtures("few_scenes")
def test_another_process_goes_on_where_a_kill_fell_into_an_epoch(tmp_path, uninterrupted):
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert state.epochs_of(state.states(tmp_path)[0]) == 1
    assert_equal_bit_for_bit(numbers(training.train(build_unpooling, GROWING, tmp_path)[0]), uninterrupted[0])


@pytest.mark.usefixtures("few_scenes")
def test_a_batch_larger_than_the_data_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`batch_size` must be at most 16.*batch_size=32"):
        training.train(build_small, dataclasses.replace(RECIPE, batch_size=32), tmp_path)


def test_the_command_line_knows_the_largest_side():
    assert arguments.MAX_SIDE == training.recipe.MAX_SIDE


def test_a_recipe_takes_what_means_the_same():
    recipe = training.Recipe(Path("own"), image_size=[96, 160], epochs=np.int64(2), start=Path("own.keras"))
    assert recipe == training.Recipe("own", image_size=(96, 160), epochs=2, start="own.keras")
    assert training.Recipe("./own/") == training.Recipe("own")  # else a training would not go on
    assert training.Recipe("./synthetic_pets").dataset == "./synthetic_pets"  # a folder
    assert json.loads(json.dumps(dataclasses.asdict(recipe)))["dataset"] == "own"
    assert training.Recipe(".").dataset == str(Path.cwd())  # "." is another folder elsewhere, and there, too
    assert training.Recipe("..").dataset == str(Path.cwd().parent)


@pytest.mark.parametrize("name", ["max_epochs", "max_steps_per_epoch"])
def test_a_keras_that_ends_trainings_by_itself_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.config, name, lambda: 1, raising=False)
    with pytest.raises(ValueError, match=f"Keras must not end trainings by itself. Received: {name}=1"):
        training.train(build_small, RECIPE, tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match=f"Keras must not end trainings by itself. Received: {name}=1"):
        training.make_optimizer(RECIPE, 1)  # of the trainings that are not ours alone


def test_a_file_in_the_place_of_the_logs_is_named(tmp_path):
    (tmp_path / "logs").touch()
    with pytest.raises(FileExistsError, match="logs"):
        training.train(build_small, RECIPE, tmp_path)


def test_a_recipe_says_how_a_data_set_of_ones_own_is_named():
    with pytest.raises(ValueError, match=r"zoo\.data\.DATASETS\[dataset\.name\] = dataset") as error:
        training.Recipe(data.DATASETS["synthetic_pets"])
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    "wrong",
    [
        {"dataset": b"own"},
        {"split": "test"},
        {"split": None},
        {"start": "nope"},
        {"start": None},
        {"image_size": "16"},
        {"image_size": 5000},
        {"image_size": 0},
        {"batch_size": "4"},
        {"batch_size": 0},
        {"batch_size": -1},
        {"epochs": 0},
        {"epochs": 2.5},
        {"epochs": True},
        {"seed": -1},
        {"half_size_share": "0.5"},
        {"half_size_share": 1},
        {"half_size_share": 0.5, "large_size_share": 0.6},
        {"learning_rate": -1},
        {"learning_rate": 0},
        {"learning_rate": float("nan")},
        {"learning_rate": 10**400},
        {"learning_rate": np.float32("inf")},
        {"learning_rate": "a"},
        {"weight_decay": -1},
        {"warm_up": 2},
        {"dice_weight": float("inf")},
        {"scale_jitter": 0.5},
        {"class_weights": [9, 1]},
        {"class_weights": "no"},
        {"xla": 1},
    ],
)
def test_a_recipe_refuses_what_no_training_can_do_and_names_it(wrong):
    name = list(wrong)[-1]
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        training.Recipe(**{"dataset": "own", **wrong})


@pytest.fixture
def few_scenes(monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", FEW)


def build_small():
    return models.build("unet", image_shape=(None, None, 3), filters=(4, 8))


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory):
    """A model after one epoch, its history and the folder of its training."""
    folder = tmp_path_factory.mktemp("one_epoch")
    with pytest.MonkeyPatch.context() as few:
        few.setattr(synthetic_pets, "EXAMPLES", FEW)
        return *training.train(build_small, dataclasses.replace(RECIPE, epochs=1), folder), folder


@pytest.mark.slow
@pytest.mark.usefixtures("few_scenes")
def test_each_epoch_is_scored_on_the_validation_split(one_epoch):
    model, history, folder = one_epoch
    batches = list(data.load("synthetic_pets", "validation", 32, 4))
    assert [len(images) for images, _ in batches] == [4, 2]
    predicted = np.concatenate([model.predict_on_batch(images).argmax(-1) for images, _ in batches])
    truth = np.concatenate([masks for _, masks in batches])
    ious = [((predicted == k) & (truth == k)).sum() / ((predicted == k) | (truth == k)).sum() for k in range(3)]
    assert history[0]["val_mean_iou"] == pytest.approx(np.mean(ious), abs=1e-6)
    assert list((folder / "logs" / "train").glob("events*"))


@pytest.fixture(scope="module")
def two_states(tmp_path_factory):
    """A folder with the states after two epochs and after one."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as few:
        few.setattr(synthetic_pets, "EXAMPLES", FEW)
        training.train(build_small, TWO, folder)
    assert [path.name for path in state.states(folder)] == ["after_epoch_0002", "after_epoch_0001"]
    return folder


@pytest.fixture
def trained(tmp_path, two_states, few_scenes):
    """A copy of them."""
    return shutil.copytree(two_states, tmp_path / "trained")


@pytest.fixture(scope="module")
def compiled():
    """The model of these states, as `train` compiles it."""
    model = build_small()
    training.compile_model(model, training.make_optimizer(TWO, steps_per_epoch=4), TWO)
    return model


@pytest.mark.slow
def test_another_recipe_is_refused(trained):
    with pytest.raises(ValueError, match=r"'epochs': 2.*'epochs': 30"):
        training.train(build_small, dataclasses.replace(TWO, epochs=30), trained)


def change_recipe(folder, change):
    for path in folder.glob("after_epoch_*/state.json"):
        kept = json.loads(path.read_text())
        change(kept["recipe"])
        kept["sha256"] = state.checksum_of_state(path.parent, kept)
        path.write_text(json.dumps(kept))


def test_a_recipe_with_a_field_of_another_version_is_refused(trained):
    change_recipe(trained, lambda recipe: recipe.update(momentum=0.9))
    with pytest.raises(ValueError, match=r"another recipe \({'momentum': 0.9}\)\. Received: {}"):
        training.train(build_small, TWO, trained)


def test_a_recipe_that_has_gained_a_field_reads_old_states(trained, compiled):
    change_recipe(trained, lambda recipe: recipe.pop("xla"))
    for path in trained.glob("after_epoch_*/state.json"):  # and states without the classes, whose model has a number
        kept = json.loads(path.read_text())
        del kept["data"]["classes"]
        kept["model"]["name"] += "_3"
        kept["sha256"] = state.checksum_of_state(path.parent, kept)
        path.write_text(json.dumps(kept))
    assert len(state.read_state(trained, state.identify(TWO), compiled)) == 2


@pytest.mark.slow
def test_a_state_of_another_stage_of_the_same_shapes_is_refused(trained):
    build = {name: lambda name=name: models.build(name, image_shape=(None, None, 3), filters=(4, 8)) for name in PAIR}
    shapes = [[weight.shape for weight in build[name]().weights] for name in PAIR]
    assert shapes[0] == shapes[1]
    folder = trained / "pair"
    training.train(build[PAIR[0]], dataclasses.replace(TWO, epochs=1), folder)
    with pytest.raises(ValueError, match=r"another model .*nearest_unpooling.*Received.*bed_of_nails"):
        training.train(build[PAIR[1]], dataclasses.replace(TWO, epochs=1), folder)


def zero_a_page(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = bytes(4096)
    path.write_bytes(content)


def remove(name):
    def damage(path):
        kept = json.loads(path.read_text())
        del kept[name]
        path.write_text(json.dumps({**kept, "sha256": state.checksum_of_state(path.parent, kept)}))

    return damage


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.weights.h5", zero_a_page),
        ("model.weights.h5", lambda path: path.write_bytes(path.read_bytes()[:1000])),
        ("model.weights.h5", lambda path: path.write_bytes(b"")),
        ("model.weights.h5", lambda path: path.unlink()),
        ("state.json", lambda path: path.write_bytes(b"")),
        ("state.json", lambda path: path.write_bytes(path.read_bytes()[:300])),
        ("state.json", lambda path: path.write_text("[]")),
        ("state.json", remove("recipe")),
        ("state.json", remove("model")),
        ("state.json", lambda path: path.write_text('{"history": 3, "recipe": {}}')),
        ("state.json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
        ("state.json", lambda path: path.unlink()),
    ],
)
def test_a_damaged_state_is_named_and_the_one_before_is_read(trained, compiled, capsys, file, damage):
    damage(trained / "after_epoch_0002" / file)
    history = state.read_state(trained, state.identify(TWO), compiled)
    assert f"Passed over the state {trained / 'after_epoch_0002'}" in capsys.readouterr().out
    assert len(history) == 1
    loaded = numbers(compiled)
    shutil.rmtree(trained / "after_epoch_0002", ignore_errors=True)
    assert len(state.read_state(trained, state.identify(TWO), compiled)) == 1
    assert_equal_bit_for_bit(loaded, numbers(compiled))


@pytest.mark.slow
def test_from_the_state_before_a_training_ends_with_the_same_weights(trained):
    whole = training.train(build_small, TWO, trained)[0].get_weights()
    zero_a_page(trained / "after_epoch_0002" / "model.weights.h5")
    model, history = training.train(build_small, TWO, trained)
    assert len(history) == 2
    assert_equal_bit_for_bit(model.get_weights(), whole)


def test_when_all_states_are_damaged_a_training_begins_anew(trained, compiled, capsys):
    for path in trained.glob("after_epoch_*/state.json"):
        path.write_bytes(b"")
    for number in (1, 2):  # of numbers that the training anew will reach late, or never
        (trained / f"after_epoch_000{number}").rename(trained / f"after_epoch_000{number + 6}")
    assert state.read_state(trained, state.identify(TWO), compiled) == []
    assert capsys.readouterr().out.count("Passed over") == 2
    keep = training.KeepState(trained, state.identify(TWO), history := [])
    keep.set_model(compiled)
    keep.on_epoch_begin(0)
    keep.on_epoch_end(0, {"loss": 1.0})
    assert state.states(trained) == [trained / "after_epoch_0001"]
    assert state.read_state(trained, state.identify(TWO), compiled) == history


def test_a_full_disk_ends_a_training_and_keeps_the_state_before(trained, compiled, monkeypatch):
    """HDF5 itself would end the process."""
    kept = {path: path.read_bytes() for path in trained.glob("after_epoch_*/*")}
    keep = training.KeepState(trained, state.identify(TWO), [{}, {}])
    keep.set_model(compiled)
    keep.on_epoch_begin(2)
    usage = state.shutil.disk_usage(trained)
    monkeypatch.setattr(state.shutil, "disk_usage", lambda folder: usage._replace(free=1_000_000))
    with pytest.raises(OSError, match="No space left on device"):
        keep.on_epoch_end(2, {"loss": 1.0})
    assert {path: path.read_bytes() for path in trained.glob("after_epoch_*/*")} == kept
    assert not list(trained.glob(".unfinished*"))


@pytest.mark.usefixtures("few_scenes")
@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_a_training_is_the_same_whatever_floatx_says(kind, one_epoch, tmp_path):
    _, expected, _ = one_epoch
    keras.config.set_floatx(kind)
    try:
        _, history = training.train(build_small, dataclasses.replace(RECIPE, epochs=1), tmp_path)
        assert keras.config.floatx() == kind
    finally:
        keras.config.set_floatx("float32")
    assert history[0]["loss"] == expected[0]["loss"]


def test_a_training_does_not_go_on_with_other_pictures(trained, monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {**FEW, "train": 17})
    with pytest.raises(ValueError, match=r"another state of the data set \({'examples': 16}\).*{'examples': 17}"):
        training.train(build_small, TWO, trained)


def test_a_model_that_keras_numbers_goes_on():
    models = [keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)]) for _ in range(2)]
    assert models[0].name != models[1].name
    assert state.model_identity(models[0]) == state.model_identity(models[1])


def test_names_that_are_no_states_are_left_alone(trained, compiled):
    for name in ("after_epoch_", "after_epoch_0009x", "after_epoch_0000"):
        (trained / name).mkdir()
    (trained / "after_epoch_0009").write_text("a file")
    (trained / "after_epoch_0007").mkdir()  # empty
    assert len(state.read_state(trained, state.identify(TWO), compiled)) == 2


def test_two_trainings_in_one_folder_are_refused(trained):
    with state.claim(trained), pytest.raises(ValueError, match="Another training is at work"):
        training.train(build_small, TWO, trained)
    with state.claim(trained):
        pass  # free again


def test_a_training_that_diverges_stops_and_keeps_the_last_good_state(trained):
    rate = 1e30
    kept = {path: path.read_bytes() for path in trained.glob("after_epoch_*/*")}
    longer = dataclasses.replace(TWO, epochs=4, learning_rate=rate)
    change_recipe(trained, lambda recipe: recipe.update(epochs=4, learning_rate=rate))
    with pytest.raises(training.DivergedError, match=r"which is not finite.*state before it"):
        training.train(build_small, longer, trained)
    assert {path: path.read_bytes() for path in trained.glob("after_epoch_*/*")}.items() >= {
        path: content for path, content in kept.items() if path.suffix == ".h5"
    }.items()
    assert state.epochs_of(state.states(trained)[0]) == 2


def test_a_moment_that_is_infinite_is_no_state(tmp_path):
    model = build_small()
    training.compile_model(model, training.make_optimizer(TWO, steps_per_epoch=4), TWO)
    keep = training.KeepState(tmp_path, state.identify(TWO), [])
    keep.set_model(model)
    keep.check_finite(0, {"loss": 1.0})
    moment = model.optimizer.variables[-1]
    moment.assign(np.full(moment.shape, np.inf))
    with pytest.raises(training.DivergedError, match=f"gave {moment.path}, which is not finite"):
        keep.check_finite(0, {"loss": 1.0})


@pytest.mark.usefixtures("few_scenes")
def test_mixed_precision_keeps_float32_weights_and_logits(tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=1, mixed_precision=True)
    model, _ = training.train(build_small, recipe, tmp_path)
    assert model.layers[2].compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def build_tiny():
    return keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1)])


@pytest.mark.usefixtures("few_scenes")
def test_with_the_validation_split_learned_no_epoch_is_scored_on_it(tmp_path):
    recipe = dataclasses.replace(RECIPE, split="train+validation", epochs=1)
    _, history = training.train(build_tiny, recipe, tmp_path)
    assert set(history[0]) == {"loss", "seconds"}


@pytest.mark.usefixtures("few_scenes")
def test_images_are_small_first(tmp_path, monkeypatch):
    seen = []
    load = data.load

    def spy(name, split, image_size, *arguments, **options):
        if "epochs" in options:
            seen.append((image_size, *options["epochs"]))
        return load(name, split, image_size, *arguments, **options)

    monkeypatch.setattr(data, "load", spy)
    training.train(build_tiny, dataclasses.replace(RECIPE, epochs=3, half_size_share=0.67), tmp_path)
    assert seen == [(16, 0, 1), (32, 2)]


@pytest.mark.parametrize(
    ("image_size", "epochs", "share", "expected"),
    [
        (128, 12, 0.75, [(64, range(9)), (128, range(9, 12)), (160, range(12, 12))]),
        (48, 2, 0.75, [(16, range(1)), (48, range(1, 2)), (48, range(2, 2))]),  # 24 cannot be halved four times
        (128, 1, 0.75, [(64, range(0)), (128, range(1)), (160, range(1, 1))]),  # the last epoch is never a small one
    ],
)
def test_phases(image_size, epochs, share, expected):
    recipe = dataclasses.replace(RECIPE, image_size=image_size, epochs=epochs, half_size_share=share)
    assert training.phases(recipe) == expected


def test_shares_are_not_cut_by_rounding():
    assert 0.58 * 50 < 29
    assert training.phases(dataclasses.replace(RECIPE, epochs=50, half_size_share=0.58))[0][1] == range(29)
    for share in range(100):  # hundredths that fill a training between them
        dataclasses.replace(RECIPE, half_size_share=share / 100, large_size_share=(100 - share) / 100)


def test_the_last_epochs_may_see_larger_images():
    recipe = dataclasses.replace(RECIPE, image_size=128, epochs=20, half_size_share=0.5, large_size_share=0.1)
    assert training.phases(recipe) == [(64, range(10)), (128, range(10, 18)), (160, range(18, 20))]


def test_the_learning_rate_rises_and_falls():
    rate = training.make_optimizer(RECIPE, steps_per_epoch=20)._learning_rate
    rates = [float(rate(step)) for step in (0, 30, 60, 330, 600)]
    top = RECIPE.learning_rate  # after a tenth of the 600 steps; half way down the cosine it has halved
    np.testing.assert_allclose(rates, [0, top / 2, top, top / 2, 0], atol=1e-7)


def test_a_weight_without_a_gradient_decays_as_the_recipe_says():
    recipe = dataclasses.replace(RECIPE, learning_rate=0.1, weight_decay=0.5, warm_up=0.0)
    weight = keras.Variable([2.0])
    training.make_optimizer(recipe, steps_per_epoch=20).apply([keras.ops.zeros(1)], [weight])
    assert float(weight[0]) == pytest.approx(2 * (1 - 0.1 * 0.5))


@pytest.mark.parametrize("xla", [True, False])
def test_a_step_is_compiled_with_xla_if_the_recipe_says_so(xla):
    model, recipe = build_small(), dataclasses.replace(RECIPE, xla=xla)
    training.compile_model(model, training.make_optimizer(recipe, steps_per_epoch=4), recipe)
    assert model.jit_compile is xla


@pytest.mark.parametrize(("wanted", "expected"), [(True, [1, 3, 0.5, 0]), (False, None)])
def test_a_training_weighs_the_classes_by_the_medians_of_what_counts(wanted, expected, tmp_path, monkeypatch):
    masks = np.full((2, 16, 16), 255)  # which does not count
    masks[0, :6], masks[0, 6:8], masks[1, 4:] = 0, 1, 2
    # 6, 2 and 12 rows; the median is 6: 6 / 6, 6 / 2, 6 / 12. The last class is nowhere.
    pairs = tf.data.Dataset.from_tensor_slices((np.zeros((2, 16, 16, 3), "uint8"), masks))
    own = data.Dataset("own", tuple("abcd"), lambda split: pairs, lambda split: {"examples": 2}, ignored=255)
    monkeypatch.setitem(data.DATASETS, "own", own)
    compiled, seen = loop.compile_model, []

    def compile_model(model, optimizer, recipe, class_weights):
        seen.append(class_weights)
        compiled(model, optimizer, recipe, class_weights)

    monkeypatch.setattr(loop, "compile_model", compile_model)
    recipe = training.Recipe("own", "train+validation", 16, batch_size=1, epochs=1, class_weights=wanted)
    layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 1)]
    training.train(lambda: keras.Sequential(layers), recipe, tmp_path)
    assert seen == [expected, expected]  # for the state, and for the steps


@pytest.mark.slow
@pytest.mark.usefixtures("few_scenes")
def test_an_average_of_the_weights_is_that_of_a_loop_however_often_the_training_stops(tmp_path, monkeypatch):
    recipe = dataclasses.replace(GROWING, image_size=64, ema_momentum=0.5)
    steps = []

    def collect(self, batch, logs=None):
        steps.append([variable.numpy() for variable in self.model.trainable_variables])

    monkeypatch.setattr(training.KeepState, "on_train_batch_end", collect)
    model, _ = training.train(build_small, recipe, tmp_path / "whole")
    expected = steps[0]
    for weights in steps[1:]:
        expected = [0.5 * average + 0.5 * weight for average, weight in zip(expected, weights, strict=True)]
    assert len(steps) == 4 * 5  # of two sizes
    for variable, average in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), average, rtol=1e-5, atol=1e-6)
    found = model.get_weights()
    last = next(layer for layer in reversed(model.layers) if isinstance(layer, keras.layers.BatchNormalization))
    mean, before = last.moving_mean.numpy(), keras.Model(model.inputs, last.input)
    batches = training.load(recipe, recipe.split, 64, augmentation=recipe.augmentation(), epochs=range(4, 5))
    means = [keras.ops.mean(before(images, training=True), (0, 1, 2)) for images, _ in batches]
    np.testing.assert_allclose(mean, keras.ops.mean(means, 0), rtol=1e-4, atol=1e-5)
    assert last.momentum == 0.99

    again, _ = training.train(build_small, recipe, tmp_path / "whole")  # which has nothing left to learn
    assert_equal_bit_for_bit(again.get_weights(), found)

    def stop(self, logs=None):
        if len(self.history) == 2:  # between the sizes
            raise InterruptedError

    with monkeypatch.context() as stopped:
        stopped.setattr(training.KeepState, "on_train_begin", stop)
        with pytest.raises(InterruptedError):
            training.train(build_small, recipe, tmp_path / "stopped")
    assert state.epochs_of(state.states(tmp_path / "stopped")[0]) == 2
    again, _ = training.train(build_small, recipe, tmp_path / "stopped")
    assert_equal_bit_for_bit(again.get_weights(), found)


@pytest.mark.parametrize("weights", [None, [1.0, 4.0, 0.5]])
def test_the_loss_is_the_recipes_and_weights_of_classes_come_with_their_offsets(weights, rng):
    logits, masks = rng.normal(size=(2, 4, 4, 3)).astype("float32"), rng.integers(0, 3, (2, 4, 4))
    model, offsets = build_small(), training.offsets_against(weights) if weights else None
    training.compile_model(model, keras.optimizers.SGD(), dataclasses.replace(RECIPE, dice_weight=0.5), weights)
    expected = training.cross_entropy_and_dice(0.5, None, weights, offsets)
    assert float(model.loss(masks, logits)) == pytest.approx(float(expected(masks, logits)), rel=1e-5)


# Two devices are pretended, or two processes have one each; the maps and offsets of `max_unpooling` are shared, too.
ON_DEVICES = f"""
import json, os, sys
import keras
import pytest
from zoo import models, training
from zoo.data import synthetic_pets

if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
    keras.distribution.initialize()

synthetic_pets.EXAMPLES = {{"train": 16, "validation": 6, "test": 4}}
build = lambda: models.build("max_unpooling", image_shape=(None, None, 3), filters=(4, 8))
recipe = training.{dataclasses.replace(TWO, epochs=4)!r}
for devices, batch_size in ((3, 6), (2, 5)):  # more than there are, and a batch that they cannot share
    with pytest.raises(ValueError, match=f"divide the batch size, {{batch_size}}. Received: devices={{devices}}"):
        training.share_among(devices, batch_size)
folder, *counts = sys.argv[1:]
for count in counts:
    with training.share_among(int(count), recipe.batch_size):
        model, history = training.train(build, recipe, folder + f"/{{count}}")
    shared = len(model.weights[0].value.sharding.device_set)
    print(json.dumps([shared, [epoch["loss"] for epoch in history] + [history[-1]["val_mean_iou"]]]))
"""


def start_on_devices(folder, *counts, flags="", **variables):
    """Starts that training on each of these numbers of devices in turn; what JAX compiles for it runs a few times."""
    flags = f"--xla_backend_optimization_level=0 {flags}"
    return subprocess.Popen(
        [sys.executable, "-c", ON_DEVICES, str(folder), *map(str, counts)],
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": flags, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ends(*started):
    """Of all trainings of these processes the number of devices, and the losses with the score behind them."""
    try:
        outputs = [process.communicate(timeout=1500) for process in started]
    finally:
        for process in started:
            process.kill()
    assert {process.returncode for process in started} == {0}, outputs
    lines = [line for printed, _ in outputs for line in printed.splitlines()]
    return [json.loads(line) for line in lines if re.match(r"\[\d", line)]


@pytest.fixture(scope="module")
def on_one_and_two(tmp_path_factory):
    """The losses of the training on one device, and on two of one process."""
    pytest.importorskip("jax")
    flags = "--xla_force_host_platform_device_count=2"
    one, two = ends(start_on_devices(tmp_path_factory.mktemp("devices"), 1, 2, flags=flags))
    assert [one[0], two[0]] == [1, 2]
    assert len(one[1]) == 4 + 1
    return one[1], two[1]


def assert_equal_but_for_rounding(found, expected):
    """Adam takes whole steps along gradients that are zero but for rounding: later epochs would drift apart."""
    np.testing.assert_allclose(found, expected, atol=5e-3)


@pytest.mark.slow
def test_two_devices_take_the_steps_of_one(on_one_and_two):
    one, two = on_one_and_two
    assert_equal_but_for_rounding(two, one)


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_and_the_first_writes(tmp_path, on_one_and_two):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    both = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    first, second = ends(
        *(start_on_devices(tmp_path / n, 2, **both, KERAS_DISTRIBUTION_PROCESS_ID=n) for n in ("0", "1"))
    )
    assert first == second
    assert_equal_but_for_rounding(first[1], on_one_and_two[0])
    assert (tmp_path / "0" / "2" / "after_epoch_0004").exists()
    assert not (tmp_path / "1").exists()


def test_processes_that_find_other_states_do_not_go_on(trained, monkeypatch):
    pytest.importorskip("jax")
    from jax.experimental import multihost_utils

    def assert_equal(epochs):
        assert epochs == 0, "so many in the other process"

    monkeypatch.setattr(multihost_utils, "assert_equal", assert_equal)
    monkeypatch.setattr(loop, "process_count", lambda: 2)
    with pytest.raises(ValueError, match=r"one that all processes see\. Received: a state after 2 epochs"):
        training.train(build_small, TWO, trained)


@pytest.mark.parametrize("devices", [0, -1, True])
def test_a_number_of_devices_is_positive(devices):
    with pytest.raises(ValueError, match="`devices` must be a positive integer"):
        training.share_among(devices, batch_size=16)


def test_devices_that_cannot_share_are_refused():
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=jax"):
        training.share_among(2, batch_size=16)
