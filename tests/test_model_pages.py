"""What the site draws and tells of a model, held against the model's layers and its card."""

import hashlib
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import architecture
import charts
import diagrams
import home
import insides
import keras
import numpy as np
import pytest
import reading
import windows

import zoo
from zoo.cards import cards
from zoo.layers import BedOfNails2D, IndexUnpooling2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D
from zoo.stages import REGISTRY, STAGES

ROOT = Path(__file__).parents[1]
DECODERS = STAGES[2:]
FIXED = (
    keras.layers.MaxPooling2D,
    MaxPoolingWithOffsets2D,
    NearestUnpooling2D,
    BedOfNails2D,
    MaxUnpooling2D,
)
SMALL = {"image_shape": (32, 32, 3), "filters": (4, 6, 10)}


def drawing(model):
    """The elements of a model's drawing, by class."""
    root = ElementTree.fromstring(diagrams.diagram(architecture.read(model)))
    found = {}
    for element in root:
        for name in element.get("class", "").split():
            found.setdefault(name, []).append(element)
    return found, root


def texts(elements):
    return [element.text for element in elements]


def sizes(elements):
    """How often the titles of slices name each size, "side x side x channels"."""
    return Counter(element.find("title").text for element in elements if element.tag == "rect")


def all_layers(model):
    """The layers of a model, and of the classifier of patches in it."""
    for layer in model.layers:
        yield from layer.classifier.layers if hasattr(layer, "classifier") else ()
        yield layer


def outputs(layers):
    """The sizes of what layers put out, in the words of a slice's title."""
    shapes = [keras.tree.flatten(layer.output)[0].shape for layer in layers]
    shapes = [shape if len(shape) == 4 else (None, 1, 1, shape[-1]) for shape in shapes]
    return Counter(f"{height} x {width} x {channels}" for _, height, width, channels in shapes)


@pytest.mark.parametrize("stage", STAGES)
def test_each_slice_is_the_output_of_a_layer(stage):
    model = zoo.build(stage)
    found, _ = drawing(model)
    inner = [layer for layer in all_layers(model) if layer.name != "logits"]
    learned = [
        layer for layer in inner if getattr(layer, "kernel_size", (1, 1)) != (1, 1) or "Dense" in str(type(layer))
    ]
    assert sizes(found["zoo-learned"]) == outputs(learned)
    windows_moved = [layer for layer in inner if hasattr(layer, "classifier")]
    fixed = [layer for layer in inner if isinstance(layer, FIXED)]
    assert sizes(found.get("zoo-fixed", [])) == outputs([*fixed, *windows_moved]), "is a layer missing in `FIXED`?"
    assert sizes(found["zoo-logits"]) == outputs([model.layers[-1]])
    marks = [layer for layer in inner if isinstance(layer, IndexUnpooling2D)]
    joined = [layer.input[1] for layer in inner if isinstance(layer, keras.layers.Concatenate) and not marks]
    features = Counter(f"{tensor.shape[1]} x {tensor.shape[2]} x {tensor.shape[3]}" for tensor in joined)
    assert sizes(found.get("zoo-memory", [])) == outputs(marks) + features


@pytest.mark.parametrize("stage", DECODERS)
@pytest.mark.parametrize("options", [{}, SMALL], ids=["default", "small"])
def test_levels_sizes_channels_and_memories_of_encoder_decoders(stage, options):
    side, filters = options.get("image_shape", (128,))[0], options.get("filters", (16, 32, 64, 96, 128))
    found, root = drawing(zoo.build(stage, **options))
    assert texts(found["zoo-channels"]) == [str(count) for count in [*filters, *reversed(filters[:-1])]]
    assert texts(found["zoo-size"]) == [f"{side >> level} x {side >> level}" for level in range(len(filters))]
    kind = {"index_unpooling": "places", "max_unpooling": "places", "unet": "features"}.get(stage)
    assert len(found.get("zoo-memory", [])) >= bool(kind)
    assert texts(found.get("zoo-remembered", [])) == [kind] * (len(filters) - 1 if kind else 0)
    assert [path for path in found if path in ("zoo-places", "zoo-features")] == ([f"zoo-{kind}"] if kind else [])
    assert all(f"{side >> level} x {side >> level} pixels" in root.get("aria-label") for level in range(len(filters)))
    says = {"places": "where each maximum stood", "features": "the features", None: "nothing"}[kind]
    assert root.get("aria-label").endswith(f"Remembered on the way down: {says}.")


