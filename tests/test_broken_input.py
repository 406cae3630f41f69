"""Broken input of every kind gets a right answer or one line that names it, in time, and nothing else is lost.

What is broken how is drawn by fixed seeds: every run sees the same cases.
"""

import collections
import contextlib
import dataclasses
import faulthandler
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import sys
import zipfile
import zlib
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib import figure
from PIL import EpsImagePlugin, Image, features

import zoo
from zoo import (
    benchmark,
    cards,
    costs,
    data,
    evaluation,
    formats,
    fresh,
    models,
    plots,
    prediction,
    saved,
    tables,
    training,
)
from zoo.__main__ import main
from zoo.benchmark import figures
from zoo.commands.arguments import BENCHMARKS
from zoo.data import pictures
from zoo.data.modes import MAX_PIXELS
from zoo.stages import check_stage
from zoo.training import state

ROOT = pathlib.Path(__file__).parents[1]

pytestmark = pytest.mark.slow

SIZE = WIDTH, HEIGHT = 37, 29  # of the pictures before they are broken: numbers that are easily found in a header
SECONDS = 60  # for one case; the largest picture that is allowed takes three on a machine with nothing else to do
SEVERAL_FRAMES = {"save_all": True, "append_images": [Image.new("RGB", SIZE)]}
COMPRESSIONS = ("packbits", "tiff_lzw", "tiff_adobe_deflate")


class TooSlow(BaseException):  # no `Exception`: the code under test takes those for faults of the file
    """A case has taken longer than it may."""


