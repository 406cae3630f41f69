import hashlib
import json
import os
import shutil
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageFile

from zoo import data, evaluation, inspection, models, training
from zoo.data import contents, modes, pairs, pictures
from zoo.data.advice import BATCH
from zoo.training import state

CLASSES = ("sky", "road", "car")


@pytest.fixture
def folder(tmp_path, rng):
    """Thirty photos of 12 x 16 with masks of three classes, and 255 at the left edge."""
    for part in ("images", "masks"):
        (tmp_path / "own" / part).mkdir(parents=True)
    for number in range(30):
        write_pair(tmp_path / "own", f"p{number:02}", rng)
    (tmp_path / "own" / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    return tmp_path / "own"


def write_pair(folder, name, rng, size=(12, 16)):
    """Writes a photo, and a mask with a palette, whose colours say nothing of its numbers."""
    Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")).save(folder / "images" / f"{name}.png")
    numbers = rng.integers(0, len(CLASSES), size, "uint8")
    numbers[:, 0] = 255
    mask = Image.fromarray(numbers)
    mask.putpalette(rng.integers(0, 256, 768, "uint8").tobytes())
    mask.save(folder / "masks" / f"{name}.png")
    return numbers


def test_a_folder_is_a_data_set(folder):
    dataset = data.find(folder)
    assert (dataset.name, dataset.classes, dataset.background, dataset.ignored) == ("own", CLASSES, None, 255)
    assert dataset.logits == 3
    names = sorted(path.stem for path in (folder / "images").iterdir())
    for split, digits in (("test", "01"), ("validation", "2"), ("train", "3456789")):
        # The last decimal digit of the hash, from the definition and not by `tenth`.
        expected = [n for n in names if str(int(hashlib.sha256(n.encode()).hexdigest(), 16))[-1] in digits]
        found = list(data.examples(folder, split).as_numpy_iterator())
        assert len(found) == len(expected) == data.describe(folder, split)["examples"] > 0
        for (image, mask), name in zip(found, expected, strict=True):
            np.testing.assert_array_equal(image, np.asarray(Image.open(folder / "images" / f"{name}.png")))
            np.testing.assert_array_equal(mask, np.asarray(Image.open(folder / "masks" / f"{name}.png")))


def test_a_new_picture_moves_no_other(folder, rng):
    before = {pair.name: pair.split for pair in opened(folder)}
    write_pair(folder, "a new one", rng)
    after = {pair.name: pair.split for pair in opened(folder)}
    assert before.items() <= after.items()
    assert len(after) == 31


def look(folder):
    return data.look(folder).problems


def opened(folder):
    return data.find(folder).examples.args[0].pairs


def test_description(folder):
    found = data.describe(folder, "train+validation")
    masks = [mask for _, mask in data.examples(folder, "train+validation").as_numpy_iterator()]
    numbers, counts = np.unique(masks, return_counts=True)
    assert found["pixels"] == dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    assert (found["smallest"], found["largest"]) == ((12, 16), (12, 16))
    before = found["sha256"]
    path = folder / "masks" / "p00.png"
    changed = np.asarray(Image.open(path)).copy()
    changed[5, 5] = (changed[5, 5] + 1) % 3
    Image.fromarray(changed).save(path)
    assert (data.describe(folder, "train+validation")["sha256"] != before) == (pairs.tenth("p00") > 1)


def test_batches_of_any_aspect_with_the_ignored_number_outside(folder):
    images, masks = next(
        iter(data.load(folder, "train", (16, 32), 4, augmentation=data.Augmentation(scale_jitter=3.0)))
    )
    assert images.shape == (4, 16, 32, 3)
    assert masks.shape == (4, 16, 32)
    assert set(np.unique(masks)) == {0, 1, 2, 255}
    outside = (np.asarray(images) == 0).all(-1)
    assert outside.sum() > 20  # shrunk images leave a black rim, which no class may teach
    assert (np.asarray(masks)[outside] == 255).mean() > 0.9


def test_pasting_needs_a_background(folder):
    with pytest.raises(ValueError, match="`paste_share` needs a class that is background"):
        data.load(folder, "train", 16, 4, augmentation=data.Augmentation(paste_share=0.5))


def test_levels(rng, tmp_path):
    for split in ("train", "val", "test"):
        for part in ("images", "masks"):
            (tmp_path / "levels" / split / part).mkdir(parents=True)
        for number in range(12):
            write_pair(tmp_path / "levels" / split, f"{split}{number}", rng)
    counts = [len(data.examples(tmp_path / "levels", split)) for split in ("train", "validation", "test")]
    assert counts == [12, 12, 12]
    assert data.find(tmp_path / "levels").classes == ("class 0", "class 1", "class 2")
    (tmp_path / "levels" / "val").rename(tmp_path / "away")
    spared = sum(pairs.tenth(f"train{number}") == 2 for number in range(12))
    counts = [len(data.examples(tmp_path / "levels", split)) for split in ("train", "train+validation", "test")]
    assert counts == [12 - spared, 12, 12]
    assert "move pictures and masks between the folders" in advice(tmp_path / "levels")[-1]  # lists are not heeded


def test_lists(folder):
    (folder / "train.txt").write_text("p00\np01.png\n\n")
    (folder / "val.txt").write_text("p02")
    (folder / "test.txt").write_text("p03\np04\n")
    assert [len(data.examples(folder, split)) for split in data.SPLITS] == [2, 1, 3, 2]
    (folder / "test.txt").write_text("p00\nnobody\n")
    with pytest.raises(ValueError, match=r"p00 stands in train.txt and in test.txt; nobody stands in test.txt"):
        data.find(folder)
    (folder / "test.txt").write_text("p03\np04\n")
    for name in ("p20", "p21"):  # which stand in no list, and do not count
        (folder / "masks" / f"{name}.png").unlink()
    (folder / "images" / "p22.png").write_bytes(b"no picture")
    assert [len(data.examples(folder, split)) for split in data.SPLITS] == [2, 1, 3, 2]
    for name in ("p20", "p21", "p22"):
        write_pair(folder, name, np.random.default_rng(0))
    (folder / "val.txt").unlink()  # then a tenth of the training pictures is spared, as in folders
    listed = [f"p{number:02}" for number in (*range(3), *range(5, 30))]
    (folder / "train.txt").write_text("\n".join(listed))
    spared = sum(pairs.tenth(name) == 2 for name in listed)
    assert spared
    assert [len(data.examples(folder, split)) for split in data.SPLITS] == [28 - spared, spared, 28, 2]


def test_turned_photos(folder, rng):
    photo = rng.integers(0, 256, (12, 16, 3), "uint8")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter to the right
    Image.fromarray(photo).save(folder / "images" / "p00.png", exif=exif)
    with pytest.raises(ValueError, match=r"size 16 x 12, and its photo of 12 x 16 \(which an orientation tag, EX"):
        data.find(folder)
    mask = rng.integers(0, 3, (12, 16), "uint8")
    Image.fromarray(mask).save(folder / "masks" / "p00.png", exif=exif)
    split = {pair.name: pair.split for pair in opened(folder)}["p00"]
    image, numbers = next(data.examples(folder, split).as_numpy_iterator())
    np.testing.assert_array_equal(image, np.rot90(photo, -1))
    np.testing.assert_array_equal(numbers, np.rot90(mask, -1))


def test_masks_in_colours(folder, rng):
    (folder / "classes.txt").unlink()
    colours = {"sky": [70, 130, 180], "ignored": [0, 0, 0], "road": [128, 64, 128]}
    (folder / "classes.json").write_text(json.dumps(colours))
    truth = {}
    for path in (folder / "masks").iterdir():
        numbers = truth[path.stem] = rng.choice([0, 255, 1], (12, 16))
        table = {0: colours["sky"], 255: colours["ignored"], 1: colours["road"]}
        Image.fromarray(np.array([[table[n] for n in row] for row in numbers], "uint8")).save(path)
    assert data.find(folder).classes == ("sky", "road")
    for split in ("train", "validation", "test"):
        names = [pair.name for pair in opened(folder) if pair.split == split]
        for (_, mask), name in zip(data.examples(folder, split).as_numpy_iterator(), names, strict=True):
            np.testing.assert_array_equal(mask, truth[name])
    Image.new("RGB", (16, 12), (1, 2, 3)).save(folder / "masks" / "p07.png")
    with pytest.raises(ValueError, match=r"p07.png: its colours must be in classes.json. Received: \(1, 2, 3\)"):
        data.find(folder)


def test_one_class_takes_one_logit(folder):
    (folder / "classes.txt").write_text("crack\n")
    for path in (folder / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) == 1).save(path)  # one bit
    dataset = data.find(folder)
    assert (dataset.classes, dataset.background, dataset.logits) == (("background", "crack"), 0, 1)
    _, mask = next(data.examples(folder, "train").as_numpy_iterator())
    assert set(np.unique(mask)) == {0, 1}


