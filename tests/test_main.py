import ast
import contextlib
import dataclasses
import errno
import functools
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from zoo import __main__, benchmark, cards, costs, formats, models, saved, trained, training
from zoo.commands import arguments, parser
from zoo.commands import models as model_commands
from zoo.commands import training as training_commands
from zoo.data import synthetic_pets
from zoo.errors import explain

ROOT = Path(__file__).parents[1]


def test_help_answers_at_once(run_zoo):
    for command in ([], ["train"], ["predict"]):
        result = run_zoo(*command, "--help", PYTHONPROFILEIMPORTTIME="1")
        imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
        assert "argparse" in imported
        assert not {"keras", "tensorflow", "matplotlib"} & imported  # each takes seconds
        assert result.returncode == 0
        assert "usage: python -m zoo" in result.stdout


@pytest.mark.parametrize("module", ["controls", "finetuning", "losses", "places"])
def test_the_file_of_an_experiment_is_tried_before_the_work_for_it(module, tmp_path, monkeypatch, capsys):
    (tmp_path / "a").touch()
    folder = [str(tmp_path)] if module == "finetuning" else []
    monkeypatch.setattr(sys, "argv", ["x", *folder, "--out", str(tmp_path / "a" / "b.json")])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(f"zoo.{module}").main()
    assert "--out must lie in a folder" in capsys.readouterr().err


def test_data_sets_and_formats_are_those_of_the_package():
    assert tuple(zoo.data.DATASETS) == arguments.DATASETS
    assert tuple(formats.FORMATS) == parser.FORMATS


@pytest.mark.parametrize("command", [["train", "unett"], ["evaluate", "unett"], ["predict", "unett", "a.jpg"]])
def test_an_unknown_stage_gets_one_line_with_the_nearest_name(run_zoo, command):
    result = run_zoo(*command)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "Did you mean 'unet'?" in result.stderr


@pytest.mark.parametrize("module", ["controls", "demo", "finetuning", "losses", "places", "benchmark.peers"])
def test_every_other_command_tells_an_expected_error_in_one_line(module, tmp_path):
    """The first error that can be: of the backend, before TensorFlow is imported, or of a file."""
    environment = {**os.environ, "KERAS_BACKEND": "nonsense", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"zoo.{module}", *(["--benchmark", "none\n"] if "peers" in module else [])]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(module.rpartition(".")[2])


# What `kill` reaches while a file is being written.
SLOW = """
import os, runpy, signal, sys
from zoo import cards, files

def write(*arguments):
    with files.write_whole(sys.argv[-1]) as unfinished:
        unfinished.write_text("half")
        os.kill(os.getpid(), signal.SIGTERM)

cards.cards = write
runpy.run_module("zoo", run_name="__main__", alter_sys=True)
"""


def test_a_command_that_is_terminated_leaves_nothing_unfinished(tmp_path):
    command, environment = [sys.executable, "-c", SLOW, "list"], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "")
    assert not list(tmp_path.iterdir())


def test_a_missing_file_gets_one_line(run_zoo, tmp_path):
    result = run_zoo("evaluate", "nothing.keras", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "evaluate: There is no file nothing.keras.\n"


EXPECTED = {
    "a bad argument": ValueError("`size` must be 3.\nReceived: 4"),
    "no such file": FileNotFoundError("There is no file a\x1b[31mb\r.png"),
    "no such package": ModuleNotFoundError("No module named 'jax'"),
    "no memory": MemoryError(),
    "no room on the disk": tf.errors.ResourceExhaustedError(None, None, "a.cache; No space left on device\n", {}),
    "no memory for TensorFlow": tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\n tensor", {}),
    "a damaged photo": tf.errors.UnknownError(None, None, "{{node}} CorruptDatasetError: a.jpg\nTraceback ...", {}),
    "a removed photo": tf.errors.UnknownError(None, None, "{{a}} in Map: FileNotFoundError: a.jpg\nTraceback ...", {}),
    "a spoiled mask": tf.errors.InvalidArgumentError(None, None, "{{a}} in Map: ValueError: a.png\nTraceback", {}),
}
TOLD = {
    "a damaged photo": "a.jpg",
    "a removed photo": "a.jpg",
    "a spoiled mask": "a.png",
    "no memory for TensorFlow": "not enough memory: OOM when allocating",
    "no room on the disk": "the disk is full: a.cache; No space left on device",
}
UNEXPECTED = [TypeError, KeyError, IndexError, AttributeError, AssertionError, NotImplementedError, RecursionError]


@pytest.mark.parametrize("error", EXPECTED.values(), ids=EXPECTED)
def test_an_expected_error_is_one_printable_line_unless_a_traceback_is_asked_for(error, monkeypatch):
    def fail(options):
        raise error

    monkeypatch.setattr(model_commands, "evaluate", fail)
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["evaluate", "unet"])
    assert stopped.value.code.startswith("evaluate: ")
    assert len(stopped.value.code) > len("evaluate: ")
    assert stopped.value.code.isprintable()
    with pytest.raises(type(error)):
        __main__.main(["--traceback", "evaluate", "unet"])