@contextlib.contextmanager
def limited_time():
    """Ends what takes too long: where it heeds signals, the test; else the whole run."""

    def stop(*arguments):
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    faulthandler.dump_traceback_later(3 * SECONDS, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check_line(error, name):
    """What an error says is one line of a bearable length, and names the file."""
    assert type(error) in (ValueError, OSError, FileNotFoundError, FileExistsError, NotADirectoryError), repr(error)
    assert str(name) in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < len(str(name)) + 400


# What is done to bytes.


def flip_bits(contents, draw):
    contents = bytearray(contents)
    for _ in range(draw.randint(1, 8)):
        contents[draw.randrange(len(contents))] ^= 1 << draw.randrange(8)
    return bytes(contents)


def flip_bits_of_the_head(contents, draw):
    return flip_bits(contents[:64], draw) + contents[64:]


def cut(contents, draw):
    return contents[: draw.randrange(len(contents))]


def zero_a_page(contents, draw):
    start, length = draw.randrange(len(contents)), draw.choice([4, 64, 512])
    return contents[:start] + bytes(len(contents[start : start + length])) + contents[start + length :]


def repeat_a_part(contents, draw):
    start, length = draw.randrange(len(contents)), draw.choice([4, 64, 512])
    return contents[: start + length] + contents[start:]


DAMAGES = (flip_bits, flip_bits_of_the_head, cut, zero_a_page, repeat_a_part)


# Pictures.


def encode(mode, format, **options):
    """A small picture as the contents of a file, in bytes."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), "uint8")
    image = Image.fromarray(noise // 64 * 64)  # which compresses a little
    if mode == "I;16":
        image = Image.fromarray(noise[..., 0].astype("uint16") * 257)
    elif mode == "F":
        image = Image.fromarray(noise[..., 0].astype("float32") / 255)
    elif mode == "LAB":
        image = Image.frombytes("LAB", SIZE, noise.tobytes())
    else:
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def whole_pictures():
    """Pictures in all formats that are opened, in the modes that these know: lists of contents, by format."""
    turned = Image.Exif()
    turned[0x0112] = 6
    modes = {
        "BMP": ("1", "L", "P", "RGB", "RGBA"),
        "GIF": ("1", "L", "P"),
        "JPEG": ("L", "RGB", "CMYK"),
        "PNG": ("1", "L", "P", "LA", "RGB", "RGBA", "I;16"),
        "PPM": ("1", "L", "RGB", "I;16"),
        "TIFF": ("1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
        "WEBP": ("RGB", "RGBA"),
    }
    assert set(modes) == set(pictures.ENDINGS)
    found = {format: [encode(mode, format) for mode in modes[format]] for format in modes}
    for format in ("JPEG", "PNG", "TIFF", "WEBP"):
        found[format].append(encode("RGB", format, exif=turned))
    for format in ("GIF", "PNG", "TIFF", "WEBP"):
        found[format].append(encode("RGB", format, **SEVERAL_FRAMES))
    found["GIF"].append(encode("P", "GIF", transparency=3, interlace=1))
    found["PNG"].append(encode("P", "PNG", transparency=bytes(range(256))))
    found["JPEG"].append(encode("RGB", "JPEG", progressive=True))
    found["WEBP"].append(encode("RGB", "WEBP", lossless=True))
    found["TIFF"] += [encode(mode, "TIFF", compression=name) for mode in ("L", "RGB") for name in COMPRESSIONS]
    found["TIFF"] += [encode("RGB", "TIFF", compression="jpeg"), encode("1", "TIFF", compression="group4")]
    return found


def foreign_pictures():
    """Contents of files in formats that are not opened, though Pillow knows most of them."""
    formats = ["DDS", "EPS", "ICO", "ICNS", "PCX", "PDF", "SGI", "TGA"]
    formats += ["JPEG2000"] * features.check("jpg_2000") + ["AVIF"] * features.check("avif")
    layered = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, HEIGHT, WIDTH, 8, 3) + bytes(12 + 2 + 3 * WIDTH * HEIGHT)
    endless = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{ } loop\n"
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg' width='37' height='29'/>"
    return [*(encode("RGB", format) for format in formats), encode("1", "XBM"), layered, endless, drawing]


def enlarge(contents, draw):
    """Writes another size into the header, up to more than memory holds."""
    width, height = (draw.choice([0, 1, 5_000, 9_999, 40_000, 65_535, 2**31 - 1, 2**32 - 1]) for _ in range(2))
    forms = {
        "png": lambda w, h: struct.pack(">II", w, h),
        "bmp": lambda w, h: struct.pack("<II", w, h),
        "gif, webp": lambda w, h: struct.pack("<HH", w & 0xFFFF, h & 0xFFFF),
        "jpeg": lambda w, h: struct.pack(">HH", h & 0xFFFF, w & 0xFFFF),
        "ppm": lambda w, h: b"%d %d" % (w, h),
        "lossless webp": lambda w, h: struct.pack("<I", (w - 1) % 2**14 | (h - 1) % 2**14 << 14),
    }
    for form in forms.values():
        contents = contents.replace(form(*SIZE), form(width, height), 1)
    for tag, old, new in ((256, WIDTH, width), (257, HEIGHT, height)):  # of a TIFF; type 3 has two bytes, type 4 four
        for kind in (3, 4):
            contents = contents.replace(struct.pack("<HHII", tag, kind, 1, old), struct.pack("<HHII", tag, 4, 1, new))
    return mend_checksums(contents)


def mend_checksums(contents):
    """Gives the parts of a PNG the checksums of what they hold now, so that what is broken is found later."""
    mended, place = contents[:8], 8
    while contents.startswith(b"\x89PNG") and place + 12 <= len(contents):
        (length,) = struct.unpack_from(">I", contents, place)
        body = contents[place + 4 : place + 8 + length]
        mended += contents[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return mended + contents[place:] if place > 8 else contents


def break_picture(whole, draw):
    """A broken picture, and an ending for its name."""
    format, other = (draw.choice(list(whole)) for _ in range(2))
    contents, ending = draw.choice(whole[format]), draw.choice(pictures.ENDINGS[format])
    way = draw.randrange(10)
    if way < 5:
        contents = draw.choice(DAMAGES)(contents, draw)
        contents = mend_checksums(contents) if draw.random() < 0.5 else contents
    elif way < 7:
        contents = enlarge(contents, draw)
    elif way < 8:
        contents = contents[: draw.randrange(100)] + draw.choice(whole[other])[draw.randrange(100) :]
    elif way < 9:
        ending = draw.choice(pictures.ENDINGS[other])
    else:
        contents = draw.choice([b"", bytes(100), draw.randbytes(500), contents * 2, contents[::-1]])
    return contents, ending


def read_or_refuse(read, path):
    """What a reader makes of a file: an array, or `None` if it said in one line what is wrong."""
    try:
        with limited_time():
            return read(path)
    except Exception as error:
        check_line(error, path)
        return None


def test_broken_pictures(tmp_path, recwarn, capfd):
    draw, whole, found = random.Random(0), whole_pictures(), {True: 0, False: 0}
    if told := (forget := pathlib.Path("/proc/self/clear_refs")).exists():
        forget.write_text("5")  # the peak so far
        held = fresh.memory_in_use("VmRSS")
    for number in range(900):
        contents, ending = break_picture(whole, draw)
        path = tmp_path / f"{number}{ending}"
        path.write_bytes(contents)
        shapes = []
        for read, depth, type in ((data.read_image, (3,), "uint8"), (data.read_mask, (), "int32")):
            array = read_or_refuse(read, path)
            found[array is not None] += 1
            if array is not None:
                assert array.dtype == type
                assert array.shape[2:] == depth
                assert 1 <= array.shape[0] * array.shape[1] <= MAX_PIXELS
                shapes.append(array.shape[:2])
        assert len(set(shapes)) < 2
        assert path.read_bytes() == contents
        path.unlink()
    assert min(found.values()) > 300  # else the damages are too great or too small to show anything
    assert not told or fresh.memory_in_use("VmHWM") - held < (8 + 4) * MAX_PIXELS  # and what Pillow decodes
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


def test_foreign_formats_under_the_names_of_known_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *arguments, **options: Image.new("RGB", SIZE))
    draw, foreign = random.Random(1), foreign_pictures()
    for number in range(100):
        contents = foreign[number % len(foreign)]
        if number >= len(foreign):
            contents = draw.choice(DAMAGES)(contents, draw)
        path = tmp_path / f"{number}{draw.choice(sum(pictures.ENDINGS.values(), ()))}"
        path.write_bytes(contents)
        for read in (data.read_image, data.read_mask):
            assert read_or_refuse(read, path) is None


# States of a training.


def compiled_model():
    """A tiny model with an optimiser, as `train` compiles its own."""
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(3, 1)], name="unet")
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def variables(model):
    """The numbers of a model and of its optimiser, in bytes."""
    optimizer = getattr(model, "optimizer", None)
    all_of_it = (*model.weights, *(optimizer.variables if optimizer else ()))
    return [np.asarray(variable).tobytes() for variable in all_of_it]


def says_the_same(before, after):
    """Whether damage has changed no byte, or only digits of a number in JSON that are beyond its precision."""
    try:
        return after == before or json.loads(after) == json.loads(before)
    except (ValueError, RecursionError):
        return False


def break_state(state, draw):
    """Damages one of the two files in the folder of a state, or the place where it should be."""
    path = state / draw.choice(["state.json", "model.weights.h5"])
    before = path.read_bytes()
    way = draw.randrange(10)
    if way < 6:
        path.write_bytes(after := draw.choice(DAMAGES)(before, draw))
        return not says_the_same(before, after)
    if way < 7:
        path.write_bytes(draw.choice([b"", b"[]", b"{}", b"null", b"[" * 100_000, b"9" * 5000, b"\xff\xfe\x00"]))
    elif way < 9:
        path.unlink()
        draw.choice([os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: None])(path)
    else:
        (state / "state.json").write_bytes(change_a_value((state / "state.json").read_bytes(), draw))
    return True


def change_a_value(contents, draw):
    """Puts another value at a random place of a JSON object; the result is JSON again."""
    whole = inner = json.loads(contents)
    while True:
        place = draw.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        if not (isinstance(inner[place], dict | list) and inner[place] and draw.random() < 0.8):
            break
        inner = inner[place]
    values = [None, True, -1, 10**400, 1e308, float("nan"), "", "a\nb\x1b", "long" * 10_000, [], {}, [[]], {"": 0}]
    inner[place] = draw.choice([value for value in values if value != inner[place]])
    return json.dumps(whole).encode()


def test_broken_states(tmp_path, capfd):
    draw, recipe, right = random.Random(2), training.Recipe("synthetic_pets"), {0: ([], None)}
    model, history = compiled_model(), []
    keep = training.KeepState(tmp_path / "whole", state.identify(recipe), history)
    keep.set_model(model)
    for epoch, loss in enumerate((0.7, 0.5)):
        model.fit(np.full((1, 4, 4, 3), loss), np.ones((1, 4, 4, 3)), verbose=0)
        keep.on_epoch_begin(epoch)
        keep.on_epoch_end(epoch, {"loss": loss})
        right[epoch + 1] = (list(history), variables(model))
    capfd.readouterr()
    for number in range(40):
        folder = shutil.copytree(tmp_path / "whole", tmp_path / str(number))
        newest, before = state.states(folder)
        damaged = [newest] * break_state(newest, draw)
        damaged += [before] * (draw.random() < 0.2 and break_state(before, draw))
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        kept = [path.read_bytes() for path in files]
        model = compiled_model()
        right[0] = ([], variables(model))
        with limited_time():
            found = state.read_state(folder, state.identify(recipe), model)
        assert (found, variables(model)) == right[{0: 2, 1: 1}[len(damaged)] if before not in damaged else 0]
        printed = capfd.readouterr()
        lines = printed.out.splitlines()
        assert [line[: len(f"Passed over the state {path}")] for line, path in zip(lines, damaged, strict=True)] == [
            f"Passed over the state {path}" for path in damaged
        ]
        assert max(map(len, [*lines, ""])) < 600
        assert printed.err == ""
        assert [path.read_bytes() for path in files] == kept


# Cards.


def shuffle(value, draw):
    """The same JSON value with the names of each object in another order, which says nothing."""
    if isinstance(value, dict):
        return {name: shuffle(value[name], draw) for name in draw.sample(list(value), len(value))}
    return value


def run(arguments):
    """With what a command line ends: `None` for success."""
    try:
        with limited_time():
            main(arguments)
    except SystemExit as stopped:
        return stopped.code


def break_card(contents, draw):
    """A broken card, and whether it still says the same."""
    way = draw.randrange(10)
    if way < 3:
        return draw.choice(DAMAGES)(contents, draw), False
    if way < 7:
        shown = json.loads(contents)
        shown = {name: shown[name] for name in ("stage", "sha256", "scores", "costs", "recipe")}  # what is read
        return change_a_value(json.dumps(shown).encode(), draw), False
    if way < 9:
        return json.dumps(shuffle(json.loads(contents), draw)).encode(), True
    return draw.choice([b"", b"[]", b"{}", b"null", b"[" * 100_000, b"9" * 5000, b"\xff\xfe\x00"]), False


def test_broken_cards(tmp_path, monkeypatch, capsys):
    draw, whole = random.Random(5), (ROOT / "saved_models" / "unet.json").read_bytes()
    right, found = tables.format_cards({"unet": cards.card("unet", ROOT / "saved_models")}) + "\n", set()
    for number in range(100):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.setenv("ZOO_SAVED_MODELS", str(folder))
        contents, same = break_card(whole, draw)
        (folder / "unet.json").write_bytes(contents)
        for read in (partial(cards.card, "unet"), cards.cards, partial(cards.cards, folder)):
            try:
                with limited_time():
                    read()
            except Exception as error:
                check_line(error, folder / "unet.json")
                assert not same
        line, printed = run(["list"]), capsys.readouterr()
        if line is None:
            # The columns of the classes stand in the card's order.
            same_cells = sorted(printed.out.split("|")) == sorted(right.split("|"))
            assert same_cells if same else printed.out.count("\n") == 3
            assert len(printed.out) < 2 * len(right)
        else:
            assert line.startswith("list: ")
            assert line.isprintable()
            check_line(ValueError(line), folder / "unet.json")
            assert printed.out == ""
        assert printed.err == ""
        found.add(line is None)
        assert (folder / "unet.json").read_bytes() == contents
    assert found == {True, False}


# Models.


def break_within(contents, draw):
    """Damages one file within a ZIP archive, whose own checksums are right again."""
    with zipfile.ZipFile(io.BytesIO(contents)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(list(parts))
    if draw.random() < 0.1:
        del parts[name]
    elif name.endswith(".json"):
        parts[name] = draw.choice([change_a_value, change_a_value, change_a_value, *DAMAGES])(parts[name], draw)
    else:
        parts[name] = draw.choice(DAMAGES)(parts[name], draw)
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


def test_broken_models(tmp_path, capfd, recwarn):
    draw = random.Random(11)
    models.build("max_unpooling", image_shape=(8, 8, 3), filters=(2, 4)).save(tmp_path / "whole.keras")
    whole, right = (tmp_path / "whole.keras").read_bytes(), saved.load_file(tmp_path / "whole.keras")
    capfd.readouterr()
    recwarn.clear()
    found = collections.Counter()
    for number in range(100):
        path, within = tmp_path / f"{number}.keras", number % 2
        path.write_bytes((break_within if within else draw.choice(DAMAGES))(whole, draw))
        try:
            with limited_time():
                model = saved.load_file(path)
        except Exception as error:
            check_line(error, path)
            found["refused", within] += 1
        else:
            assert len(model.input_shape) == len(model.output_shape) == 4
            if not within:  # what differs is no more than names and dates of the archive
                assert variables(model) == variables(right)
                assert model.get_config() == right.get_config()
            found["loaded", within] += 1
    assert min(found["refused", 0], found["refused", 1], found["loaded", 0]) > 5
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


# Commands.

STAGE_OR_FILE = (
    "unet",
    "unett",
    "bed_of_nails",
    "",
    ".keras",
    "missing.keras",
    "fifo.keras",
    "folder.keras",
    "cut.keras",
)
STAGE_OR_FILE += (
    "zero.keras",
    "/dev/zero",
    "evil\x1b[2J\n.keras",
    "precious/own.keras",
    "precious/unet.keras",
    "\udcff.keras",
)
PHOTOS = ("precious", "precious/photo.png", "precious/photo.jpg", "precious/notes.txt", "fifo.png", "loop.png", ".", "")
PHOTOS += ("missing.png", "/dev/zero", "folder.keras", "cut.png", "evil\x1b[2J\n.png", "\udcff.png", "long" * 100)
OUT = ("out", "out/deep/er", "new.json", "new.png", "/proc/nothing/here", "/dev/null", "/dev/zero", "fifo.png", "", ".")
OUT += ("evil\x1b[2J\n", "evil\x1b[2J\n.png", "evil\n.json", "\udcff", "long" * 100, "precious", "precious/photo.png")
OUT += (
    "precious/notes.txt",
    "precious/table.json",
    "precious/new.json",
    "precious/photo.png/below",
    "precious/link.png",
)
NUMBERS = (
    "16",
    "1",
    "32",
    "0",
    "-1",
    "1.5",
    "1e3",
    "9" * 23,
    "1000001",
    "many",
    "",
    "NaN",
    "0x10",
    "\u0663",
    "\x1b[2J",
    "dynamic",
)
WORDS = (
    "oxford_iiit_pet",
    "synthetic_pets",
    "train",
    "onnx",
    "litert",
    "int8",
    "layers",
    "pipeline",
    "\x1b\n",
    "",
    "-",
    "--",
)
SAVED_MODELS = (
    "precious",
    "precious",
    "precious",
    "precious/notes.txt",
    "empty",
    "missing",
    "fifo.png",
    "/dev/zero",
    "broken",
)
POSITIONS = {
    "list": (),
    "download": (),
    "inspect": (("precious", "precious", "missing", "", "empty", "fifo.png", "loop.png", "n" * 300),),
    "train": (STAGE_OR_FILE,),
    "grid": (),
    "evaluate": (STAGE_OR_FILE,),
    "predict": (STAGE_OR_FILE, PHOTOS, PHOTOS),
    "export": (STAGE_OR_FILE,),
    "benchmark": (("layers", "stages", "pipeline", "", "all"),),
    "compare": (PHOTOS,),
    "trials": (),
    "": (),
    "lits": (),
}
DATASETS = (*WORDS, "precious", "empty", "fifo.png", "loop.png", "n" * 300)
OPTIONS = {"--out": OUT, "--dataset": DATASETS, "--split": ("train", *WORDS), "--format": ("onnx", *WORDS)}
OPTIONS |= {"--quantize": ("int8", *WORDS)}
OPTIONS |= dict.fromkeys(("--epochs", "--image-size", "--batch-size", "--seed", "--devices"), NUMBERS)
OF_RECIPE = ("--half-size-share", "--scale-jitter", "--light", "--grey-share", "--dice-weight")
OPTIONS |= dict.fromkeys(OF_RECIPE, ("1", *NUMBERS))
OPTIONS |= {"--start": STAGE_OR_FILE, "--models": SAVED_MODELS, "--learning-rate": ("0.001", *NUMBERS)}
OPTIONS |= {"--seeds": ("1", *(number for number in NUMBERS if number != "16"))}  # of which each takes seconds
RECIPE = ("--out", "--dataset", "--split", "--epochs", "--image-size", "--batch-size", *OF_RECIPE)
OF_COMMAND = {
    "train": (*RECIPE, "--seed", "--devices", "--start", "--learning-rate"),
    "grid": (*RECIPE, "--seeds", "--start"),
    "evaluate": ("--dataset",),
    "predict": ("--out",),
    "export": ("--out", "--dataset", "--format", "--image-size", "--quantize"),
    "benchmark": ("--out",),
    "compare": ("--out", "--models"),
    "inspect": ("--out",),
    "trials": ("--out", "--seeds"),
}


def command_line(draw):
    """A command with arguments of which some are wrong."""

    def pick(values):
        return values[0] if draw.random() < 0.5 else draw.choice(values)

    command = draw.choice([*POSITIONS, "train", "train", "predict", "predict", "export", "compare"])
    line = [command, *map(pick, POSITIONS[command])]
    for option in draw.sample(OF_COMMAND.get(command, ()), min(2, len(OF_COMMAND.get(command, ())))):
        line += [option, pick(OPTIONS[option])]
    if draw.random() < 0.1:
        del line[draw.randrange(len(line))]
    if draw.random() < 0.1:
        line.insert(draw.randrange(len(line) + 1), draw.choice([*WORDS, *OPTIONS, "--help", "--xla"]))
    if command in ("predict", "export", "compare") and not any(path in line for path in OUT if "precious" in path):
        line += ["--overwrite"] * draw.randrange(2)
    if command == "predict":
        line += draw.sample(("--mask", "--cutout"), draw.randrange(3))
    return line


def tiny_model(name, **options):
    """A model that tells red, green and blue apart, in the place of a stage."""
    check_stage(name)
    return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1)], name=name)


@pytest.fixture
def work_that_takes_no_time(monkeypatch):
    """What the commands call once their arguments are understood."""
    card = cards.card("unet")
    monkeypatch.setattr(models, "build", tiny_model)
    monkeypatch.setattr(models, "build_for_training", tiny_model)
    monkeypatch.setattr(training, "train", lambda build, *arguments: (build(), [{"loss": 1.0, "seconds": 1.0}]))
    of_trial = {"minutes": 1, "mean_iou": 0.5, "grey": 0.5}
    monkeypatch.setattr("zoo.commands.training.run_trial", lambda name, seed, folder: of_trial)
    monkeypatch.setattr(costs, "costs", lambda model: card["costs"])
    monkeypatch.setattr(evaluation, "evaluate", lambda model, dataset: card["scores"])
    monkeypatch.setattr(prediction, "predict", lambda model, image: np.zeros(image.shape[:2], "uint8"))
    scenes = tf.data.Dataset.from_tensors((np.zeros((20, 20, 3), "uint8"), np.zeros((20, 20), "int32")))
    nothing_read = {"examples": lambda split: scenes, "describe": lambda split: {}}
    find = data.find
    monkeypatch.setattr(data, "find", lambda name: dataclasses.replace(find(name), **nothing_read))
    monkeypatch.setattr(data, "examples", lambda name, split: data.find(name).examples(split))
    monkeypatch.setattr(data, "default_dataset", lambda: "synthetic_pets")
    monkeypatch.setattr(data, "download", lambda: "precious")
    monkeypatch.setattr("zoo.formats.compare", lambda *arguments: (np.zeros(1), 1.0))
    for format, (ending, _, keras_version) in formats.FORMATS.items():
        write = lambda model, path, *others: path.write_bytes(b"model")  # noqa: E731
        monkeypatch.setitem(formats.FORMATS, format, (ending, write, keras_version))
    row = {"batch": 1, "run": "predict", "milliseconds": 1.0, "quartiles": [0, 1]}
    rows = [{"stage": stage, "size": size, **row} for stage in zoo.STAGES for size in (256, 1024)]
    for name in BENCHMARKS:
        monkeypatch.setattr(benchmark, name, lambda *arguments: {"mapped": 9.0} if arguments else rows)
    for module, draw_it in ((figures, "draw_benchmark"), (plots, "draw_comparison"), (plots, "draw_stages")):
        monkeypatch.setattr(module, draw_it, lambda *arguments: figure.Figure())


@pytest.fixture
def precious(tmp_path, monkeypatch):
    """A folder whose files must stay as they are, and beside it others that are broken; all below the current one."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "precious"
    saved.save(tiny_model("unet"), cards.card("unet"), folder)
    tiny_model("unet").save(folder / "own.keras")
    for name in ("photo.png", "photo.jpg", "photo.jpg.png"):
        Image.new("RGB", SIZE).save(folder / name)
    for name in ("notes.txt", "table.json", "table.png", "own.onnx", "unet.onnx", "comparison.png"):
        (folder / name).write_text(name)
    (folder / "link.png").symlink_to("notes.txt")
    for name in ("fifo.png", "fifo.keras"):
        os.mkfifo(name)
    for name in ("empty", "folder.keras", "broken"):
        os.mkdir(name)
    pathlib.Path("broken/unet.json").write_text("[]")
    pathlib.Path("zero.keras").symlink_to("/dev/zero")
    pathlib.Path("loop.png").symlink_to("loop.png")
    for name in ("cut.keras", "cut.png", "evil\x1b[2J\n.png", "\udcff.png"):
        pathlib.Path(name).write_bytes(b"PK\x03\x04")
    return folder


def contents_of(folder):
    """All files of a folder, by their names; links by where they lead to."""
    files = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    return {path: os.readlink(path) if path.is_symlink() else path.read_bytes() for path in files}


@pytest.mark.usefixtures("work_that_takes_no_time")
def test_broken_commands(precious, tmp_path, monkeypatch, capsys):
    draw, ends = random.Random(6), collections.Counter()
    for _ in range(400):
        line = command_line(draw)
        monkeypatch.setenv("ZOO_SAVED_MODELS", draw.choice(SAVED_MODELS))
        before = contents_of(precious)
        code, printed = run(line), capsys.readouterr()
        errors = printed.err.splitlines()
        if code == 2:  # argparse has said why, below the usage
            assert re.match(r"python -m zoo.*: error: ", errors[-1]), (line, printed)
            errors = errors[-1:]
        elif isinstance(code, str):
            assert code.startswith(f"{line[0]}: "), (line, code)
            errors.append(code)
        else:
            assert code in (None, 0, 1), (line, code)
            assert bool(code) == bool(errors), (line, printed)
            assert all(error.startswith("skipped ") for error in errors), (line, printed)
        assert len(errors) == 1 or code in (None, 0, 1)
        assert all(text.isprintable() and len(text) < 1000 for text in [*errors, *printed.out.splitlines()]), line
        assert before.items() <= contents_of(precious).items(), line
        assert not list(tmp_path.rglob(".unfinished.*")), line
        ends[code if isinstance(code, int | None) else "line"] += 1
    assert min(ends[None], ends[2], ends["line"]) > 20, ends