def test_a_grey_mask_among_those_in_colours_counts_by_its_colours(folder):
    (folder / "classes.txt").unlink()
    (folder / "classes.json").write_text(json.dumps({"cell": [255, 255, 255], "ground": [0, 0, 0], "core": [9, 0, 0]}))
    for number, path in enumerate(sorted((folder / "masks").iterdir())):
        colours = np.zeros((12, 16, 3), "uint8")
        colours[:, 4:] = 255
        colours[0, 0, 0] = 9 * (number % 3 == 0)
        mask = Image.fromarray(colours)
        (mask, mask.convert("L"), mask.convert("1"))[number % 3].save(path)
    for split in ("train", "validation", "test"):
        for _, mask in data.examples(folder, split).as_numpy_iterator():
            assert (mask[1:] == [1] * 4 + [0] * 12).all()
    path = folder / "masks" / "p01.png"
    Image.fromarray(np.full((12, 16), 2, "uint8")).save(path, bits=2)  # of a colour that is none
    for name in ("p02", "p04"):
        assert any(f"{name}.png is grey" in problem and "p01.png can only be" in problem for problem in look(folder))
    (folder / "classes.json").write_text(json.dumps({"evil\x1b[2J": [0, 0, 0]}))
    with pytest.raises(ValueError, match=r"must be printable, with no space around them. Received: 'evil\\x1b"):
        data.find(folder)


