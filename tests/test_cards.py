import copy
import hashlib
import json
import os

import pytest

import zoo
from zoo import cards, files
from zoo.__main__ import main


def test_list_reads_cards_and_loads_neither_keras_nor_numpy(run_zoo):
    result = run_zoo("list", PYTHONPROFILEIMPORTTIME="1")
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "zoo.tables" in imported
    assert not {"keras", "tensorflow", "numpy"} & imported
    assert [line.split()[1] for line in result.stdout.splitlines()[2:]] == list(zoo.STAGES)
    assert not [line for line in result.stderr.splitlines() if not line.startswith("import time:")]


def changed(*place, value=None, remove=False):
    """The U-Net's card with one entry changed or removed, as text."""
    card = copy.deepcopy(cards.card("unet"))
    inner = card
    for name in place[:-1]:
        inner = inner[name]
    if remove:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return json.dumps(card)


BROKEN = {
    "empty": "",
    "a list": "[]",
    "an empty object": "{}",
    "null": "null",
    "a number": "1",
    "cut": changed("stage", value="unet")[:300],
    "no text": b"\xff\xfe\x00",
    "endless brackets": "[" * 100_000,
    "a number of 5,000 digits": '{"stage": ' + "1" * 5000 + "}",
    "another stage": changed("stage", value="max_unpooling"),
    "no checksum": changed("sha256", remove=True),
    "a checksum that is a number": changed("sha256", value=7),
    "no scores": changed("scores", remove=True),
    "scores that are a list": changed("scores", value=[]),
    "a score that is a word": changed("scores", "at_network_size", "mean_iou", value="good"),
    "a score that is true": changed("scores", "at_network_size", "binary_iou", value=True),
    "no class": changed("scores", "at_network_size", "iou", value={}),
    "a class whose score is a word": changed("scores", "at_network_size", "iou", "tail", value="long"),
    "one score of the foreground alone": changed("scores", "at_network_size", "binary_iou", remove=True),
    "no costs": changed("costs", remove=True),
    "a cost of 400 digits": changed("costs", "parameters", value=10**400),
    "a cost that is nothing": changed("costs", "milliseconds", value=None),
    "memory that is a word": changed("costs", "peak_megabytes", value="much"),
    "a recipe that is a word": changed("recipe", value="bake"),
}


@pytest.mark.parametrize("contents", BROKEN.values(), ids=BROKEN)
def test_a_broken_card_gets_one_line_that_names_its_file(contents, tmp_path, monkeypatch):
    path = tmp_path / "unet.json"
    path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        main(["list"])
    assert stopped.value.code.startswith("list: ")
    assert str(path) in stopped.value.code
    assert "\n" not in stopped.value.code
    assert len(stopped.value.code) < 600


def test_a_card_may_lack_its_memory(tmp_path, monkeypatch, capsys):
    without = json.loads(changed("costs", "peak_megabytes", value=None))
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    for _ in range(2):  # null, and then not there
        (tmp_path / "unet.json").write_text(json.dumps(without))
        main(["list"])
        assert "| unet" in capsys.readouterr().out
        without["costs"].pop("peak_megabytes", None)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_read(make, tmp_path):
    make(tmp_path / "unet.json")
    with pytest.raises(OSError, match=r"unet\.json must be a plain file"):
        cards.cards(tmp_path)


def test_names_of_classes_are_those_of_the_model_that_the_card_describes(tmp_path):
    (tmp_path / "own.keras").write_bytes(b"a model")
    known = hashlib.sha256(b"a model").hexdigest()
    assert cards.class_names(str(tmp_path / "own.keras")) is None
    for contents, expected in (
        ({"sha256": known, "dataset": {"classes": ["sky", "road"]}}, ["sky", "road"]),
        ({"sha256": known, "stage": "unet", "dataset": {"classes": ["sky", "road"]}}, ["sky", "road"]),  # renamed
        ({"sha256": known, "dataset": {"classes": ["sk\x1b[2Jy", "ro\nad"]}}, ["sk\\x1b[2Jy", "ro\\nad"]),
        ({"sha256": known, "dataset": {"classes": [0, 1]}}, None),
        ({"sha256": "of another", "dataset": {"classes": ["sky", "road"]}}, None),
        ({"notes": "of somebody"}, None),
        ([1, 2], None),
    ):
        (tmp_path / "own.json").write_text(json.dumps(contents))
        assert cards.class_names(str(tmp_path / "own.keras")) == expected
    for contents in (b"", b"[" * 100_000, b"\xff\xfe\x00"):
        (tmp_path / "own.json").write_bytes(contents)
        assert cards.class_names(str(tmp_path / "own.keras")) is None
    (tmp_path / "own.json").unlink()
    os.mkfifo(tmp_path / "own.json")
    assert cards.class_names(str(tmp_path / "own.keras")) is None


def test_an_empty_folder_name_is_none():
    with pytest.raises(ValueError, match="`folder` must name a folder of saved models"):
        cards.cards("")


def test_a_wrong_default_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path / "nowhere"))
    for command in (["list"], ["compare"], ["evaluate", "unet"]):
        with pytest.raises(SystemExit, match=r"ZOO_SAVED_MODELS must name a folder.*nowhere"):
            main(command)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    with pytest.raises(SystemExit, match=r"holds no saved model.*ZOO_SAVED_MODELS"):
        main(["list"])
    assert cards.cards(tmp_path) == {}  # a folder that was named may still be empty


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_does_not_know_is_not_written(number, tmp_path):
    path = tmp_path / "unet.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(path, {"scores": {"mean_iou": number}})
    assert path.read_text() == "{}"