@pytest.mark.parametrize("stage", STAGES)
def test_the_insides_have_every_level(stage):
    model = zoo.build(stage, **(SMALL if stage in DECODERS else {"image_shape": (32, 32, 3)}))
    found = insides.with_insides(model).output
    grown = [name for name in found if name.startswith("grown_")]
    assert len(grown) == (len(SMALL["filters"]) - 1 if stage in DECODERS else 0)


def test_a_way_up_that_the_insides_do_not_know_is_named(monkeypatch):
    monkeypatch.setattr(insides, "UP", ())
    with pytest.raises(ValueError, match=r"`UP` in .*insides\.py must name the layer by which unet grows"):
        insides.with_insides(zoo.build("unet", **SMALL))


def test_stages_without_a_way_up_are_drawn_by_the_same_rule():
    found, _ = drawing(zoo.build("fully_convolutional"))
    assert texts(found["zoo-size"]) == ["128 x 128"]
    assert "zoo-way" not in found
    found, _ = drawing(zoo.build("sliding_window", window=32))
    assert texts(found["zoo-size"]) == [f"{side} x {side}" for side in (128, 32, 14, 6, 2, 1)]
    assert len(found["zoo-window"]) == 1


@pytest.mark.parametrize("stage", STAGES)
def test_small_maps_grow_as_the_definitions_say(stage):
    example = windows.EXAMPLE[0, :, :, 0]
    blocks = example.reshape(2, 2, 2, 2)  # row of windows, row in it, column of windows, column in it
    copied = blocks.max((1, 3)).repeat(2, 0).repeat(2, 1)
    corners = np.where(np.arange(16).reshape(4, 4) % 2 + np.arange(4)[:, None] % 2, 0, copied)
    stood = np.zeros((4, 4))
    for row, column in np.ndindex(2, 2):
        place = example[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].argmax()
        stood[2 * row + place // 2, 2 * column + place % 2] = 1
    expected = {
        "nearest_unpooling": {"nearest unpooling": copied},
        "bed_of_nails": {"bed of nails": corners},
        "index_unpooling": {"nearest unpooling": copied, "index unpooling": stood},
        "max_unpooling": {"max unpooling": stood * copied},
        "transposed_convolution": {"transposed convolution": None},
        "strided_convolution": {"transposed convolution": None},
        "unet": {"transposed convolution": None, "features": example},
    }.get(stage, {})
    found = windows.grow(zoo.build(stage))
    assert found.keys() == expected.keys(), f"what does `expected` say of {stage}?"
    for name, values in found.items():
        assert (values is None) == (expected[name] is None)
        assert values is None or values.tolist() == expected[name].tolist()


@pytest.fixture(scope="module")
def known():
    return cards(ROOT / "saved_models")


def test_the_curve_is_the_loss_of_each_epoch(known):
    others = [card for stage, card in known.items() if stage != "unet"]
    root = ElementTree.fromstring(charts.curves(known["unet"], others))
    heights = {
        float(text.text): float(text.get("y"))
        for text in root.iter("text")
        if text.get("text-anchor") == "end" and re.fullmatch(r"[\d.]+", text.text)
    }
    curves = {line.get("class"): [] for line in root.iter("polyline")}
    for line in root.iter("polyline"):
        points = np.array([point.split(",") for point in line.get("points").split()], float)
        losses = (heights[0] - 4 - points[:, 1]) / (heights[0] - heights[1])  # the text of a tick stands 4 lower
        curves[line.get("class")].append(losses)
        assert np.allclose(np.diff(points[:, 0]), np.diff(points[:2, 0]), atol=0.11)
    (this,) = curves["zoo-this"]
    assert np.allclose(this, [state["loss"] for state in known["unet"]["history"]], atol=1e-3)
    assert len(curves["zoo-other"]) == len(others)


def cells(html):
    """The rows of a table: the text of each cell, and the length of its bar."""
    rows = ElementTree.fromstring(html).iter("tr")
    return [[("".join(cell.itertext()), cell.get("style")) for cell in row] for row in rows]


def test_the_bars_are_the_scores_of_the_cards(known):
    scores = {stage: card["scores"]["at_network_size"] for stage, card in known.items()}
    html = charts.bars(scores, "unet", "../{}/".format)
    head, *rows = cells(html)
    assert [text for text, _ in head] == ["model", "mean IoU", "pet", "background", "border"]
    assert [row[0][0] for row in rows] == list(known)
    for stage, row in zip(known, rows, strict=True):
        expected = [scores[stage]["mean_iou"], *scores[stage]["iou"].values()]
        assert [float(text) for text, _ in row[1:]] == pytest.approx(expected, abs=5e-4)
        assert [style for _, style in row[1:]] == [f"--share: {text}" for text, _ in row[1:]]
    assert html.count("zoo-this") == 1
    assert re.search(r'class="zoo-this".*?>unet<', html)
    assert re.findall(r'href="\.\./(\w+)/"', html) == list(known)[:-1]


def test_a_class_that_is_nowhere_has_no_bar():
    html = charts.bars({"one": {"mean_iou": 0.5, "iou": {"cat": None, "dog": 0.5}}}, "one", str)
    assert [text for text, _ in cells(html)[1]] == ["one", "0.500", "", "0.500"]


def test_the_confusion_is_the_share_of_each_true_class(known):
    score = known["unet"]["scores"]["at_network_size"]
    counts = np.array(score["confusion"])
    head, *rows = cells(charts.confusion(score))
    assert [text for text, _ in head[1:]] == [f"called {name}" for name in score["iou"]]
    shares = [[float(text.partition("%")[0]) for text, _ in row[1:]] for row in rows]
    assert np.allclose(shares, 100 * counts / counts.sum(1, keepdims=True), atol=0.05)
    millions = [[float(text.partition("%")[2].removesuffix(" M")) for text, _ in row[1:]] for row in rows]
    assert np.allclose(millions, counts / 1e6, atol=0.005)


@pytest.mark.parametrize(("stage", "remembered"), [("bed_of_nails", "nothing"), ("unet", "the features")])
def test_the_home_page_says_of_a_stage_what_its_card_says(known, stage, remembered):
    text = home.card_of(next(one for one in REGISTRY if one.name == stage), known[stage])
    words = re.sub(r"<svg.*?</svg>|<[^>]*>", "", text)
    score = known[stage]["scores"]["at_network_size"]["mean_iou"]
    parameters = zoo.build(stage).count_params()
    assert f"remembers {remembered}" in words
    assert f"mean IoU {score:.3f} · {parameters:,} parameters · " in words
    assert f'href="models/{stage}/"' in text


def test_a_cost_that_was_not_measured_has_no_row(known):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra `site`)")
    import models

    costs = {**known["unet"]["costs"], "peak_megabytes": None}  # as on macOS
    rows = [name for name, _ in models.costs_of({"costs": costs})]
    assert rows == [name.replace("_", " ") for name in costs if name != "peak_megabytes"]