@pytest.mark.parametrize("name", TOLD)
def test_errors_of_tensorflow_are_told_by_what_they_are(name):
    assert explain(EXPECTED[name]) == TOLD[name]


@pytest.mark.parametrize("error", [*UNEXPECTED, lambda text: tf.errors.InvalidArgumentError(None, None, text, {})])
def test_a_bug_keeps_its_traceback(error, monkeypatch):
    def fail(options):
        raise error("a bug")

    monkeypatch.setattr(model_commands, "evaluate", fail)
    with pytest.raises(Exception, match="a bug") as raised:
        __main__.main(["evaluate", "unet"])
    assert not isinstance(raised.value, SystemExit)


@pytest.mark.parametrize("option", [["grid", "--seeds", "1001"], ["train", "unet", "--image-size", "5000"]])
def test_numbers_that_would_work_for_ever_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        __main__.main(option)
    assert "must be a whole number from 1 to" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["9" * 23, "9" * 5000, "1000001", "0", "-1", "1.5", "1e3", "many", ""])
def test_numbers_out_of_all_proportion_are_refused_at_once(number, capsys):
    options = ["train --epochs", "train --image-size", "train --batch-size", "train --devices", "grid --seeds"]
    for command, option in (words.split() for words in [*options, "export --image-size"]):
        stage = ["unet"] if command != "grid" else []
        with pytest.raises(SystemExit):
            __main__.main([command, *stage, f"{option}={number}"])
        last = capsys.readouterr().err.splitlines()[-1]
        limits = {"train --image-size": "4,096", "grid --seeds": "1,000"}
        limit = limits.get(f"{command} {option}", "1,000,000")
        assert f"argument {option}: must be a whole number from 1 to {limit}, not" in last
        assert len(last) < 200


def test_commands_and_code_that_the_pages_show_are_understood(monkeypatch):
    monkeypatch.setattr(os.path, "isdir", lambda path: True)  # FOLDER
    root, commands, fences = Path(__file__).parents[1], 0, 0
    pages = [*root.glob("tutorials/*.py"), *root.glob("tutorials/**/*.md"), *root.glob("*.md")]
    for path in (*pages, root / "saved_models" / "README.md"):
        text = path.read_text()
        text = re.sub("(?m)^# ?", "", text) if path.suffix == ".py" else text
        text = re.sub(r" *\\\n\s*", " ", text).replace(" OPTIONS", "")
        for line in re.findall(r"(?m)^ *(?:\.venv/bin/)?python -m zoo (.*)", text):
            parser.parser().parse_args(shlex.split(line, comments=True))  # of two on one line the second is too much
            commands += 1
        for code in re.findall(r"(?ms)^ *```python\n(.*?)^ *```", text):
            ast.parse(textwrap.dedent(code))
            fences += 1
    assert commands >= 30
    assert fences >= 5


