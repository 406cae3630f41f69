import functools
import json
import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import data, evaluation, training
from zoo.__main__ import main
from zoo.data import oxford_iiit_pet, prepared


@pytest.fixture
def small_copy(tmp_path, monkeypatch, photos):
    """A data set of the first three photos; small_copy(split, change) writes a split whose examples `change` alters."""
    official = prepared.tfds.builder(prepared.NAME).data_path
    folder = tmp_path / "oxford_iiit_pet" / official.name
    folder.mkdir(parents=True)
    for file in official.iterdir():
        if "tfrecord" not in file.name:
            shutil.copyfile(file, folder / file.name)
    info = json.loads((folder / "dataset_info.json").read_text())
    for split in info["splits"]:
        split["shardLengths"] = ["3"]
    (folder / "dataset_info.json").write_text(json.dumps(info))
    builder = functools.partial(prepared.tfds.builder, data_dir=tmp_path)
    monkeypatch.setattr(prepared.tfds, "builder", builder)

    def write(split="train", change=lambda number, feature: None):
        sources = sorted(map(str, official.glob(f"*{split}.tfrecord*")))  # one, or several
        with tf.io.TFRecordWriter(str(folder / f"oxford_iiit_pet-{split}.tfrecord-00000-of-00001")) as file:
            for number, record in enumerate(tf.data.TFRecordDataset(sources).take(3).as_numpy_iterator()):
                example = tf.train.Example.FromString(record)
                change(number, example.features.feature)
                file.write(example.SerializeToString())
        return folder

    write("train")
    write("test")
    return write


def set_second(name, contents):
    """A change of the second example."""

    def change(number, feature):
        if number == 1:
            feature[name].bytes_list.value[0] = contents(feature[name].bytes_list.value[0])

    return change


def with_pixel(value):
    def change(mask):
        pixels = tf.io.decode_png(mask).numpy()
        pixels[3, 4] = value
        return tf.io.encode_png(pixels).numpy()

    return change


def without_a_row(mask):
    return tf.io.encode_png(tf.io.decode_png(mask)[1:]).numpy()


def name_of_second():
    split = oxford_iiit_pet.read_official("train")
    return list(split.as_numpy_iterator())[1]["file_name"].decode()


@pytest.mark.parametrize(
    ("name", "contents", "expected"),
    [
        ("image", lambda jpeg: jpeg[: len(jpeg) // 2], "is damaged"),
        ("image", lambda jpeg: b"", "is damaged"),
        ("image", lambda jpeg: b"no picture", "is damaged"),
        ("segmentation_mask", lambda png: png[:-30], "is damaged"),
        ("segmentation_mask", with_pixel(4), r"must hold 1, 2 and 3\. Received: 4$"),
        ("segmentation_mask", with_pixel(0), r"must hold 1, 2 and 3\. Received: 0$"),
        ("segmentation_mask", with_pixel(255), r"must hold 1, 2 and 3\. Received: 255$"),
        ("segmentation_mask", without_a_row, r"must be of its photo's size, \(\d+, \d+\)\. Received: \(\d+, \d+\)$"),
    ],
)
def test_what_is_wrong_within_a_record_is_named_in_one_line(
    small_copy, tmp_path, monkeypatch, name, contents, expected
):
    small_copy("train", set_second(name, contents))
    expected = f"The \\w+ of {name_of_second()} in the data set {expected}"
    monkeypatch.setattr(
        "zoo.training.train", lambda build, recipe, folder: list(training.load(recipe, recipe.split, 16))
    )
    command = ["train", "fully_convolutional", "--dataset", "oxford_iiit_pet", "--split", "train+validation"]
    with pytest.raises(SystemExit, match=f"^train: {expected}") as stopped:
        main([*command, "--out", str(tmp_path / "out")])
    assert "\n" not in stopped.value.code
    with pytest.raises(tf.errors.OpError, match=expected.removesuffix("$")):
        list(data.examples("oxford_iiit_pet", "train+validation"))


@pytest.mark.parametrize("field", ["species", "image", "segmentation_mask", "file_name"])
def test_a_record_with_a_missing_field_gets_one_line(small_copy, field):
    def take_away(number, feature):
        if number == 1:
            del feature[field]

    small_copy("test", take_away)
    with pytest.raises(SystemExit, match=rf"^evaluate: The split 'test' of oxford_iiit_pet: .*{field}") as stopped:
        main(["evaluate", "unet", "--dataset", "oxford_iiit_pet"])
    assert "\n" not in stopped.value.code


def test_photos_are_decoded_as_tensorflow_does(small_copy):
    found = list(data.examples("oxford_iiit_pet", "train+validation").as_numpy_iterator())
    stored = list(oxford_iiit_pet.read_official("train").as_numpy_iterator())
    for (image, mask), example in zip(found, stored, strict=True):
        np.testing.assert_array_equal(image, tf.io.decode_image(example["image"], channels=3))
        np.testing.assert_array_equal(mask + 1, tf.io.decode_image(example["segmentation_mask"])[..., 0])


def test_records_are_read_once_until_a_file_changes(small_copy, monkeypatch):
    read, reads = oxford_iiit_pet.read_official, []
    monkeypatch.setattr(oxford_iiit_pet, "read_official", lambda official: reads.append(official) or read(official))
    first = oxford_iiit_pet.species("train+validation")
    assert oxford_iiit_pet.species("train+validation") == first
    assert len(data.examples("oxford_iiit_pet", "train+validation")) == 3
    assert reads == ["train"] * 2  # once to check, and once for the examples, which nobody has asked for yet
    folder = small_copy("train", set_second("image", lambda jpeg: jpeg + b" "))
    oxford_iiit_pet.species("train+validation")
    assert reads == ["train"] * 3
    for file in folder.glob("*train.tfrecord*"):
        with open(file, "r+b") as records:
            records.seek(-10, os.SEEK_END)
            records.write(b"!!!!")
        with pytest.raises(data.CorruptDatasetError, match=file.name):
            oxford_iiit_pet.species("train+validation")


def test_evaluation_reads_the_records_twice_and_each_photo_once(small_copy, monkeypatch):
    small_copy("test", set_second("image", lambda jpeg: jpeg + b" "))  # which no process has checked yet
    read, reads = oxford_iiit_pet.read_official, []
    monkeypatch.setattr(oxford_iiit_pet, "read_official", lambda official: reads.append(official) or read(official))
    decode, decoded = oxford_iiit_pet.read_pictures, []

    @tf.autograph.experimental.do_not_convert
    def count_and_decode(*example):
        decoded.append(example[0].numpy())
        return decode(*example)

    monkeypatch.setattr(oxford_iiit_pet, "read_pictures", count_and_decode)
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1)])
    evaluation.evaluate(model, "oxford_iiit_pet", batch_size=2)
    assert reads == ["test"] * 2  # to check them, and to score
    assert len(decoded) == len(set(decoded)) == 3