def test_a_grey_mask_that_could_mean_two_things_is_refused(folder, rng):
    """By its colours it is all background, by its numbers all road; others can only be meant by their numbers."""
    colours = {"road": [128, 64, 128], "car": [0, 0, 142], "background": [0, 0, 0]}
    (folder / "classes.txt").unlink()
    (folder / "classes.json").write_text(json.dumps(colours))
    for number in range(30):
        grey = np.zeros((12, 16), "uint8") if number == 7 else rng.integers(0, 3, (12, 16), "uint8")
        Image.fromarray(grey).save(folder / "masks" / f"p{number:02}.png")
    problems = data.look(folder).problems
    assert len(problems) == 1
    assert "p07.png is grey: its colours and its numbers name different classes, and" in problems[0]
    for number in range(30):  # without the others it is a mask in colours, as all are
        if number != 7:
            coloured = np.array(list(colours.values()), "uint8")[rng.integers(0, 3, (12, 16))]
            Image.fromarray(coloured).save(folder / "masks" / f"p{number:02}.png")
    assert not data.look(folder).problems
    (pair,) = (pair for pair in opened(folder) if pair.name == "p07")
    assert pair.pixels == {2: 12 * 16}


def test_greys_of_few_bits_count_by_their_colours(folder):
    """A PNG of two bits shows 0, 85, 170 and 255, as the others with eight bits."""
    (folder / "classes.txt").unlink()
    (folder / "classes.json").write_text(json.dumps({f"grey {g}": [g, g, g] for g in (255, 170, 85, 0)}))
    for number in range(30):
        mask = np.full((12, 16), number % 4, "uint8")
        if number % 2:
            Image.fromarray(mask).save(folder / "masks" / f"p{number:02}.png", bits=2)
        else:
            Image.fromarray(mask * 85).save(folder / "masks" / f"p{number:02}.png")
    assert not look(folder)
    assert {pair.name: pair.pixels for pair in opened(folder)} == {f"p{n:02}": {3 - n % 4: 192} for n in range(30)}


@pytest.mark.parametrize(
    ("name", "contents", "words"),
    [
        ("classes.txt", "background\n", "needs another name than background"),
        ("classes.json", '{"background": [9, 9, 9]}', "needs another name than background"),
        ("classes.txt", "a\n\nb\n", "each line names a class, from 0, and line 2 is empty"),
        ("classes.json", "{}", "must name a class"),
        ("classes.json", '{"ignored": [0, 0, 0]}', "must name a class"),
        ("classes.json", '{"a": [0, 0, 0], "a": [1, 1, 1]}', "two classes have one name"),
        ("classes.json", '{"": [0, 0, 0], "a": [1, 1, 1]}', "with no space around them. Received: ''"),
        ("classes.json", '{" b ": [0, 0, 0], "a": [1, 1, 1]}', "with no space around them. Received: ' b '"),
    ],
)
def test_names_that_tell_no_classes_apart_are_refused(folder, name, contents, words):
    (folder / "classes.txt").unlink()
    (folder / name).write_text(contents)
    assert any(words in problem for problem in data.look(folder).problems)


def test_two_files_of_classes_must_agree(folder):
    grey = {"sky": [0, 0, 0], "road": [1, 1, 1], "car": [2, 2, 2], "ignored": [255, 255, 255]}
    (folder / "classes.json").write_text(json.dumps(grey))
    assert not data.look(folder).problems
    (folder / "classes.json").write_text(json.dumps({name: grey[name] for name in ("road", "sky", "car", "ignored")}))
    assert any("classes.txt beside it names other classes, or in" in problem for problem in data.look(folder).problems)