@pytest.mark.parametrize("command", [["train", "unet"], ["grid"], ["predict", "unet", "a.png"], ["export", "unet"]])
def test_out_that_cannot_be_written_is_found_at_once(command, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "file.x").write_text("")
    strange = os.fsdecode(b"caf\xe9")
    for out in (tmp_path / "file", tmp_path / "file.x", tmp_path / "file" / "below", "/proc/nothing/here", strange):
        monkeypatch.setattr(__main__.quiet, "import_tensorflow", lambda: pytest.fail("too late"))
        with pytest.raises(SystemExit) as stopped:
            __main__.main([*command, "--out", str(out)])
        assert str(stopped.value.code).startswith(f"{command[0]}: ")
        assert "\n" not in stopped.value.code
        assert "--out must" in stopped.value.code or str(out).startswith("/proc")
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_or_a_file_in_a_locked_folder_is_no_place_for_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(__main__.quiet, "import_tensorflow", lambda: pytest.fail("too late"))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(SystemExit, match=r"folder\.png is a folder, and is not replaced"):
        __main__.main(["compare", "a.png", "--overwrite", "--out", str(tmp_path / "folder.png")])
    (tmp_path / "file.png").write_text("")

    def refuse(dir):  # as the disk refuses whoever may not write everywhere
        assert dir == tmp_path
        raise PermissionError(errno.EACCES, "Permission denied", "tmpv7qfig02")

    monkeypatch.setattr(arguments.tempfile, "TemporaryFile", refuse)
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["compare", "a.png", "--overwrite", "--out", str(tmp_path / "file.png")])
    said = f"compare: --out must lie where files can be written. Received: {tmp_path}: Permission denied"
    assert stopped.value.code == said


def test_trials_that_were_stopped_go_on_too(monkeypatch, tmp_path):
    def stop(name, seed, folder):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.commands.training.run_trial", stop)
    with pytest.raises(SystemExit, match="The same command goes on from the last whole epoch"):
        __main__.main(["trials", "--out", str(tmp_path)])


def test_a_stop_that_an_import_turned_into_another_error_is_a_stop(monkeypatch, tmp_path):
    def lose_it(options):
        with contextlib.suppress(SystemExit):
            __main__.stop()
        raise AttributeError("half an import")

    monkeypatch.setattr(__main__, "STOPPED", threading.Event())
    monkeypatch.setattr("zoo.commands.models.predict", lose_it)
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["predict", "unet", "a.png", "--out", str(tmp_path)])
    assert stopped.value.code == 143


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


@pytest.fixture
def by_colour(tmp_path):
    """The file of a model whose classes are red, green and blue, whichever is strongest."""
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Identity()]).save(tmp_path / "own.keras")
    return str(tmp_path / "own.keras")


@pytest.fixture
def photo():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), "uint8"))


def test_evaluate_and_export_take_the_data_set_that_the_model_has_learned(tmp_path, monkeypatch, capsys):
    folder, classes = tmp_path / "streets", ["sky", "road", "car"]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (8, 8)).save(folder / "images" / f"{number}.png")
        Image.new("L", (8, 8), number).save(folder / "masks" / f"{number}.png")
    (folder / "classes.txt").write_text("\n".join(classes))
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1)], name="unet")
    saved.save(model, {"dataset": {"classes": classes}, "recipe": {"dataset": str(folder)}}, tmp_path)
    for ending in ("keras", "json"):  # a model is known by its card under another name, too
        (tmp_path / f"unet.{ending}").rename(tmp_path / f"own.{ending}")
    own, asked, scores = str(tmp_path / "own.keras"), [], saved.card("unet")["scores"]
    written = {"path": "own.onnx", "megabytes": 1, "description": "", "images": 1}
    written |= {"differences": np.zeros(1), "agreement": 1}
    monkeypatch.setattr("zoo.evaluation.evaluate", lambda model, dataset: asked.append(dataset) or scores)
    monkeypatch.setattr("zoo.exporting.export_and_compare", lambda *given, **_: asked.append(given[3]) or written)
    monkeypatch.setattr("zoo.data.default_dataset", lambda: "synthetic_pets")
    __main__.main(["evaluate", own])
    __main__.main(["evaluate", own, "--dataset", str(folder)])
    __main__.main(["export", own])
    __main__.main(["evaluate", "unet"])
    assert asked == [str(folder)] * 3 + ["synthetic_pets"]
    mismatch = r"own\.keras are sky, road, car, and .* synthetic_pets pet, background, border\. .*--dataset"
    with pytest.raises(SystemExit, match=mismatch):
        __main__.main(["evaluate", own, "--dataset", "synthetic_pets"])
    (folder / "classes.txt").write_text("road\nsky\ncar")  # as many, in another order
    with pytest.raises(SystemExit, match=r"are sky, road, car, and .* road, sky, car\. "):
        __main__.main(["evaluate", own])
    folder.rename(tmp_path / "moved")
    with pytest.raises(SystemExit, match=mismatch):
        __main__.main(["evaluate", own])
    assert len(asked) == 4
    capsys.readouterr()
    __main__.main(["export", own])  # any photos will do
    assert asked[4:] == ["synthetic_pets"]
    assert f"synthetic_pets (none was named with --dataset, and {folder} of the card is not here)" in (
        capsys.readouterr().out
    )