def test_long_code_is_folded_and_short_code_is_not():
    long, short = ("def walk(x):\n" + "    x += 1\n" * lines for lines in (reading.LONGEST, reading.LONGEST - 1))
    page = f"Before\n\n```python\n{long}```\n\nbetween\n\n```python\n{short}```\n"
    found = reading.on_page_markdown(page, None, None, None)
    title = f'??? example "Code, {reading.LONGEST + 1} lines: walk"'
    assert f"{title}\n\n    ```python\n    def walk(x):\n        x += 1\n" in found
    assert f"\n```python\n{short}```\n" in found
    assert found.count("```python") == 2
    assert reading.on_page_markdown(found, None, None, None) == found


@pytest.fixture
def exports(monkeypatch, tmp_path):
    """The hook that hands files out, with a cache of its own."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra `site`)")
    import exports

    monkeypatch.setattr(exports, "CACHE", tmp_path)
    return exports


def test_without_the_packages_the_page_says_what_is_missing(exports, monkeypatch):
    stage = exports.REGISTRY[1]
    monkeypatch.setattr(exports.importlib.util, "find_spec", lambda name: None)
    text = exports.on_page_markdown(f"<!-- downloads of {stage.name} -->", None, None, None)
    assert f"[{stage.name}.keras]({stage.name}.keras)" in text
    assert text.count("was not installed") == 2


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports need TensorFlow")
def test_the_code_beside_a_file_opens_it_and_its_checksum_holds(exports, monkeypatch, tmp_path, rng):
    for package in ("tf2onnx", "onnxruntime", "ai_edge_litert"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra `export`)")
    stage = next(stage for stage in exports.REGISTRY if stage.name == "fully_convolutional")
    images = rng.random((1, 128, 128, 3), "float32")
    expected = zoo.load(stage.name)(images)
    files = exports.files_of(stage)
    assert list(files) == [".keras", ".onnx", ".tflite"]
    monkeypatch.setattr(exports.importlib.util, "find_spec", lambda name: pytest.fail("the cache has it"))
    assert exports.files_of(stage) == files
    for ending, path in files.items():
        text = exports.offer(stage, ending, path)
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
        (tmp_path / f"{stage.name}{ending}").write_bytes(path.read_bytes())
        names = {"images": images}
        (code,) = re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)
        monkeypatch.chdir(tmp_path)
        exec(code, names)
        assert np.abs(names["logits"] - expected).max() < 1e-3
        monkeypatch.chdir(ROOT)


def test_the_best_the_middle_and_the_worst_answer_are_shown(monkeypatch, rng):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra `site`)")
    pytest.importorskip("jupytext", reason="jupytext is not installed (extra `site`)")
    import answers

    photos = [np.full((40 + 8 * number, 64, 3), 50 * number, "uint8") for number in range(5)]
    said = [rng.integers(0, 3, photo.shape[:2]) for photo in photos]
    truths = [(mask + 1) % 3 for mask in said]  # wrong everywhere
    truths[3], truths[1] = said[3], said[1].copy()  # one right, and one right in its upper half
    truths[1][20:] = (said[1][20:] + 1) % 3
    said[4] = truths[4] = np.ones_like(said[4])  # right, but a class is nowhere
    monkeypatch.setattr(answers, "load_photos", lambda: list(zip(photos, truths, strict=True)))
    monkeypatch.setattr(answers, "load_any", lambda path: None)
    monkeypatch.setattr(answers, "predict_logits", lambda model, images: [np.eye(3)[mask] for mask in said])
    found = answers.judge(answers.REGISTRY[0])
    assert {place: iou for place, (iou, _) in found.items() if place != "middle"} == {"best": 1, "worst": 0}
    assert 0 < found["middle"][0] < 1
    _, best = found["best"]
    assert best.shape == (64, 3 * 64 + 2 * answers.GAP, 4)
    assert (best[:, :64, :3] == photos[3]).all()
    truth, answer = (best[:, left : left + 64] for left in (64 + answers.GAP, 128 + 2 * answers.GAP))
    assert (truth == answer).all()
    assert not best[:, 64 : 64 + answers.GAP].any()  # transparent