def test_files_that_would_be_passed_over_are_named(folder):
    (folder / "Train.txt").write_text("p00")
    (folder / "classes.txt").rename(folder / "Classes.txt")
    for part in ("images", "masks"):
        (folder / "test" / part).mkdir(parents=True)
    problems = data.look(folder).problems
    for words in ("Train.txt must be called train.txt", "Classes.txt must be called classes.txt", "or test/"):
        assert any(words in problem for problem in problems)


def test_names_with_dots_accents_and_folders_in_lists(folder, rng):
    for name in ("p.png", "e\u0301"):  # an e and its accent, as macOS writes them
        write_pair(folder, name, rng)
    (folder / "masks" / "e\u0301.png").rename(folder / "masks" / "\u00e9.png")
    (folder / "train.txt").write_text("p.png\n./images/p00\nimages/p01.png\n\u00e9")
    (folder / "test.txt").write_text("p02")
    contents = data.look(folder)
    assert not contents.problems
    listed = {pair.name for pair in contents.pairs if pair.split in ("train", "validation")}
    assert listed == {"p.png", "p00", "p01", "\u00e9"}


def test_one_class_in_colours(folder):
    (folder / "classes.txt").unlink()
    (folder / "classes.json").write_text(json.dumps({"crack": [255, 0, 0], "ignored": [9, 9, 9]}))
    colours = np.array([[0, 0, 0], [255, 0, 0], [9, 9, 9]], "uint8")
    for path in (folder / "masks").iterdir():
        Image.fromarray(colours[[[0, 1, 2]]]).resize((16, 12), Image.Resampling.NEAREST).save(path)
    dataset = data.find(folder)
    assert (dataset.classes, dataset.background, dataset.logits) == (("background", "crack"), 0, 1)
    _, mask = next(data.examples(folder, "train").as_numpy_iterator())
    assert [mask[0, 0], mask[0, 8], mask[0, 15]] == [0, 1, 255]


@pytest.mark.parametrize("wrong", [[{"name": "crack", "color": [255, 0, 0]}], {"crack": 5}, {"crack": "red"}])
def test_colours_of_another_form_are_told_the_form(folder, wrong):
    (folder / "classes.json").write_text(json.dumps(wrong))
    with pytest.raises(ValueError, match=r"classes.json: .* \{\"background\": \[0, 0, 0\], .*\}. Received: ") as error:
        data.find(folder)
    assert str(wrong["crack"] if isinstance(wrong, dict) else wrong) in str(error.value)


def test_palettes_that_contradict_the_colours_of_the_classes_are_refused(folder):
    (folder / "classes.txt").unlink()
    (folder / "classes.json").write_text(json.dumps({"ground": [0, 0, 0], "crack": [255, 0, 0], "ignored": [9, 9, 9]}))
    agreeing = [0, 0, 0, 255, 0, 0] + 253 * [1, 2, 3] + [9, 9, 9]
    for path in (folder / "masks").iterdir():
        mask = Image.fromarray(np.tile(np.array([0, 1, 1, 255], "uint8"), (12, 4)))
        mask.putpalette(agreeing)
        mask.save(path)
    assert data.find(folder).classes == ("ground", "crack")
    _, numbers = next(data.examples(folder, "train").as_numpy_iterator())
    assert set(np.unique(numbers)) == {0, 1, 255}
    mask = Image.fromarray(np.tile(np.array([0, 1], "uint8"), (12, 8)))
    mask.putpalette([1, 2, 3, 0, 0, 0])  # one colour is no class: then colours say nothing
    mask.save(folder / "masks" / "p00.png")
    assert not data.look(folder).problems
    mask = Image.fromarray(np.tile(np.array([0, 1, 255], "uint8"), (12, 8))[:, :16])
    # As ImageMagick and pngquant may order it; and what does not count has the colour that VOC gives it.
    mask.putpalette([255, 0, 0, 0, 0, 0] + 253 * [1, 2, 3] + [224, 224, 192])
    mask.save(folder / "masks" / "p00.png")
    with pytest.raises(
        ValueError, match=r"p00.png: .*index 0 is class 0 .* class 1 by its colour \(255, 0, 0\). .*RGB"
    ):
        data.find(folder)


