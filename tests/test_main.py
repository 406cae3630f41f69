import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from zoo import __main__, benchmark, exporting, saved, training


def test_help_answers_at_once(run_zoo):
    for command in ([], ["train"], ["predict"]):
        result = run_zoo(*command, "--help", PYTHONPROFILEIMPORTTIME="1")
        imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
        assert "argparse" in imported
        assert not {"keras", "tensorflow", "matplotlib"} & imported  # each takes seconds
        assert result.returncode == 0
        assert "usage: python -m zoo" in result.stdout


def test_data_sets_and_formats_are_those_of_the_package():
    assert tuple(zoo.data.DATASETS) == __main__.DATASETS
    assert tuple(exporting.FORMATS) == __main__.FORMATS


@pytest.mark.parametrize("command", [["train", "unett"], ["evaluate", "unett"], ["predict", "unett", "a.jpg"]])
def test_an_unknown_stage_gets_one_line_with_the_nearest_name(run_zoo, command):
    result = run_zoo(*command)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "Did you mean 'unet'?" in result.stderr


def test_a_missing_file_gets_one_line(run_zoo, tmp_path):
    result = run_zoo("evaluate", "nothing.keras", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "evaluate: There is no file nothing.keras.\n"


EXPECTED = {
    "a bad argument": ValueError("`size` must be 3.\nReceived: 4"),
    "no such file": FileNotFoundError("There is no file a\x1b[31mb\r.png"),
    "no such package": ModuleNotFoundError("No module named 'jax'"),
    "no memory": MemoryError(),
    "no memory for TensorFlow": tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\n tensor", {}),
    "a damaged photo": tf.errors.UnknownError(None, None, "{{node}} CorruptDatasetError: a.jpg\nTraceback ...", {}),
}
UNEXPECTED = [TypeError, KeyError, IndexError, AttributeError, AssertionError, NotImplementedError, RecursionError]


@pytest.mark.parametrize("error", EXPECTED.values(), ids=EXPECTED)
def test_an_expected_error_is_one_printable_line_unless_a_traceback_is_asked_for(error, monkeypatch):
    def fail(options):
        raise error

    monkeypatch.setattr(__main__, "evaluate", fail)
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["evaluate", "unet"])
    assert stopped.value.code.startswith("evaluate: ")
    assert len(stopped.value.code) > len("evaluate: ")
    assert stopped.value.code.isprintable()
    with pytest.raises(type(error)):
        __main__.main(["--traceback", "evaluate", "unet"])


@pytest.mark.parametrize("error", [*UNEXPECTED, lambda text: tf.errors.InvalidArgumentError(None, None, text, {})])
def test_a_bug_keeps_its_traceback(error, monkeypatch):
    def fail(options):
        raise error("a bug")

    monkeypatch.setattr(__main__, "evaluate", fail)
    with pytest.raises(Exception, match="a bug") as raised:
        __main__.main(["evaluate", "unet"])
    assert not isinstance(raised.value, SystemExit)


@pytest.mark.parametrize("number", ["9" * 23, "9" * 5000, "1000001", "0", "-1", "1.5", "1e3", "many", ""])
def test_numbers_out_of_all_proportion_are_refused_at_once(number, capsys):
    options = ["train --epochs", "train --image-size", "train --batch-size", "train --devices", "grid --seeds"]
    for command, option in (words.split() for words in [*options, "export --image-size"]):
        stage = ["unet"] if command != "grid" else []
        with pytest.raises(SystemExit):
            __main__.main([command, *stage, f"{option}={number}"])
        last = capsys.readouterr().err.splitlines()[-1]
        assert f"argument {option}: must be a whole number from 1 to 1,000,000" in last
        assert len(last) < 200


