"""A folder of somebody's own pictures, from the first look to the exported file, with no line of code."""

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import zoo.evaluation
from zoo import __main__, data, files, inspection, photos, plots, prediction, saved, tables, training
from zoo.commands import models as model_commands
from zoo.commands.arguments import DATASETS, dataset_name

CLASSES = ("background", "disc", "square", "bar")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Forty pictures of 32 x 48 with bright squares of three colours on dark ground, and 255 at the left edge."""
    folder, rng = tmp_path_factory.mktemp("pictures") / "own", np.random.default_rng(0)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(40):
        image, mask = rng.integers(0, 60, (32, 48, 3), "uint8"), np.zeros((32, 48), "uint8")
        kind, y, x = 1 + number % 3, *rng.integers(0, 20, 2)
        image[y : y + 12, x : x + 12, kind - 1], mask[y : y + 12, x : x + 12] = 230, kind
        mask[:, :2] = 255
        Image.fromarray(image).save(folder / "images" / f"{number}.jpg", quality=95)
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    return folder


def test_inspect_draws_pictures_of_one_name_in_two_splits(folder, tmp_path):
    for split in ("train", "test"):
        for part in ("images", "masks"):
            (tmp_path / split / part).mkdir(parents=True)
            for path in [next((folder / part).glob(f"{number}.*")) for number in range(3)]:
                shutil.copy(path, tmp_path / split / part)
    titles = [axis.get_title() for axis in inspection.draw(data.look(tmp_path)).axes if axis.get_title()]
    assert titles == [f"{split}/{number}" for split in ("train", "test") for number in range(3)]


def test_inspect_tells_what_is_there(folder, tmp_path, capsys):
    __main__.main(["inspect", str(folder), "--out", str(tmp_path / "look.png")])
    output = capsys.readouterr().out
    assert "Pictures with masks: 40, of 48 x 32 pixels." in output
    counts = {split: len(data.examples(folder, split)) for split in ("train", "validation", "test")}
    for split, count in counts.items():
        assert [split, str(count)] in [[cell.strip() for cell in line.split("|")[1:3]] for line in output.splitlines()]
    masks = np.stack([mask for _, mask in data.examples(folder, "train").as_numpy_iterator()])
    row = next(line for line in output.splitlines() if "1 disc" in line)
    assert f"{(masks == 1).mean():.2%}" in row
    assert "255 ignored" in output
    assert Image.open(tmp_path / "look.png").size[0] > 500


@pytest.mark.parametrize("sparse", ["train", "validation", "test"])
def test_masks_of_which_nothing_is_left_at_the_network_s_size_are_refused_before_the_epochs(sparse, tmp_path, rng):
    """Single labelled pixels, which nearest neighbour from 32 x 32 to 16 x 16 passes over."""
    for split in ("train", "validation", "test"):
        for part in ("images", "masks"):
            (tmp_path / "own" / split / part).mkdir(parents=True)
        for number in range(4):
            mask = np.full((32, 32), 255 if split == sparse else number % 2, "uint8")
            mask[0, 0] = number % 2
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), "uint8")).save(
                tmp_path / "own" / split / "images" / f"{number}.png"
            )
            Image.fromarray(mask).save(tmp_path / "own" / split / "masks" / f"{number}.png")
    recipe = training.Recipe(tmp_path / "own", image_size=16, batch_size=4, epochs=1, half_size_share=0)
    with pytest.raises(ValueError, match=f"The masks of the split '{sparse}' must have a pixel that is not 255"):
        zoo.train("unet", recipe, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    image = keras.Input((16, 16, 3))
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(image))
    with pytest.raises(ValueError, match=f"The split '{sparse}' must have a pixel that counts, for at_network_size"):
        zoo.evaluation.evaluate(model, tmp_path / "own", sparse)


def test_inspect_tells_what_is_wrong_and_writes_nothing_twice(folder, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a\n.jpg").write_bytes((folder / "images" / "0.jpg").read_bytes())
    with pytest.raises(SystemExit, match="is no data set yet: 1 of the above must be mended"):
        __main__.main(["inspect", str(tmp_path), "--out", str(tmp_path / "look.png")])
    output = capsys.readouterr().out
    assert "masks is missing" in output
    assert "has no mask" not in output  # of each photo, which goes without saying
    assert not (tmp_path / "look.png").exists()
    mask = Image.new("L", Image.open(folder / "images" / "0.jpg").size)
    (tmp_path / "masks").mkdir()
    mask.save(tmp_path / "masks" / "a\n.png")
    mask.save(tmp_path / "masks" / "b.png")
    command = ["inspect", str(tmp_path), "--out", str(tmp_path / "look.png")]
    (tmp_path / "masks" / "a\n.png").rename(tmp_path / "masks" / "c.png")
    with pytest.raises(SystemExit, match="3 of the above must be mended"):
        __main__.main(command)
    assert "a\\n.jpg has no mask" in capsys.readouterr().out
    assert not (tmp_path / "look.png").exists()  # so that the same command shows it when it is mended
    for name in ("b.png", "c.png"):
        (tmp_path / "masks" / name).unlink()
    mask.putpixel((0, 0), 1)
    mask.save(tmp_path / "masks" / "a\n.png")
    __main__.main(command)
    assert (tmp_path / "look.png").exists()
    capsys.readouterr()
    with pytest.raises(SystemExit, match=r"look\.png is there already"):
        __main__.main(command)
    assert "Pictures with masks: 1" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"--out must be a \.png file. Received: look.pdf"):
        __main__.main(["inspect", str(folder), "--out", "look.pdf"])


def test_names_that_differ_in_how_an_accent_is_written_are_one_to_some_disks():
    names = [f"{unicodedata.normalize(form, 'é')}.png" for form in ("NFC", "NFD")]
    assert names[0] != names[1]
    first, second = photos.picture_names([Path("a", names[0]), Path("b", names[1])], ["overlay"])
    plain = [unicodedata.normalize("NFC", each["overlay"]) for each in (first, second)]
    assert plain == ["a_é.png.png", "b_é.png.png"]


def test_thousands_of_photos_of_one_name_get_their_names_in_few_comparisons(monkeypatch):
    compare, asked = photos.as_disks_compare, []
    monkeypatch.setattr(photos, "as_disks_compare", lambda name: asked.append(name) or compare(name))
    paths = [Path(f"scene_{number}", "rgb", "0001.png") for number in range(2_000)]
    names = [each["overlay"] for each in photos.picture_names(paths, ["overlay"])]
    assert names[:3] == ["rgb_0001.png.png", "rgb_0001.png_2.png", "rgb_0001.png_3.png"]
    assert len(set(names)) == len(paths)
    assert len(asked) < 10 * len(paths)  # two millions, if each counted from 2 again


def test_a_data_set_that_is_none_is_refused_at_once(tmp_path, capsys):
    with pytest.raises(SystemExit):
        __main__.main(["train", "unet", "--dataset", str(tmp_path / "missing")])
    assert f"must be one of {', '.join(DATASETS)}, or a folder" in capsys.readouterr().err
    assert dataset_name(str(tmp_path)) == str(tmp_path)


@pytest.mark.slow
def test_from_folder_to_exported_file(folder, tmp_path, capsys):
    out = tmp_path / "runs"
    command = ["train", "unet", "--dataset", str(folder), "--image-size", "32x48", "--epochs", "2", "--batch-size", "4"]
    __main__.main([*command, "--start", "unet", "--class-weights", "--out", str(out)])
    card = json.loads((out / "unet.json").read_text())
    assert list(card["scores"]["at_network_size"]["iou"]) == list(CLASSES)
    assert (card["dataset"]["name"], card["dataset"]["ignored"]) == ("own", 255)
    output = capsys.readouterr().out
    assert "From unet: all weights but those of the logits." in output
    assert "IoU of square" in output
    model = str(out / "unet.keras")
    __main__.main(["evaluate", model, "--dataset", str(folder)])
    assert f"{card['scores']['at_network_size']['mean_iou']:.4f}" in capsys.readouterr().out
    photo = next((folder / "images").iterdir())
    __main__.main(["predict", model, str(photo), "--mask", "--cutout", "--out", str(tmp_path / "answers")])
    assert "Wrote 1 picture" in capsys.readouterr().out
    found = np.asarray(Image.open(tmp_path / "answers" / f"{photo.name}.mask.png"))
    np.testing.assert_array_equal(found, prediction.predict(saved.load_file(model), photo))
    cutout = np.asarray(Image.open(tmp_path / "answers" / f"{photo.name}.cutout.png"))
    np.testing.assert_array_equal(cutout[..., 3], np.where(found == 0, 0, 255))
    np.testing.assert_array_equal(cutout[..., :3], data.read_image(photo))
    assert (tmp_path / "answers" / "legend.png").exists()
    picture = tmp_path / "compared.png"
    __main__.main(["compare", str(photo), "--models", str(out), "--out", str(picture)])
    header, _, row, *_ = capsys.readouterr().out.splitlines()
    assert [cell.strip() for cell in header.split("|")[3:7]] == list(CLASSES)
    assert row.split("|")[1].strip() == "unet"
    assert Image.open(picture).height > 100
    pytest.importorskip("tf2onnx")
    __main__.main(["export", model, "--dataset", str(folder), "--out", str(tmp_path)])
    output = capsys.readouterr().out
    assert "background, disc, square, bar" in output
    assert "The classes agree on" in output
    assert b"background, disc, square, bar" in (tmp_path / "unet.onnx").read_bytes()


def test_many_photos_of_many_sizes_are_those_of_predict(tmp_path, rng, monkeypatch):
    """Groups of photos that are predicted together give what each gives alone; a broken one takes no other with it."""
    monkeypatch.setattr(prediction, "images_at_once", lambda height, width: 3)
    monkeypatch.setattr(photos, "MOST_PIXELS", 2000)
    model = saved.load("nearest_unpooling")
    (tmp_path / "in").mkdir()
    for number in range(8):
        size = rng.integers(10, 60, 2)
        Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")).save(tmp_path / "in" / f"{number}.png")
    (tmp_path / "in" / "4.png").write_bytes(b"no picture")
    found = photos.find_photos([tmp_path / "in"])
    done = dict(photos.write_pictures(model, found, tmp_path / "out", ["mask"]))
    assert set(done) == set(found) != set()
    assert [path.name for path, error in done.items() if error] == ["4.png"]
    for path in found:
        if not done[path]:
            mask = np.asarray(Image.open(tmp_path / "out" / f"{path.name}.mask.png"))
            assert (mask == prediction.predict(model, path)).mean() > 0.999  # batches round in another order


def test_groups_fit_into_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "MOST_PIXELS", 100)
    paths = []
    for name, size in {"a": (5, 5), "b": (20, 20), "c": (5, 5), "d": (5, 5), "e": (5, 5), "f": (5, 5)}.items():
        Image.new("L", size).save(tmp_path / f"{name}.png")
        paths.append(tmp_path / f"{name}.png")
    assert ["".join(path.stem for path in group) for group in photos.group_by_size(paths, 3)] == ["a", "b", "cde", "f"]


def test_fewer_images_of_a_large_network_go_through_it_together(tmp_path, monkeypatch):
    asked, model = [], keras.Sequential([keras.Input((512, 1024, 3)), keras.layers.Conv2D(3, 1)])
    predict = model.predict_on_batch
    monkeypatch.setattr(model, "predict_on_batch", lambda images: asked.append(len(images)) or predict(images))
    for number in range(5):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png")
    assert not any(error for _, error in photos.write_pictures(model, sorted(tmp_path.iterdir()), tmp_path / "out"))
    assert asked == [2, 2, 1]  # as many pixels as 16 images of 256 x 256
    assert [prediction.images_at_once(side, side) for side in (128, 256, 512, 4096)] == [16, 16, 4, 1]


def test_photos_in_other_formats_are_named(folder, tmp_path, capsys):
    for name in ("a.png", "b.HEIC", "c.avif", "notes.txt", ".d.heic"):
        (tmp_path / name).write_bytes((folder / "masks" / "0.png").read_bytes())
    __main__.main(["predict", "unet", str(tmp_path), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert "passed over, and to be converted to JPEG or PNG first: 2 of " in said
    assert "b.HEIC" in said
    assert "c.avif" in said
    assert "notes" not in said


def test_a_picture_of_hundreds_of_photos_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(model_commands.saved, "load", None)
    for number in range(51):
        Image.new("L", (8, 8)).save(tmp_path / f"{number}.png")
    with pytest.raises(SystemExit, match=r"PHOTO must be up to 50 pictures, .* Received: 51"):
        __main__.main(["compare", str(tmp_path), "--out", str(tmp_path / "out.pdf")])


def test_a_file_of_ones_own_whose_ending_is_left_out(tmp_path):
    (tmp_path / "unet.keras").touch()
    hints = {"unet": f"Did you mean {tmp_path}/unet.keras?", "photo.jpg": "Received", "more/unet": "Received"}
    for name, hint in hints.items():
        said = f"STAGE|FILE must be a saved stage, such as unet, or a .keras file. {hint}"
        with pytest.raises(SystemExit, match=re.escape(said)):
            __main__.main(["predict", str(tmp_path / name), "a.png", "--out", str(tmp_path / "out")])


def test_hidden_files_are_no_photos(tmp_path):
    for name in ("b.png", "._b.png", "a.jpg"):
        (tmp_path / name).touch()
    assert photos.find_photos([tmp_path]) == [tmp_path / "a.jpg", tmp_path / "b.png"]


def test_a_legend_has_room_for_all_names_and_replaces_nothing_of_others(tmp_path):
    names = [f"a class with a rather long name, {number}" for number in range(11)]
    figure = plots.draw_legend(names)
    figure.savefig(tmp_path / "legend.png")
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y1 <= figure.bbox.height
    draw, path = model_commands.draw_legend, tmp_path / "legend of others.png"
    path.write_bytes(draw(names, [], tmp_path / "new.png", overwrite=False))
    assert draw(names, [], path, overwrite=False) is None  # the same again
    with pytest.raises(FileExistsError, match="--overwrite"):
        draw(names[:3], [], path, overwrite=False)
    with pytest.raises(FileExistsError, match="one of the pictures that were given"):
        draw(names[:3], [path], path, overwrite=True)
    same = path.read_bytes()
    model_commands.write_legend(same, path, overwrite=False)  # another process has written it meanwhile
    with pytest.raises(FileExistsError, match="--overwrite"):
        model_commands.write_legend(same + b"of others", path, overwrite=False)
    assert path.read_bytes() == same


def test_a_legend_comes_with_a_picture_alone(tmp_path):
    small = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1)])
    small.save(tmp_path / "own.keras")
    card = {"dataset": {"classes": ["sky", "road", "car"]}, "sha256": files.checksum(tmp_path / "own.keras")}
    (tmp_path / "own.json").write_text(json.dumps(card))
    command = ["predict", str(tmp_path / "own.keras"), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        __main__.main([*command, str(tmp_path / "nope.png")])
    assert not list((tmp_path / "out").iterdir())
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    __main__.main([*command, str(tmp_path / "a.png")])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.png.png", "legend.png"}
    (tmp_path / "legend.png").mkdir()
    with pytest.raises(SystemExit, match=r"legend\.png is a folder"):
        __main__.main([*command[:-1], str(tmp_path), str(tmp_path / "a.png"), "--overwrite"])
    assert not (tmp_path / "a.png.png").exists()


def test_a_legend_that_cannot_be_written_costs_no_picture(tmp_path, monkeypatch, capsys):
    small = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1)])
    small.save(tmp_path / "own.keras")
    card = {"dataset": {"classes": ["sky", "road", "car"]}, "sha256": files.checksum(tmp_path / "own.keras")}
    (tmp_path / "own.json").write_text(json.dumps(card))
    for name in "abc":
        Image.new("RGB", (20, 20)).save(tmp_path / f"{name}.png")

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(model_commands, "write_legend", fail)
    photos_of = [str(tmp_path / f"{name}.png") for name in "abc"]
    with pytest.raises(SystemExit):
        __main__.main(["predict", str(tmp_path / "own.keras"), *photos_of, "--out", str(tmp_path / "out")])
    said = capsys.readouterr()
    assert "legend.png: No space left" in said.err
    assert "Wrote 3 pictures" in said.out
    assert len([*(tmp_path / "out").iterdir()]) == 3


def test_no_picture_that_was_given_is_replaced(folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    victim = own / "masks" / "0.png"
    before = victim.read_bytes()
    for command in (["inspect", str(own)], ["compare", str(victim)]):
        with pytest.raises(SystemExit, match=r"0\.png is one of the pictures that were given"):
            __main__.main([*command, "--out", str(victim), "--overwrite"])
    assert victim.read_bytes() == before
    victim.unlink()
    alone = own / "images" / "0.jpg"  # without a mask now
    alone.rename(own / "images" / "alone.png")
    with pytest.raises(SystemExit, match=r"alone\.png is one of the pictures that were given"):
        __main__.main(["inspect", str(own), "--out", str(own / "images" / "alone.png"), "--overwrite"])
    with pytest.raises(SystemExit, match="--out must not lie among the pictures, of which it would be one"):
        __main__.main(["inspect", str(own), "--out", str(own / "images" / "new.png")])


def test_a_command_works_where_stderr_is_closed(folder, tmp_path):
    command = [sys.executable, "-m", "zoo", "inspect", str(folder), "--out", str(tmp_path / "look.png")]
    closed = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    done = subprocess.run(closed, stdout=subprocess.PIPE, check=False)
    assert done.returncode == 0
    assert Image.open(tmp_path / "look.png").width > 500


def test_neither_the_pictures_of_a_folder_nor_what_links_lead_to_are_replaced(tmp_path, rng):
    (tmp_path / "photos").mkdir()
    (tmp_path / "out").mkdir()
    own = [tmp_path / "photos" / "b.png", tmp_path / "out" / "x.jpg.png"]
    for path in own:
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), "uint8")).save(path)
    (tmp_path / "x.jpg").symlink_to(own[1])
    before = [path.read_bytes() for path in own]
    with pytest.raises(SystemExit, match=r"b\.png is one of the pictures that were given"):
        __main__.main(["compare", str(tmp_path / "photos"), "--out", str(own[0]), "--overwrite"])
    with pytest.raises(SystemExit, match="1"):
        __main__.main(["predict", "unet", str(tmp_path / "x.jpg"), "--out", str(tmp_path / "out"), "--overwrite"])
    assert [path.read_bytes() for path in own] == before


def test_a_card_with_another_number_of_classes_is_refused(tmp_path, monkeypatch):
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    monkeypatch.setattr(model_commands.cards, "class_names", lambda model: ["a", "b", "c", "d", "background"])
    with pytest.raises(SystemExit, match=r"the card of unet must name 3 classes\. Received: 5"):
        __main__.main(["predict", "unet", str(tmp_path / "a.png"), "--cutout", "--out", str(tmp_path / "out")])


def test_nothing_is_written_where_a_cutout_is_not_possible(tmp_path, monkeypatch):
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    monkeypatch.setattr(model_commands.cards, "class_names", lambda model: ["sky", "road", "car"])
    with pytest.raises(SystemExit, match="A cutout needs a class named background"):
        __main__.main(["predict", "unet", str(tmp_path / "a.png"), "--cutout", "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_cutout_needs_a_background(tmp_path):
    with pytest.raises(ValueError, match="A cutout needs a class named background"):
        list(photos.write_pictures(saved.load("unet"), [tmp_path / "a.png"], tmp_path, ["cutout"]))


def test_probabilities_are_the_softmax_of_enlarged_logits(rng):
    model = saved.load("nearest_unpooling")
    image = rng.integers(0, 256, (40, 56, 3), "uint8")
    shares = prediction.predict(model, image, probabilities=True)
    assert (shares.shape, shares.dtype) == ((40, 56, 3), np.float32)
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)
    np.testing.assert_array_equal(shares.argmax(-1), prediction.predict(model, image))
    single = prediction.softmax(np.array([[0.0], [2.0]], "float32"))
    np.testing.assert_allclose(single[:, 1], 1 / (1 + np.exp([0.0, -2.0])), rtol=1e-6)  # the sigmoid


def test_tables_of_classes_that_are_not_the_pets():
    card = saved.card("unet")
    scores = {"mean_iou": 0.5, "pixel_accuracy": 0.6, "iou": {"road": 0.7, "sky": 0.3}}
    streets = {**card, "scores": {"at_network_size": scores}}
    header, _, row = tables.format_cards({"unet": streets}).splitlines()
    assert [cell.strip() for cell in header.split("|")[2:8]] == [
        "mean IoU",
        "road",
        "sky",
        "accuracy",
        "binary IoU",
        "boundary IoU",
    ]
    assert [cell.strip() for cell in row.split("|")[2:8]] == ["0.500", "0.700", "0.300", "0.600", "", ""]
    both = tables.format_cards({"unet": streets, "max_unpooling": card}).splitlines()
    assert "road" not in both[0]
    assert "binary IoU" not in tables.format_scores(streets["scores"]).replace("mean IoU", "")


def test_the_report_of_an_empty_folder(tmp_path):
    assert inspection.report(data.look(tmp_path)).startswith("wrong: it must hold images/ and masks/")


def test_compare_names_a_folder_without_models_and_one_of_different_classes(tmp_path):
    with pytest.raises(SystemExit, match="--models must be a folder with saved stages"):
        __main__.main(["compare", "--models", str(tmp_path), "--out", str(tmp_path / "a.png")])
    card = saved.card("unet")
    scores = {**card["scores"]["at_network_size"], "iou": {"road": 0.7, "sky": 0.3}}
    streets = {**card, "scores": {**card["scores"], "at_network_size": scores}}
    (tmp_path / "unet.json").write_text(json.dumps(card))
    (tmp_path / "max_unpooling.json").write_text(json.dumps({**streets, "stage": "max_unpooling"}))
    with pytest.raises(SystemExit, match="must have the same classes"):
        __main__.main(["compare", "photo.png", "--models", str(tmp_path), "--out", str(tmp_path / "a.png")])
    assert not (tmp_path / "a.png").exists()