@pytest.mark.parametrize("names", ["", "crack", "sky\nroad"])
def test_masks_of_0_and_255_alone_teach_nothing(folder, names):
    (folder / "classes.txt").write_text(names) if names else (folder / "classes.txt").unlink()
    for path in (folder / "masks").iterdir():
        Image.fromarray(np.tile(np.array([0, 255], "uint8"), (12, 8))).save(path)
    with pytest.raises(ValueError, match=r"all masks hold 0 and 255 alone.*255 does not count") as error:
        data.find(folder)
    way_out = str(error.value).partition("`classes.json` says so: ")[2].removesuffix(".")
    (folder / "classes.json").write_text(way_out)
    (folder / "classes.txt").unlink(missing_ok=True)
    assert data.find(folder).classes == ("background", "crack")
    _, mask = next(data.examples(folder, "train").as_numpy_iterator())
    assert (mask == np.tile([0, 1], (12, 8))).all()


def test_a_mask_of_instances_takes_no_memory(folder):
    (folder / "classes.txt").unlink()
    (folder / "masks" / "p00.png").unlink()
    Image.fromarray(np.full((12, 16), 2**31 - 1, "int32")).save(folder / "masks" / "p00.tif")
    with pytest.raises(ValueError, match="there may be up to 1000 classes"):
        data.find(folder)
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    inspection.draw(data.look(folder))


def test_masks_are_counted_by_strips(folder, monkeypatch):
    before = data.look(folder).pairs
    monkeypatch.setattr(modes, "STRIP", 32)  # two rows
    os.utime(folder / "classes.txt", ns=(0, 0))
    assert data.look(folder).pairs == before
    for pair in before:
        mask = np.asarray(Image.open(pair.mask)).astype("int32")
        numbers, counts = np.unique(mask, return_counts=True)
        assert list(pair.pixels.items()) == list(zip(numbers.tolist(), counts.tolist(), strict=True))
        assert pair.sha256 == hashlib.sha256(mask.tobytes()).hexdigest()


def test_looking_at_a_pair_takes_five_bytes_a_pixel(folder):
    files = (folder / "images" / "large.png", folder / "masks" / "large.png")
    for path in files:
        Image.new("1", (4000, 4000)).save(path)
    tracemalloc.start()  # of NumPy and Python: Pillow's own bytes, of which a mask has one a pixel, do not count
    try:
        assert contents.look_at_pair("large", "train", *files, {}).pixels == {0: 4000**2}
        assert tracemalloc.get_traced_memory()[1] < 5 * 4000**2
    finally:
        tracemalloc.stop()


def test_two_large_pictures_at_a_time(folder, monkeypatch):
    within, most, read = [], [], pictures.read_image

    def read_slowly(path):
        within.append(path)
        most.append(len(within))
        time.sleep(0.005)
        within.remove(path)
        return read(path)

    monkeypatch.setattr(pictures, "read_image", read_slowly)
    monkeypatch.setattr(contents, "LARGE", 12 * 16 - 1)
    data.look(folder)
    assert (len(most), max(most)) == (30, 2)


def test_numbers_that_are_no_class_fill_no_page(folder):
    Image.fromarray(np.arange(1000, 1192, dtype="uint16").reshape(12, 16)).save(folder / "masks" / "p00.png")
    lines = inspection.report(data.look(folder)).splitlines()
    assert [line.split()[1] for line in lines if "no class" in line] == [str(n) for n in range(1000, 1020)]
    assert any(line.startswith("| and 172 more ") for line in lines)
    (folder / "classes.txt").unlink()  # then they would count as 1192 classes
    assert len(inspection.report(data.look(folder)).splitlines()) < 50
    (folder / "classes.txt").write_text("\n".join(f"kind {number}" for number in range(1001)))
    assert "there may be up to 1000 classes, and not 1001" in data.look(folder).problems
    Image.new("L", (40, 40)).save(folder / "images" / "p00.png")
    Image.fromarray(np.arange(1600, dtype="int32").reshape(40, 40)).convert("I;16").save(folder / "masks" / "p00.png")
    assert any("p00.png holds more than 1001 numbers" in problem for problem in data.look(folder).problems)


def test_what_a_training_writes_beside_the_pictures_is_not_looked_at(folder):
    looked = data.look(folder)
    (folder / "runs" / "unet").mkdir(parents=True)
    (folder / "runs" / "unet" / "training.lock").touch()
    assert data.look(folder) is looked
    (folder / "train.txt").write_text("p00")
    assert data.look(folder) is not looked


def test_a_split_without_a_pixel_that_counts(folder):
    for pair in opened(folder):
        if pair.split == "test":
            Image.new("L", (16, 12), 255).save(pair.mask)
    with pytest.raises(ValueError, match="no pixel of the split 'test' counts: its masks hold 255 alone"):
        data.find(folder)


def test_files_of_windows_and_of_other_alphabets(folder):
    (folder / "classes.txt").write_bytes("sky\r\nbackground\r\n汽车\r\n".encode("utf-8-sig"))
    assert data.find(folder).classes == ("sky", "background", "汽车")
    assert data.find(folder).background == 1
    (folder / "test.txt").write_bytes("p01\r\np02".encode("utf-16"))
    with pytest.raises(ValueError, match=r"test.txt: it must be saved as UTF-8"):
        data.find(folder)