@pytest.mark.parametrize("command", [["train", "unet"], ["grid"], ["predict", "unet", "a.png"], ["export", "unet"]])
def test_out_that_cannot_be_written_is_found_at_once(command, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nothing/here"):
        monkeypatch.setattr(__main__.quiet, "import_tensorflow", lambda: pytest.fail("too late"))
        with pytest.raises(SystemExit) as stopped:
            __main__.main([*command, "--out", str(out)])
        assert str(stopped.value.code).startswith(f"{command[0]}: ")
        assert "\n" not in stopped.value.code
    assert (tmp_path / "file").read_text() == ""


def test_list_prints_every_model_and_nothing_else(run_zoo):
    result = run_zoo("list")
    lines = result.stdout.splitlines()
    assert [line.split()[1] for line in lines[2:]] == list(zoo.STAGES)
    assert result.stderr == ""


def test_predict_skips_what_is_broken_and_says_so(run_zoo, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), "uint8")).save(photos / "good.png")
    (photos / "broken.jpg").write_bytes((photos / "good.png").read_bytes()[:1000])
    (photos / "notes.txt").write_text("no image")
    result = run_zoo("predict", "unet", "photos", "--out", "out", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("skipped photos/broken.jpg")
    assert result.stderr.count("\n") == 1
    assert "Wrote 1 picture to out; skipped 1." in result.stdout
    assert Image.open(tmp_path / "out" / "good.png.png").size == (30, 20)


def test_predict_keeps_photos_of_one_name_apart(run_zoo, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.zeros((20, 30, 3), "uint8")).save(tmp_path / folder / "photo.png")
    assert run_zoo("predict", "unet", "a", "b/photo.png", "--out", "out", cwd=tmp_path).returncode == 0
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(written) == 2
    assert written[0].endswith("_a_photo.png.png")
    assert written[1].endswith("_b_photo.png.png")


def test_compare_draws_plot_and_stages(run_zoo, tmp_path):
    Image.fromarray(np.zeros((20, 30, 3), "uint8")).save(tmp_path / "photo.png")
    assert run_zoo("compare", "--out", "plot.png", cwd=tmp_path).returncode == 0
    assert run_zoo("compare", "photo.png", "--out", "stages.png", cwd=tmp_path).returncode == 0
    assert Image.open(tmp_path / "stages.png").width > 1000
    assert Image.open(tmp_path / "plot.png").width > 1000


def test_train_hands_its_options_to_the_recipe(monkeypatch, tmp_path):
    trained = []

    def pretend_to_train(stage, recipe, folder, devices):
        trained.append((stage, recipe, folder, devices))
        return saved.card("unet")

    monkeypatch.setattr(__main__, "train_cell", pretend_to_train)
    command = ["train", "unet", "--dataset", "synthetic_pets", "--out", str(tmp_path)]
    __main__.main([*command, "--no-xla"])
    __main__.main([*command, "--xla", "--split", "train+validation", "--epochs", "48", "--seed", "3"])
    plain = training.Recipe("synthetic_pets")
    changed = dataclasses.replace(plain, split="train+validation", epochs=48, seed=3, xla=True)
    assert trained == [("unet", plain, tmp_path, 1), ("unet", changed, tmp_path, 1)]


def test_grid_trains_what_is_not_done_by_the_recipe(monkeypatch, tmp_path, capsys):
    trained = []

    def pretend_to_train(stage, recipe, folder):
        trained.append((stage, recipe.seed, recipe.epochs))
        model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 1)], name=stage)
        saved.save(model, {**saved.card("unet"), "recipe": dataclasses.asdict(recipe)}, folder)

    monkeypatch.setattr(__main__, "STAGES", ("unet",))
    monkeypatch.setattr(__main__, "train_cell", pretend_to_train)
    monkeypatch.setattr(training, "PUBLISHED", training.Recipe("oxford_iiit_pet", epochs=2))
    command = ["grid", "--seeds", "2", "--out", str(tmp_path)]
    __main__.main(command)
    assert trained == [("unet", 0, 2), ("unet", 1, 2)]
    assert "± 0.000" in capsys.readouterr().out
    __main__.main(command)
    assert len(trained) == 2
    assert "unet, seed 1: done already." in capsys.readouterr().out
    monkeypatch.setattr(training, "PUBLISHED", training.Recipe("oxford_iiit_pet", epochs=3))
    __main__.main(command)
    assert trained[2:] == [("unet", 0, 3), ("unet", 1, 3)]


def test_benchmark_prints_tables_and_writes_all_figures(monkeypatch, tmp_path, capsys):
    rows = [
        {"stage": stage, "size": size, "batch": 1, "run": "predict", "milliseconds": size**2 / 1e3, "quartiles": [0, 1]}
        for stage in zoo.STAGES
        for size in (256, 1024)
    ]
    monkeypatch.setattr(benchmark, "stages", lambda: rows)
    __main__.main(["benchmark", "stages", "--out", str(tmp_path / "figures.json")])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["|", "unet", "|", "1024", "|", "1", "|", "predict", "|", "1048.58", "|", "0.00", "to", "1.00", "|"] in lines
    assert ["|", "unet", "|", "1.00", "|"] in lines
    assert json.loads((tmp_path / "figures.json").read_text())["stages"] == rows
    assert Image.open(tmp_path / "figures.png").size == (700, 320)
    with pytest.raises(SystemExit, match=r"figures\.json is there already"):
        __main__.main(["benchmark", "stages", "--out", str(tmp_path / "figures.json")])
    with pytest.raises(SystemExit, match=r"must be a \.json file"):
        __main__.main(["benchmark", "stages", "--out", str(tmp_path / "figures.txt")])


FEW_SCENES = """
import os, signal, sys
from zoo import training
from zoo.__main__ import main
from zoo.data import synthetic_pets

def press_ctrl_c(self, batch, logs=None):
    if len(self.history) == 1 and batch == 2:  # within the second epoch
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
synthetic_pets.EXAMPLES.update(train=16, validation=4, test=4)
if sys.argv.pop(1) == "stop":
    training.KeepState.on_train_batch_end = press_ctrl_c
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_train_from_start_to_card(tmp_path):
    """A training in a process of its own is stopped, goes on, and leaves a model with its card."""

    def train(until):
        command = [sys.executable, "-c", FEW_SCENES, until, "train", "sliding_window", "--dataset", "synthetic_pets"]
        command += ["--epochs", "3", "--image-size", "32", "--batch-size", "4", "--out", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    stopped = train("stop")
    assert stopped.returncode == 1
    assert "The same command goes on from the last whole epoch." in stopped.stderr
    assert "Traceback" not in stopped.stderr
    done = train("end")
    assert done.returncode == 0, done.stderr
    assert "Epoch 1/" not in done.stdout
    assert "Epoch 2/" in done.stdout
    card = json.loads((tmp_path / "sliding_window.json").read_text())
    assert len(card["history"]) == card["recipe"]["epochs"] == 3
    assert card["dataset"]["test"]["examples"] == 4
    model = saved.load("sliding_window", tmp_path)
    assert model.layers[1].__class__.__name__ == "SlidingWindow2D"
    again = train("end")
    assert again.returncode == 1
    assert "is trained already" in again.stderr