def test_any_json_beside_a_model_is_no_hindrance(by_colour, photo, tmp_path, capsys):
    photo.save(tmp_path / "a.png")
    (tmp_path / "own.json").write_text("[]")
    __main__.main(["predict", by_colour, str(tmp_path / "a.png"), "--out", str(tmp_path / "out")])
    assert "Wrote 1 picture" in capsys.readouterr().out


def test_predict_keeps_photos_of_one_name_apart(by_colour, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["a/b/p.png", "a_b/p.png", "c/b/p.png", "b_p.png", "P.PNG", "other.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        photo.save(tmp_path / name)
    again = ["a/b/../b/p.png", "a/b", "other.png"]  # the same once more
    __main__.main(["predict", by_colour, *names, *again, "--out", "out"])
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len({name.casefold() for name in written}) == len(names)
    assert {"a_b_p.png.png", "b_p.png.png", "other.png.png"} <= set(written)


def test_no_picture_of_a_photo_replaces_one_of_another_kind(by_colour, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "a.mask", "legend"):
        photo.save(tmp_path / name, "png")
    monkeypatch.setattr(cards, "class_names", lambda model: ["red", "green", "blue"])
    __main__.main(["predict", by_colour, "a", "a.mask", "legend", "--mask", "--overwrite", "--out", "out"])
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert len(written) == 3 * 2 + 1
    assert Image.open(tmp_path / "out" / "a.mask.png").mode == "L"  # the mask of `a`, and no overlay of `a.mask`
    assert Image.open(tmp_path / "out" / "legend.png").size != photo.size


def test_predict_replaces_nothing_unless_asked_for(by_colour, photo, tmp_path, capsys):
    for name in ("q.jpg", "q.jpg.png", "r.png", "s.png", "t.png"):
        photo.save(tmp_path / name)
    (tmp_path / "kept").write_text("old")
    (tmp_path / "s.png.png").symlink_to(tmp_path / "kept")
    (tmp_path / "t.png.png").write_text("old")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    photos = [str(tmp_path / name) for name in ("q.jpg", "q.jpg.png", "r.png", "s.png", "t.png")]
    with pytest.raises(SystemExit):
        __main__.main(["predict", by_colour, *photos, "--out", str(tmp_path)])
    assert before.items() <= {path.name: path.read_bytes() for path in tmp_path.iterdir()}.items()
    printed = capsys.readouterr()
    assert "Wrote 2 pictures" in printed.out  # of q.jpg.png and r.png
    skipped = [line.split(":")[0].removeprefix("skipped ") for line in printed.err.splitlines()]
    assert skipped == [photos[0], photos[3], photos[4]]
    with pytest.raises(SystemExit):  # because of the photo q.jpg.png, which is never replaced
        __main__.main(["predict", by_colour, *photos, "--out", str(tmp_path), "--overwrite"])
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"s.png.png", "t.png.png"}


def test_a_picture_that_cannot_be_written_ends_no_batch(by_colour, photo, tmp_path, monkeypatch, capsys):
    for name in ("a.png", "b.png"):
        photo.save(tmp_path / name)
    save = Image.Image.save

    def fill_the_disk(image, path, *arguments, **options):
        save(image, path, *arguments, **options)
        if path.name == "a.png.png":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fill_the_disk)
    with pytest.raises(SystemExit):
        __main__.main(["predict", by_colour, str(tmp_path), "--out", str(tmp_path / "out")])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png.png"]
    assert "a.png: [Errno 28] No space left" in capsys.readouterr().err