def test_sixteen_bits_and_hundreds_of_classes(folder):
    (folder / "classes.txt").write_text("\n".join(f"kind {number}" for number in range(300)))
    for path in (folder / "masks").iterdir():
        mask = np.full((12, 16), 299, "uint16")
        mask[0], mask[1] = 255, 65535  # a class, and the ignored number
        Image.fromarray(mask).save(path)
    assert (data.find(folder).logits, data.find(folder).ignored) == (300, 65535)
    names = (folder / "classes.txt").read_text()
    (folder / "classes.txt").unlink()
    assert (data.find(folder).logits, data.find(folder).ignored) == (300, 65535)  # of 0 to 299, without a list
    (folder / "classes.txt").write_text(names)
    _, masks = next(iter(data.load(folder, "train", 16, 4, augmentation=data.Augmentation())))
    assert {255, 299, 65535} >= set(np.unique(masks)) >= {299, 65535}


def spoil(folder):
    """One of each kind of fault; returns what the message must say of each."""
    images, masks = folder / "images", folder / "masks"
    (masks / "p00.png").unlink()
    (images / "p01.png").unlink()
    (images / "p02.png").rename(images / "p02.svg")
    (images / "p03.png").write_bytes((images / "p03.png").read_bytes()[:60])
    Image.open(masks / "p04.png").convert("RGB").save(masks / "p04.jpg")
    (masks / "p04.png").unlink()
    Image.new("L", (9, 9)).save(masks / "p05.png")
    Image.new("L", (16, 12), 7).save(masks / "p06.png")
    Image.new("RGB", (16, 12)).save(masks / "p08.png")
    Image.new("RGB", (16, 12)).save(images / "p09.jpg")
    (images / "p10.png").unlink()
    Image.effect_noise((16, 12), 90).save(images / "p10.jpg")
    (images / "p10.jpg").write_bytes((images / "p10.jpg").read_bytes()[:-40])  # its head is whole
    Image.fromarray(np.full((12, 16), -1, "int32")).save(masks / "p11.tif")
    (masks / "p11.png").unlink()
    Image.new("L", (16, 12)).save(masks / "p12.png", "jpeg")
    (images / "p13.png").unlink()
    (images / "p13.png").symlink_to("nowhere")
    (images / "more").mkdir()
    for part in (images, masks):
        (part / os.fsdecode(b"caf\xe9.png")).write_bytes((part / "p14.png").read_bytes())
    (images / ".DS_Store").write_bytes(b"")  # the system's own, which is no fault
    return (
        *(
            "p00.png has no mask",
            "p01.png has no photo",
            "p02.svg is none of",
            "p03.png",
            "p04.jpg is JPEG, which changes",
        ),
        *("p05.png is of size 9 x 9, and its photo of 16 x 12", "p06.png holds 7, and the classes are 0 to 2"),
        *("p08.png: it is in colours, which a correct `classes.json` must name", "p09.png has the name of p09.jpg"),
        *("p10.jpg: image file is truncated", "p11.tif holds -1", "p12.png is JPEG, which changes", "p13.png"),
        *("more is a folder, and folders within are not searched", "caf\\udce9.png has a name that is not UTF-8"),
    )


def test_everything_that_is_wrong_is_said_at_once(folder):
    expected = spoil(folder)
    with pytest.raises(ValueError, match="is no data set yet") as error:
        data.find(folder)
    for text in expected:
        assert text in str(error.value)
    assert "DS_Store" not in str(error.value)
    assert str(error.value).count("p04") == 1  # what is no mask at all is not missing, too
    inspection.report(data.look(folder)).encode()


def test_a_long_message_says_where_the_rest_is(folder):
    for mask in (folder / "masks").iterdir():
        mask.rename(mask.with_suffix(".jpg"))
    with pytest.raises(ValueError, match=rf"; and 10 more, which `python -m zoo inspect {folder}` names\.$"):
        data.find(folder)
    assert len(look(folder)) == 30


def move_to_levels(folder, *levels):
    """Gives each level all that lies in `images/` and `masks/`."""
    for level in levels:
        for part in ("images", "masks"):
            shutil.copytree(folder / part, folder / level / part)
    for part in ("images", "masks"):
        shutil.rmtree(folder / part)


