"""Training on few pictures of a folder."""

import functools
import itertools
import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from zoo import data, finetuning, models


@pytest.fixture
def folder(tmp_path):
    """Twenty-five pictures of two halves, two of them for validation and three for tests, with a mask each."""
    rng = np.random.default_rng(0)
    names = {"train": range(20), "validation": range(20, 22), "test": range(22, 25)}
    for split, numbers in names.items():
        for part in ("images", "masks"):
            (tmp_path / "halves" / split / part).mkdir(parents=True)
        for number in numbers:
            mask = np.zeros((40, 50), "uint8")
            mask[:, rng.integers(10, 40) :] = 1
            image = (120 * mask + rng.integers(0, 99, mask.shape))[..., None].repeat(3, -1).astype("uint8")
            Image.fromarray(image).save(tmp_path / "halves" / split / "images" / f"{number}.png")
            Image.fromarray(mask).save(tmp_path / "halves" / split / "masks" / f"{number}.png")
    (tmp_path / "halves" / "classes.txt").write_text("left\nright")
    return tmp_path / "halves"


def images_of(folder, split):
    return [image.tobytes() for image, _ in data.examples(folder, split).as_numpy_iterator()]


def test_some_pictures_are_training_pictures_and_all_of_the_test_split(folder):
    few, more = (finetuning.choose(folder, count, seed=1) for count in (3, 19))
    assert set(images_of(few, "train")) < set(images_of(more, "train")) < set(images_of(folder, "train"))
    assert [len(images_of(part, "train")) for part in (few, more)] == [3, 19]
    assert images_of(few, "test") == images_of(more, "test") == images_of(folder, "test")
    assert few.classes == ("left", "right")
    other = finetuning.choose(folder, 3, seed=2)
    assert set(images_of(few, "train")) != set(images_of(other, "train"))


def test_a_part_of_the_pictures_has_all_classes(folder):
    (folder / "classes.txt").unlink()
    mask = folder / "train" / "masks" / "0.png"
    Image.fromarray(np.asarray(Image.open(mask)) + 1).save(mask)  # the third class is in this picture alone
    unnamed = [finetuning.choose(folder, 3, seed) for seed in range(3)]
    assert {part.classes for part in unnamed} == {data.find(folder).classes}
    assert len(data.find(folder).classes) == 3


@pytest.mark.slow
def test_a_network_learns_from_few_pictures_by_our_weights(folder, monkeypatch):
    begun = []
    take_over = finetuning.trained.take_over
    monkeypatch.setattr(finetuning.trained, "take_over", lambda *networks: begun.append(take_over(*networks)))
    monkeypatch.setattr(finetuning, "STEPS", 4)
    monkeypatch.setattr(finetuning, "BATCH", 2)
    build = functools.partial(models.build, filters=(4, 8))  # of which XLA compiles the step in seconds
    monkeypatch.setattr(finetuning.models, "build", build)
    monkeypatch.setattr(finetuning.saved, "load", lambda stage: build(stage, image_shape=(32, 32, 3)))
    scores = finetuning.learn(folder, (16, 32), 4, "unet", seed=0)
    assert begun
    assert scores["iou"].keys() == {"left", "right"}
    assert 0 <= scores["mean_iou"] <= 1


def test_the_command_writes_a_run_for_each_start_and_goes_on_where_it_was_stopped(folder, tmp_path, monkeypatch):
    asked = []

    def learn(folder, image_size, *run):
        asked.append(run)
        return {"mean_iou": 0.5, "iou": {"left": 0.4, "right": 0.6}}

    monkeypatch.setattr(finetuning, "learn", learn)
    monkeypatch.setattr(finetuning, "BATCH", 2)
    monkeypatch.setattr(finetuning, "COUNTS", (4, 500))
    out = tmp_path / "finetuning.json"
    monkeypatch.setattr(sys, "argv", ["finetuning", str(folder), "--image-size", "16x32", "--out", str(out)])
    finetuning.main()
    found = json.loads(out.read_text())
    runs = [(count, start, seed) for count in (4, 20) for seed in finetuning.SEEDS for start in ("", "unet")]
    assert [(run["pictures"], run["start"], run["seed"]) for run in found["runs"]] == runs == asked
    assert (found["classes"], found["test_pictures"], found["image_size"]) == (["left", "right"], 3, [16, 32])
    gone = found["runs"].pop(1)
    out.write_text(json.dumps(found))
    asked.clear()
    finetuning.main()
    assert asked == [(gone["pictures"], gone["start"], gone["seed"])]
    other = shutil.copytree(folder, tmp_path / "other")
    for arguments, name in [([str(other), "--image-size", "16x32"], "dataset"), ([str(folder)], "image_size")]:
        monkeypatch.setattr(sys, "argv", ["finetuning", *arguments, "--out", str(out)])
        with pytest.raises(ValueError, match=f"`{name}` in .* must be .*Move it, or name another --out"):
            finetuning.main()
    out.write_text('{"runs": [1]}')
    with pytest.raises(ValueError, match=r"holds no results of zoo\.finetuning"):
        finetuning.main()
    assert len(asked) == 1


def test_the_results_of_the_page_are_there():
    runs = [(run["pictures"], run["start"]) for run in json.loads(finetuning.RESULTS.read_text())["runs"]]
    counts = (20, 100, 367)  # CamVid has no more for training
    assert set(runs) >= set(itertools.product(counts, finetuning.STARTS))
    assert set(map(runs.count, runs)) == {len(finetuning.SEEDS)}


def test_too_few_pictures_and_no_data_set_are_refused_before_anything_is_trained(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning, "BATCH", 21)
    monkeypatch.setattr(sys, "argv", ["finetuning", str(folder), "--out", str(tmp_path / "out.json")])
    with pytest.raises(ValueError, match=r"must hold at least 21 pictures for training\. Received: 20"):
        finetuning.main()
    for path in (folder / "test").glob("*/*"):
        path.unlink()
    with pytest.raises(ValueError, match=r"is no data set yet: .*test/images holds no picture"):
        finetuning.main()
    monkeypatch.setattr(sys, "argv", ["finetuning", str(tmp_path / "nowhere")])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        finetuning.main()
    assert not (tmp_path / "out.json").exists()