def test_of_a_photo_all_pictures_are_written_or_none(by_colour, photo, tmp_path, monkeypatch, capsys):
    photo.save(tmp_path / "a.png")
    save = Image.Image.save

    def fill_the_disk(image, path, *arguments, **options):
        if path.name == "a.png.mask.png":
            raise OSError(28, "No space left on device")
        save(image, path, *arguments, **options)

    command = ["predict", by_colour, str(tmp_path / "a.png"), "--mask", "--out", str(tmp_path / "out")]
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", fill_the_disk)
        with pytest.raises(SystemExit):
            __main__.main(command)
    assert not list((tmp_path / "out").iterdir())
    assert "a.png: [Errno 28] No space left" in capsys.readouterr().err
    __main__.main(command)  # the same command does it when there is room
    assert sorted(os.listdir(tmp_path / "out")) == ["a.png.mask.png", "a.png.png"]


def test_names_that_no_system_allows_are_one_photos_fault(by_colour, photo, tmp_path, capsys):
    photo.save(tmp_path / "good.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    names = [str(tmp_path / name) for name in ("loop.png", "loop.png/a.png", "n" * 300 + ".png", "good.png")]
    with pytest.raises(SystemExit):
        __main__.main(["predict", by_colour, *names, "--out", str(tmp_path / "out")])
    assert os.listdir(tmp_path / "out") == ["good.png.png"]
    assert capsys.readouterr().err.count("skipped ") == 3
    with pytest.raises(SystemExit):
        __main__.main(["evaluate", by_colour, "--dataset", "n" * 300])
    assert "--dataset: must be one of" in capsys.readouterr().err.splitlines()[-1]


def test_output_that_nobody_takes_is_no_traceback():
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}  # else nothing waits to be written
    for command, code, words in (
        ("list | true", 0, ""),
        ("list > /dev/full", 1, "list: "),
        ("--help | true", 0, ""),
        ("--help > /dev/full", 0, ""),
    ):
        options = {"env": environment, "capture_output": True, "text": True, "check": False}
        done = subprocess.run(["bash", "-c", f'"$0" -m zoo {command}', sys.executable], **options)
        assert (done.returncode, done.stderr.count("\n")) == (code, bool(words))
        assert done.stderr.startswith(words)


@pytest.mark.parametrize("fault", [MemoryError(), RuntimeError("the device is lost"), ValueError("bad shapes")])
def test_a_fault_of_the_model_is_none_of_the_photos(by_colour, photo, tmp_path, monkeypatch, capsys, fault):
    def fail(model, image):
        raise fault

    monkeypatch.setattr("zoo.prediction.predict_logits", fail)
    photo.save(tmp_path / "a.png")
    with pytest.raises(SystemExit, match=str(fault) or "memory"):
        __main__.main(["predict", by_colour, str(tmp_path / "a.png"), "--out", str(tmp_path / "out")])
    assert "skipped" not in capsys.readouterr().err


def test_a_model_that_cannot_predict_is_refused_once(tmp_path, photo, capsys):
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.Identity()]).save(tmp_path / "any.keras")
    photo.save(tmp_path / "a.png")
    with pytest.raises(SystemExit, match="`model` needs a fixed height and width"):
        __main__.main(["predict", str(tmp_path / "any.keras"), str(tmp_path), "--out", str(tmp_path / "out")])
    assert "skipped" not in capsys.readouterr().err


def test_folders_are_searched_for_pictures_alone(by_colour, photo, tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.h5", "b.hdf", "c.eps", "d.txt", "e.pdf"):
        (folder / name).touch()
    os.mkfifo(folder / "pipe.png")
    (folder / "evil\x1b[2J\n.png").touch()
    photo.save(folder / "good.PNG")
    with pytest.raises(SystemExit):
        __main__.main(["predict", by_colour, str(folder), "--out", str(tmp_path / "out")])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.PNG.png"]
    errors = capsys.readouterr().err
    assert errors.count("\n") == errors.count("skipped") == 2
    assert "\x1b" not in errors


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "unet", ""],
        ["predict", "unet", "a.jpg", "--out", ""],
        ["train", "unet", "--dataset", ""],
        ["train", "unet", "--start", ""],
    ],
)
def test_an_empty_name_is_refused(command, capsys):
    with pytest.raises(SystemExit):
        __main__.main(command)
    assert "must not be empty" in capsys.readouterr().err