def test_a_broken_installation_is_no_fault_of_the_files(monkeypatch):
    def break_off(name):
        raise ImportError("a part of TensorFlow Datasets is missing")

    monkeypatch.setattr(prepared.tfds, "builder", break_off)
    with pytest.raises(ImportError, match="a part of TensorFlow Datasets is missing"):
        prepared.is_prepared()


@pytest.mark.parametrize("contents", ["", "{}", "[]", '{"name": 7}', "\x00"])
@pytest.mark.parametrize("file", ["dataset_info.json", "features.json"])
def test_a_broken_description_gets_one_line(small_copy, tmp_path, file, contents):
    folder = small_copy()
    (folder / file).write_text(contents)
    for command in (["evaluate", "unet"], ["export", "unet", "--out", str(tmp_path / "out")]):
        with pytest.raises(SystemExit, match=rf"^{command[0]}: ") as stopped:
            main(command)
        assert "oxford_iiit_pet" in stopped.value.code
        assert "\n" not in stopped.value.code


def test_an_empty_validation_split_is_said(small_copy, tmp_path):
    validation = [entry for entry in oxford_iiit_pet.contents("train", ()) if entry[1] == "validation"]
    assert not validation  # of the first three photos
    with pytest.raises(SystemExit, match=r"split 'validation'.*is empty.*--split train\+validation"):
        main(["export", "unet", "--dataset", "oxford_iiit_pet", "--out", str(tmp_path / "out")])


def test_missing_test_photos_are_found_before_the_epochs(small_copy, tmp_path, monkeypatch):
    for file in small_copy().glob("*test.tfrecord*"):
        file.unlink()
    monkeypatch.setattr("zoo.training.train", lambda *_: pytest.fail("the epochs have begun"))
    command = ["train", "unet", "--dataset", "oxford_iiit_pet", "--split", "train+validation", "--out", str(tmp_path)]
    with pytest.raises(SystemExit, match=r"^train: The file .*test\.tfrecord.* is damaged or missing"):
        main(command)


def test_a_missing_split_is_named(small_copy):
    folder = small_copy()
    info = json.loads((folder / "dataset_info.json").read_text())
    info["splits"] = [split for split in info["splits"] if split["name"] != "test"]
    (folder / "dataset_info.json").write_text(json.dumps(info))
    with pytest.raises(data.CorruptDatasetError, match="must have a split 'test'"):
        data.load("oxford_iiit_pet", "test")


@pytest.mark.parametrize("error", prepared.FAILED_DOWNLOADS)
def test_a_failed_download_gets_one_line(monkeypatch, error):
    class Builder:
        def download_and_prepare(self):
            raise error("Failed to get url https://a.b/c.tar.gz.\nHTTP code: 404.")

    monkeypatch.setattr(prepared, "find_builder", Builder)
    with pytest.raises(SystemExit, match=r"^download: Oxford-IIIT Pet could not be downloaded: Failed to get url \S+$"):
        main(["download"])


def test_the_advice_of_every_command_is_an_option_that_it_has(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(prepared, "is_prepared", lambda: False)
    monkeypatch.setattr(prepared.tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    for command in (["grid"], ["train", "unet", "--dataset", "oxford_iiit_pet"]):
        with pytest.raises(SystemExit, match="--dataset synthetic_pets"):
            main([*command, "--out", str(tmp_path)])
        with pytest.raises(SystemExit):
            main([command[0], "--help"])
        assert "--dataset" in capsys.readouterr().out
