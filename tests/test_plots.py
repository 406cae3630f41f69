import json
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from zoo import benchmark, cards, lettering, plots, schemes, tables
from zoo.benchmark import figures
from zoo.commands.arguments import BENCHMARKS


def cells(axis):
    """{(row, column): (text, colour)} of a drawn grid, read off the picture."""
    colours = {(int(patch.get_y()), int(patch.get_x())): patch.get_facecolor() for patch in axis.patches}
    texts = {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in axis.texts}
    assert colours.keys() == texts.keys()
    return {place: (texts[place], colours[place]) for place in texts}


def test_overlay_mixes_photo_and_colour():
    image = np.full((1, 1, 3), 100, "uint8")
    mixed = plots.overlay(image, np.array([[0]]), opacity=0.5)
    assert mixed.tolist() == [[[165, 129, 50]]]  # half of (230, 159, 0), half of (100, 100, 100)


def test_a_window_has_one_tint_in_every_grid():
    large = np.arange(24).reshape(4, 6)
    figure = plots.draw_grids({"large": large, "small": large[::2, ::3]}, windows=(2, 2))
    drawn_large, drawn_small = map(cells, figure.axes)
    assert len(drawn_large) == 24
    assert len(drawn_small) == 4
    for (row, column), (text, colour) in drawn_large.items():
        assert text == str(large[row, column])
        assert colour == drawn_small[row // 2, column // 3][1]
    assert len({colour for _, colour in drawn_small.values()}) == 4


def test_without_windows_there_are_no_tints():
    drawn = cells(plots.draw_grids({"numbers": [[1.5, 0]]}).axes[0])
    assert {text for text, _ in drawn.values()} == {"1.5", "0"}
    assert {colour[3] for _, colour in drawn.values()} == {0}


def test_images_are_drawn_as_what_they_are():
    photo = np.full((2, 3, 3), 7, "uint8")
    mask = np.array([[0, 1, 2]])
    figure = plots.draw_images({"photo": photo, "mask": mask, "map": np.zeros((4, 4))}, columns=2)
    assert len(figure.axes) == 4  # two rows of two
    drawn = [axis.images[0].get_array() for axis in figure.axes[:3]]
    np.testing.assert_array_equal(drawn[0], photo)
    np.testing.assert_array_equal(drawn[1], plots.COLOURS[None])
    assert drawn[2].shape == (4, 4)


def test_stages_are_columns_and_photos_rows():
    photos = [np.zeros((2, 2, 3), "uint8")] * 2
    mask = np.ones((2, 2), int)
    figure = plots.draw_stages(photos, {"unet": [mask, mask]}, truths=[None, mask])
    titles = [axis.get_title() for axis in figure.axes[:3]]
    assert titles == ["photo", "truth", "unet"]
    assert [len(axis.images) for axis in figure.axes] == [1, 0, 1, 1, 1, 1]


def test_a_scheme_shows_each_map_at_its_output_stride_and_what_is_handed_across():
    figure = schemes.draw_schemes({"one": ([1, 2, 4, 4], [2, 1], [(4, 2), (1, 1)]), "other": ([1, 16], [1], [])})
    one, other = figure.axes
    _, way_down, way_up = one.lines
    assert [list(way.get_xdata()) for way in (way_down, way_up)] == [[0, 1, 2, 3], [4, 5]]
    assert [list(2 ** way.get_ydata()) for way in (way_down, way_up)] == [[1, 2, 4, 4], [2, 1]]
    # The last map of a stride is handed to the first one: (step, binary logarithm of the stride).
    assert [(note.xyann, note.xy) for note in one.texts] == [((3, 2), (4, 1)), ((0, 0), (5, 0))]
    assert not other.texts


def test_every_part_of_the_benchmark_has_a_panel():
    results = json.loads(benchmark.RESULTS.read_text())
    panels = figures.draw_benchmark(results).axes
    assert len(panels) == len(BENCHMARKS)
    times = [row["milliseconds"] for row in results["runtimes"] if row["batch"] == 1]
    assert [bar.get_width() for bar in panels[BENCHMARKS.index("runtimes")].patches] == times


def test_what_failed_is_not_drawn():
    rows = [
        {"stride": stride, "contender": name, "multiply_adds": 8, "milliseconds": 2.0 if name == "dense" else 6.0}
        for stride in (1, 2)
        for name in ("sliding", "dense")
    ]
    rows[0] = {"stride": 1, "contender": "sliding", "multiply_adds": 8, "error": "MemoryError"}
    (panel,) = figures.draw_benchmark({"patches": rows}).axes
    assert [list(line.get_xdata()) for line in panel.lines] == [[2], [2]]
    assert panel.lines[1].get_ydata() == [3.0]


def test_every_class_has_a_colour_of_its_own():
    colours = plots.palette(300)
    np.testing.assert_array_equal(colours[:3], plots.COLOURS)
    assert len({tuple(colour) for colour in colours}) > 290
    assert len({tuple(colour) for colour in colours[:30]}) == 30
    mask = np.arange(300).reshape(15, 20).astype("uint16")
    np.testing.assert_array_equal(plots.overlay(np.zeros((15, 20, 3), "uint8"), mask, 1), colours[mask])


NAMES = ["a$_$b", "_hidden", "a\x1b[2J\nb", "猫咪"]


def test_names_are_drawn_as_they_are(tmp_path, recwarn):
    """Two "$" are no mathematics, "_" hides nothing, and control characters are escaped."""
    card = cards.card("unet")
    scores = {**card["scores"]["at_network_size"], "iou": dict.fromkeys(NAMES, 0.5)}
    drawn = {
        "legend": plots.draw_legend(NAMES),
        "comparison": plots.draw_comparison({"unet": {**card, "scores": {"at_network_size": scores}}}),
        "images": plots.draw_images({"cost$1_$2.png": np.zeros((2, 2, 3))}),
    }
    for name, figure in drawn.items():
        figure.savefig(tmp_path / f"{name}.png")
    shown = ["a$_$b", "_hidden", r"a\x1b[2J\nb", "猫咪"]
    assert [text.get_text() for text in drawn["legend"].legends[0].get_texts()] == shown
    assert [text.get_text() for text in drawn["comparison"].axes[0].get_legend().get_texts()] == [*shown, "mean"]
    assert drawn["images"].axes[0].get_title() == "cost$1_$2.png"
    texts = {str(warning.message) for warning in recwarn}
    assert not [text for text in texts if "findfont" in text]
    assert not texts or len(lettering.AS_WRITTEN["fontfamily"]) == 1  # without a font for them, letters are boxes


def test_a_picture_replaces_an_earlier_one_and_nothing_that_a_link_leads_to(tmp_path):
    (tmp_path / "kept").write_text("old")
    (tmp_path / "demo.png").symlink_to(tmp_path / "kept")
    for width in (1, 2):
        lettering.save(Figure(figsize=(width, 1)), tmp_path / "demo.png", overwrite=True)
        assert Image.open(tmp_path / "demo.png").size == (100 * width, 100)
    assert (tmp_path / "kept").read_text() == "old"


def test_letters_that_no_font_has_are_boxes_without_a_word(monkeypatch, tmp_path):
    monkeypatch.setitem(lettering.AS_WRITTEN, "fontfamily", ["DejaVu Sans"])
    with warnings.catch_warnings(record=True) as caught:
        lettering.save(plots.draw_legend(["汽车"]), tmp_path / "legend.png")
    assert not caught
    assert Image.open(tmp_path / "legend.png").width > 50
    with pytest.raises(FileExistsError):
        lettering.save(plots.draw_legend(["car"]), tmp_path / "legend.png")
    with pytest.warns(UserWarning, match="Glyph .* missing from"):
        plots.draw_legend(["汽车"]).savefig(tmp_path / "other.png")


def test_of_many_classes_the_mean_alone_is_drawn():
    card = cards.card("unet")
    for count in (tables.MOST_CLASSES, tables.MOST_CLASSES + 1):
        iou = {f"class {number}": 0.5 for number in range(count)}
        scores = {**card["scores"]["at_network_size"], "iou": iou}
        bars = plots.draw_comparison({"unet": {**card, "scores": {"at_network_size": scores}}}).axes[0]
        names = [text.get_text() for text in bars.get_legend().get_texts()]
        assert names == [*(iou if count <= tables.MOST_CLASSES else []), "mean"]
        assert len(bars.patches) == len(names) - 1


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"`mask` must be of the size of `image`, \(4, 4\)\. Received: \(4, 1\)"):
        plots.overlay(np.zeros((4, 4, 3), "uint8"), np.zeros((4, 1), int))


def test_photos_and_masks_of_other_numbers_are_refused():
    image, mask = np.zeros((1, 1, 3), "uint8"), np.zeros((1, 1), int)
    with pytest.raises(ValueError, match=r"`image` must be uint8, .*Received: float64"):
        plots.overlay(image / 255, mask)
    with pytest.raises(ValueError, match=r"`mask` integers from 0 on.*Received: uint8, int64 from -1 on"):
        plots.overlay(image, mask - 1)
    for kind in (bool, float):
        with pytest.raises(ValueError, match=r"`mask` integers from 0 on"):
            plots.overlay(image, mask.astype(kind))