def test_compare_replaces_nothing_and_writes_what_it_says(tmp_path):
    (tmp_path / "kept.png").write_text("old")
    (tmp_path / "d").mkdir()
    for name, words in [("kept.png", "is there already"), ("d", "is a folder"), ("e", "must be a .pdf, .png or .svg")]:
        with pytest.raises(SystemExit, match=words):
            __main__.main(["compare", "--out", str(tmp_path / name)])
    assert (tmp_path / "kept.png").read_text() == "old"
    __main__.main(["compare", "--out", str(tmp_path / "kept.png"), "--overwrite"])
    assert Image.open(tmp_path / "kept.png").width > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "kept.png"]


def test_train_hands_its_options_to_the_recipe(monkeypatch, tmp_path):
    asked = []

    def pretend_to_train(stage, recipe, folder, devices, overwrite):
        asked.append((stage, recipe, folder, devices, overwrite))
        return None, saved.card("unet")

    monkeypatch.setattr(trained, "train", pretend_to_train)
    command = ["train", "unet", "--dataset", "synthetic_pets", "--out", str(tmp_path)]
    __main__.main([*command, "--no-xla"])
    __main__.main([*command, "--xla", "--split", "train+validation", "--epochs", "48", "--seed", "3"])
    plain = training.Recipe("synthetic_pets")
    changed = dataclasses.replace(plain, split="train+validation", epochs=48, seed=3, xla=True)
    assert asked == [("unet", plain, tmp_path, 1, False), ("unet", changed, tmp_path, 1, False)]


def test_grid_trains_what_is_not_done_by_the_recipe(monkeypatch, tmp_path, capsys):
    asked = []

    def pretend_to_train(stage, recipe, folder, devices, overwrite):
        asked.append((stage, recipe.seed, recipe.epochs))
        model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 1)], name=stage)
        saved.save(model, {**saved.card("unet"), "recipe": dataclasses.asdict(recipe)}, folder)
        return model, saved.card(stage, folder)

    monkeypatch.setattr(training_commands, "STAGES", ("unet",))
    monkeypatch.setattr(trained, "train", pretend_to_train)
    monkeypatch.setattr(training, "IN_COLOUR", training.Recipe("oxford_iiit_pet", epochs=2))
    command = ["grid", "--seeds", "2", "--out", str(tmp_path)]
    __main__.main(command)
    assert asked == [("unet", 0, 2), ("unet", 1, 2)]
    assert "± 0.000" in capsys.readouterr().out
    __main__.main(command)
    assert len(asked) == 2
    assert "unet, seed 1: done already." in capsys.readouterr().out
    monkeypatch.setattr(training, "IN_COLOUR", training.Recipe("oxford_iiit_pet", epochs=3))
    with pytest.raises(SystemExit, match=r"unet.keras is there already.*--overwrite"):
        __main__.main(command)
    assert len(asked) == 2  # not even the first was begun
    __main__.main([*command, "--overwrite"])
    assert asked[2:] == [("unet", 0, 3), ("unet", 1, 3)]
    __main__.main([*command, "--mixed-precision", "--xla"])  # how a step is computed makes no other recipe
    assert len(asked) == 4
    monkeypatch.setattr(training, "SHORT", training.Recipe("oxford_iiit_pet", epochs=1))
    with pytest.raises(SystemExit, match="is there already"):
        __main__.main([*command, "--short"])
    __main__.main([*command, "--short", "--overwrite"])
    assert asked[4:] == [("unet", 0, 1), ("unet", 1, 1)]
    changed = ["--short", "--dataset", str(tmp_path), "--split", "train", "--epochs", "5", "--image-size", "96x160"]
    command = ["grid", *changed, "--class-weights", "--out", str(tmp_path / "changed")]
    __main__.main(command)
    __main__.main(command)  # done already, though a card has a list where a recipe has a pair
    assert asked[6:] == [("unet", 0, 5)]
    found = training.Recipe(**saved.card("unet", tmp_path / "changed")["recipe"])
    expected = training.Recipe(str(tmp_path), "train", (96, 160), epochs=5, class_weights=True)
    assert training.but_for_rounding(dataclasses.asdict(found)) == training.but_for_rounding(
        dataclasses.asdict(expected)
    )