def test_what_is_meant_for_a_split_is_not_passed_over(folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "levels")
    move_to_levels(own, "train", "test", "dev")
    (own / "val.txt").write_text("p00")
    misnamed, unheeded = look(own)
    assert misnamed.endswith("dev is no split: call it train, validation or test, or move it away")
    assert unheeded.endswith("val.txt is a list of pictures, which does not count beside train/ and test/: remove it")
    (folder / "test.txt").symlink_to("nowhere")
    (folder / "train.txt").mkdir()
    assert [line.partition(" must be a file")[0] for line in look(folder)] == [
        str(folder / "test.txt"),
        str(folder / "train.txt"),
    ]
    (folder / "test.txt").unlink()
    (folder / "train.txt").rmdir()
    assert not look(folder)
    with pytest.raises(ValueError, match="`folder` must name a folder"):
        data.look("")


def test_names_of_classes_within_a_split_are_not_passed_over(folder, tmp_path):
    whole = tmp_path / "whole"
    for split in ("train", "test"):
        for part in ("images", "masks"):
            shutil.copytree(folder / part, whole / split / part)
    shutil.copy(folder / "classes.txt", whole / "train")
    assert look(whole) == [f"{whole / 'train' / 'classes.txt'} does not count there: move it up"]


def test_masks_that_pillow_counts_anew_are_refused(folder):
    mask = folder / "masks" / "p00.png"
    Image.open(mask).save(mask.with_suffix(".gif"))
    mask.unlink()
    assert look(folder) == [f"{mask.with_suffix('.gif')} is GIF, which changes the numbers of a mask: store it as PNG"]
    with pytest.raises(OSError, match=r"p00\.gif"):
        data.read_mask(mask.with_suffix(".gif"))


def test_what_has_changed_is_looked_at_again(folder, tmp_path, monkeypatch, rng):
    (folder / "Test.TXT").touch()
    assert look(folder)
    (folder / "Test.TXT").unlink()
    assert not look(folder)
    (folder / "images").rename(folder / "Images")
    assert look(folder)
    (folder / "Images").rename(folder / "images")
    assert not look(folder)
    for place in ("here", "there"):
        shutil.copytree(folder, tmp_path / place / "own")
    write_pair(tmp_path / "there" / "own", "another", rng)
    for place, count in (("here", 30), ("there", 31)):
        monkeypatch.chdir(tmp_path / place)
        assert len(data.look("own").pairs) == count


def test_a_folder_whose_name_is_not_utf8(folder):
    strange = folder.with_name(os.fsdecode(b"caf\xe9"))
    try:
        folder.rename(strange)
    except OSError:
        pytest.skip("this disk takes no such name")
    dataset = data.find(strange)
    assert dataset.name.isprintable()
    assert len(list(data.load(dataset, "train", 16, 4)))


def test_masks_in_colours_are_told_the_way_out(folder):
    mask = folder / "masks" / "p00.png"
    Image.new("RGB", (16, 12)).save(mask)
    assert look(folder) == [
        f"{mask}: it is in colours, which a correct `classes.json` must name. Or store class numbers in a grey picture"
    ]


def test_what_is_ignored_is_no_class(folder):
    (folder / "classes.txt").write_text("sky\nroad\nignored")
    (problem,) = look(folder)
    assert problem.endswith("classes.txt: 'ignored' is no class, but the number 255 in masks: remove its line")


def test_a_palette_that_a_program_reordered_is_told(folder):
    colours = {0: (0, 0, 0), 1: (9, 9, 9), 2: (200, 0, 0), 255: (255, 255, 255)}
    for number, path in enumerate(sorted((folder / "masks").iterdir())):
        mask = Image.open(path)
        order = (0, 2, 1) if number == 29 else (0, 1, 2)  # of the last, classes 1 and 2 are exchanged
        table = np.arange(256)
        table[[0, 1, 2]] = order
        exchanged = Image.fromarray(table[np.asarray(mask)].astype("uint8"))
        palette = np.zeros((256, 3), "uint8")
        for index, colour in colours.items():
            palette[table[index]] = colour
        exchanged.putpalette(palette.tobytes())
        exchanged.save(path)
    (line,) = advice(folder)
    assert line.startswith(
        "advice: one colour, (200, 0, 0), is 2 in p00.png and 1 in p29.png, and only the numbers count."
    )
    for path in folder.glob("*/p29.*"):
        path.rename(path.with_stem("p29\x1b[31m"))
    (line,) = advice(folder)
    assert r"1 in p29\x1b[31m.png" in line  # which colours no terminal


def test_a_background_that_is_none_is_told(folder):
    (folder / "classes.txt").write_text("_Background_\nroad\ncar")
    (line,) = advice(folder)
    assert "no class is the background: call '_Background_' background" in line