def test_grid_goes_on_from_the_models_of_a_folder(monkeypatch, tmp_path):
    asked = []

    def pretend_to_train(stage, recipe, folder, devices, overwrite):
        asked.append((stage, recipe, folder))
        return None, saved.card(stage)

    monkeypatch.setattr(trained, "train", pretend_to_train)
    stages, first = ("bed_of_nails", "unet"), tmp_path / "first"
    monkeypatch.setattr(training_commands, "STAGES", stages)
    command = ["grid", "--start", str(first), "--seeds", "2", "--out", str(tmp_path / "second")]
    for folder in (first, first / "seed_1"):
        folder.mkdir()
        (folder / "bed_of_nails.keras").touch()
    (first / "unet.keras").touch()
    with pytest.raises(SystemExit, match=r"seed_1/unet\.keras"):
        __main__.main(command)
    assert not asked  # not even those whose start is there
    (first / "seed_1" / "unet.keras").touch()
    __main__.main(command)
    for stage, recipe, folder in asked:
        seed = "seed_1" if recipe.seed else ""
        assert folder == tmp_path / "second" / seed
        start = str(first / seed / f"{stage}.keras")
        expected = dataclasses.replace(training.MOSTLY_GREY, seed=recipe.seed, start=start)
        assert training.but_for_rounding(vars(recipe)) == training.but_for_rounding(vars(expected))
    assert [(stage, recipe.seed) for stage, recipe, _ in asked] == [
        (stage, seed) for seed in (0, 1) for stage in stages
    ]


@pytest.mark.slow
def test_grid_begins_anew_where_the_recipe_has_changed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 4})
    monkeypatch.setattr(training_commands, "STAGES", ("strided_convolution",))
    monkeypatch.setattr(costs, "costs", lambda model: saved.card("unet")["costs"])
    for build in ("build", "build_for_training"):
        monkeypatch.setattr(models, build, functools.partial(getattr(models, build), filters=(4, 8)))
    recipe = training.Recipe("synthetic_pets", image_size=16, batch_size=4, epochs=1, half_size_share=0)
    for epochs in (1, 2):
        monkeypatch.setattr(training, "IN_COLOUR", dataclasses.replace(recipe, epochs=epochs))
        __main__.main(["grid", "--dataset", "synthetic_pets", "--out", str(tmp_path), "--overwrite"])
        assert len(saved.card("strided_convolution", tmp_path)["history"]) == epochs
        assert not list(tmp_path.glob("strided_convolution/after_epoch_*"))
    assert "done already" not in capsys.readouterr().out


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
    (tmp_path / "other.png").write_text("old")
    with pytest.raises(SystemExit, match=r"other\.png is there already"):
        __main__.main(["benchmark", "stages", "--out", str(tmp_path / "other.json")])
    assert (tmp_path / "other.png").read_text() == "old"
    with pytest.raises(SystemExit, match=r"figures\.json is there already"):
        __main__.main(["benchmark", "stages", "--out", str(tmp_path / "figures.json")])
    with pytest.raises(SystemExit, match=r"must be a \.json file"):
        __main__.main(["benchmark", "stages", "--out", str(tmp_path / "figures.txt")])


FEW_SCENES = """
import os, signal, sys
from zoo import costs, training
from zoo.__main__ import main
from zoo.data import synthetic_pets

def press_ctrl_c(self, batch, logs=None):
    if len(self.history) == 1 and batch == 2:  # within the second epoch
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
synthetic_pets.EXAMPLES.update(train=16, validation=4, test=4)
costs.peak_megabytes = lambda model: 1.0  # which takes a process of its own
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
    with pytest.raises(SystemExit, match="is there already"):
        __main__.main(["train", "sliding_window", "--dataset", "synthetic_pets", "--out", str(tmp_path)])