def test_a_training_does_not_go_on_with_exchanged_names(folder):
    recipe = training.Recipe(str(folder))
    before = state.identify(recipe)
    assert state.identify(recipe) == before
    (folder / "classes.txt").write_text("road\nsky\ncar")
    assert state.identify(recipe) != before


def test_memory_that_runs_out_is_no_fault_of_a_picture(folder, monkeypatch):
    def run_out(image):
        raise OSError("out of memory error when reading image file")  # as Pillow says it

    monkeypatch.setattr(ImageFile.ImageFile, "load", run_out)
    with pytest.raises(MemoryError, match="p00"):
        pictures.read_image(folder / "images" / "p00.png")


def test_files_of_the_system_and_paths_of_windows(folder):
    for part in ("images", "masks"):
        (folder / part / "Thumbs.DB").touch()
        (folder / part / "__MACOSX").mkdir()
    (folder / "test.txt").write_text("images\\p01.png\r\np02\r\n")
    assert {pair.name for pair in opened(folder) if pair.split == "test"} == {"p01", "p02"}


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"it must hold images/ and masks/, or train/ and test/.*Received: photo\.jpg\."
    ):
        data.find(tmp_path)
    with pytest.raises(ValueError, match=f"`name` must be one of {', '.join(data.DATASETS)}, or a folder"):
        data.find(tmp_path / "missing")
    with pytest.raises(FileNotFoundError):
        data.open_folder(tmp_path / "missing")
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    with pytest.raises(ValueError, match=r"images holds no picture; .*masks holds no picture"):
        data.find(tmp_path)


def test_no_picture_for_a_split(folder):
    (folder / "train.txt").write_text("p00")
    with pytest.raises(
        ValueError, match=r"The split 'test' must hold a picture. Received: .*write `train.txt`"
    ) as error:
        data.examples(folder, "test")
    assert "train+validation" not in str(error.value)  # which would not help
    (folder / "train.txt").write_text("p00\np01")
    (folder / "validation.txt").touch()
    with pytest.raises(ValueError, match=r"'validation' must .*`--split train\+validation --batch-size 2`"):
        data.examples(folder, "validation")


def advice(folder):
    return [line for line in inspection.report(data.look(folder)).splitlines() if line.startswith("advice: ")]


def test_advice_where_a_split_is_too_small(folder):
    assert training.Recipe("synthetic_pets").batch_size == BATCH
    names = [f"p{number:02}" for number in range(30)]
    for split, chosen in {"train": names[:15], "validation": names[15:18], "test": names[18:]}.items():
        (folder / f"{split}.txt").write_text("\n".join(chosen))
    (few,) = advice(folder)
    assert "fewer pictures (15) than a batch (16): train with `--batch-size 15`; or write `train.txt`, " in few
    assert "`--split train+validation --batch-size 16`" in few
    (folder / "train.txt").write_text("\n".join(names[:15] + names[18:19]))
    (folder / "test.txt").write_text("\n".join(names[19:]))
    assert not advice(folder)
    (folder / "train.txt").write_text("p00\np01")
    for split in ("validation", "test"):
        (folder / f"{split}.txt").write_text("")
    validation, test, train = advice(folder)
    assert "'validation' holds no picture: " in validation
    assert "'test' holds no picture: write" in test
    assert "train+validation" not in test
    assert "fewer pictures (2)" in train
    assert "`--split train+validation --batch-size 2`" in train
    assert not data.look(folder).problems


@pytest.mark.parametrize("one_class", [False, True])
def test_a_network_is_trained_and_scored_on_a_folder(folder, tmp_path, one_class):
    if one_class:
        (folder / "classes.txt").write_text("crack")
        for path in (folder / "masks").iterdir():
            Image.fromarray((np.asarray(Image.open(path)) == 1).astype("uint8")).save(path)
    dataset = data.find(folder)
    recipe = training.Recipe(
        str(folder), image_size=(16, 32), batch_size=4, epochs=1, half_size_share=0, class_weights=True
    )
    options = {"num_classes": dataset.logits, "filters": (4, 8)}
    trained, history = training.train(
        lambda: models.build("unet", image_shape=(None, None, 3), **options), recipe, tmp_path / "state"
    )
    assert 0 <= history[-1]["val_mean_iou"] <= 1
    model = models.build("unet", image_shape=(16, 32, 3), **options)
    model.set_weights(trained.get_weights())
    scores = evaluation.evaluate(model, str(folder))
    assert set(scores["at_network_size"]["iou"]) == set(dataset.classes)
    assert ("binary_iou" in scores["at_network_size"]) == one_class
    masks = [mask for _, mask in data.examples(folder, "test").as_numpy_iterator()]
    counted = sum((mask != 255).sum() for mask in masks)
    assert np.sum(scores["at_photo_size"]["confusion"]) == counted
