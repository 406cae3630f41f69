"""The figures to play with on pages 5 to 7, in a browser, against the layers and PyTorch."""

import re

import numpy as np
import pytest
from keras.ops import convert_to_numpy

pytestmark = pytest.mark.slow

GROWING, UNPOOLING, TRANSPOSED = "05_nearest_and_nails/", "06_max_unpooling/", "07_transposed_convolution/"


def numbers(page, grid):
    """What a grid of a figure shows; a row of None where there is nothing."""
    rows = [row.locator("td:visible").all_text_contents() for row in page.locator(f"[data-grid={grid}] tr").all()]
    return [[int(text) if text else None for text in row] for row in rows]


def set_numbers(page, grid, values):
    """Sets all numbers of a grid by the keyboard."""
    for cell, value in zip(page.locator(f"[data-grid={grid}] [role=spinbutton]").all(), values, strict=False):
        cell.press(str(abs(value)))
        for _ in range(2 * max(0, -value)):
            cell.press("ArrowDown")


def choose(page, figure, legend, option):
    """Checks one of the radio buttons under a legend of a figure."""
    group = page.locator(figure).get_by_role("group", name=legend, exact=True)
    group.get_by_role("radio", name=str(option), exact=True).check()


def radio(page, label):
    return page.get_by_role("radio", name=label, exact=True)


def channel(values):
    """A grid as a batch of one image with one channel."""
    return np.array(values, "float32")[None, :, :, None]


@pytest.mark.parametrize("most", [1, 3, 9])  # few values make many equal maxima
def test_the_figure_unpools_as_the_layers_do(visit, rng, most):
    from zoo.layers import BedOfNails2D, IndexUnpooling2D, MaxPoolingWithOffsets2D, MaxUnpooling2D, NearestUnpooling2D

    ways = {
        "nearest neighbour": lambda values, offsets: NearestUnpooling2D()(values),
        "bed of nails": lambda values, offsets: BedOfNails2D()(values),
        "index unpooling": lambda values, offsets: IndexUnpooling2D()(offsets),
        "max unpooling": lambda values, offsets: MaxUnpooling2D()(values, offsets),
    }
    page = visit(UNPOOLING)
    drawn = rng.integers(0, most + 1, (4, 4))
    set_numbers(page, "input", drawn.ravel().tolist())
    assert numbers(page, "input") == drawn.tolist()
    values, offsets = map(convert_to_numpy, MaxPoolingWithOffsets2D()(channel(drawn)))
    assert numbers(page, "pooled") == values[0, :, :, 0].tolist()
    assert numbers(page, "offsets") == offsets[0, :, :, 0].tolist()
    for label, factor in (("change nothing", 1), ("multiply by 10", 10)):
        radio(page, label).check()
        for way, unpool in ways.items():
            radio(page, way).check()
            expected = convert_to_numpy(unpool(factor * values, offsets))
            assert numbers(page, "result") == expected[0, :, :, 0].tolist(), (way, factor)


def test_the_figure_outlines_each_maximum_and_has_the_colours_of_the_pictures(visit, rng):
    from zoo.plots import TINTS

    page = visit(UNPOOLING)
    drawn = rng.permutation(10).tolist() + [0] * 6
    set_numbers(page, "input", drawn)
    cells = page.locator("[data-grid=input] td")
    windows = np.arange(16).reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(4, 4)  # the cells of each window
    for tint, window in zip(TINTS, windows.tolist(), strict=True):
        for cell in window:
            colour = cells.nth(cell).evaluate("cell => getComputedStyle(cell).backgroundColor")
            assert [int(part) for part in re.findall(r"\d+", colour)[:3]] == (255 * tint).round().tolist()
        outlined = [cell for cell in window if "zoo-maximum" in cells.nth(cell).get_attribute("class")]
        assert outlined == [max(window, key=lambda cell: drawn[cell])]


def test_the_figures_obey_the_keyboard(visit):
    page = visit(UNPOOLING)
    cell = page.get_by_label("row 0, column 0", exact=True)
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.role") == "spinbutton":
            break
    assert page.evaluate("document.activeElement.ariaLabel") == "row 0, column 0"
    assert cell.evaluate("cell => getComputedStyle(cell).outlineStyle") == "solid"
    before = int(cell.get_attribute("aria-valuenow"))
    for key, expected in [("ArrowUp", before + 1), ("ArrowDown", before), ("End", 9), ("ArrowUp", 9), ("Home", 0)]:
        page.keyboard.press(key)
        assert cell.get_attribute("aria-valuenow") == cell.text_content() == str(expected)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "row 0, column 1"


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_number_follows_the_pointer(visit, way):
    page = visit(UNPOOLING)
    cell = page.get_by_label("row 1, column 0", exact=True)
    cell.scroll_into_view_if_needed()
    before, box = int(cell.text_content()), cell.bounding_box()
    x, y = box["x"] + 5, box["y"] + 5
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + {"up": -30, "down": 30}[way], steps=5)
    page.mouse.up()
    assert int(cell.text_content()) == before + {"up": 3, "down": -3}[way]
    after = cell.text_content()
    page.mouse.move(x, y)
    assert cell.text_content() == after


def test_what_changes_is_said_aloud(visit):
    page = visit(UNPOOLING)
    sentence = page.locator(".unpooling-figure [aria-live=polite]")
    set_numbers(page, "input", [7] * 16)
    assert "7, 7, 7, 7" in sentence.text_content()
    page.get_by_role("radio", name="multiply by 10").check()
    assert "70, 70, 70, 70" in sentence.text_content()
    assert "changed" in sentence.text_content()


@pytest.mark.parametrize("known", [True, False])
def test_a_figure_speaks_the_language_of_its_page_where_it_knows_the_words(visit, known):
    words = {
        ", ": "、",
        "max unpooling": "最大反池化",
        "Max unpooling puts {values} where the maxima stood, and zeros elsewhere.": "最大值处放 {values}。",
        "The layers between have changed the maxima to these values.": "中间各层改成了这些值。",
    }

    def turn_chinese(route):
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace('lang="en"', 'lang="zh"', 1))

    def watch(page):
        page.route(f"**/{UNPOOLING}", turn_chinese)
        page.route("**/zh/assets/words.json", lambda route: route.fulfill(json=words) if known else route.abort())

    page = visit(UNPOOLING, watch)
    sentence = page.locator(".unpooling-figure [aria-live=polite]")
    set_numbers(page, "input", [7] * 16)
    assert page.get_by_role("radio", name="最大反池化" if known else "max unpooling", exact=True).is_checked()
    page.get_by_role("radio", name="multiply by 10").check()
    chinese = "最大值处放 70、70、70、70。中间各层改成了这些值。"
    assert (sentence.text_content() == chinese) == known
    assert ("Max unpooling puts 70, 70, 70, 70 where" in sentence.text_content()) != known


def test_random_numbers_and_reset(visit):
    page = visit(UNPOOLING)
    start = numbers(page, "input")
    page.get_by_role("radio", name="bed of nails").check()
    page.get_by_role("button", name="Random numbers").click()
    assert numbers(page, "input") != start
    assert numbers(page, "result")[0][1] == 0
    page.get_by_role("button", name="Reset").click()
    assert numbers(page, "input") == start
    assert page.get_by_role("radio", name="max unpooling").is_checked()


@pytest.mark.parametrize(("size", "stride"), [(2, 1), (2, 3), (3, 2), (4, 2)])  # gaps, a checkerboard, none
def test_the_stepper_computes_a_transposed_convolution(visit, rng, size, stride):
    inputs, kernel = rng.integers(-5, 6, 3), rng.integers(-5, 6, size)
    page = visit(TRANSPOSED)
    choose(page, ".transposed-figure", "Kernel size", size)
    choose(page, ".transposed-figure", "Stride", stride)
    set_numbers(page, "input", inputs.tolist())
    set_numbers(page, "kernel", kernel.tolist())
    assert numbers(page, "kernel") == [kernel.tolist()]
    press(page, "Back")
    for made in range(4):
        if made:
            press(page, "Step")
        _, *stamps, output, touched = numbers(page, "sums")
        are_made = np.arange(3) < made
        assert output == transpose(inputs * are_made, kernel, stride)
        assert touched == transpose(are_made, np.ones(size), stride)
        assert [[value is not None for value in row].count(True) for row in stamps] == (size * are_made).tolist()
    counts = set(transpose(np.ones(20), np.ones(size), stride)[size : 19 * stride])
    sentence = page.locator(".transposed-figure [aria-live=polite]").text_content()
    assert ("a checkerboard threatens" in sentence) == (len(counts) > 1)
    assert all(f"{count:.0f}" in sentence.partition("Far from the ends")[2] for count in counts)


def transpose(inputs, kernel, stride):
    """What Keras makes of it."""
    import keras

    layer = keras.layers.Conv1DTranspose(1, len(kernel), strides=stride, use_bias=False)
    layer.build((None, len(inputs), 1))
    layer.set_weights([np.array(kernel, "float32")[:, None, None]])
    return convert_to_numpy(layer(np.array(inputs, "float32")[None, :, None]))[0, :, 0].round().tolist()


def test_the_widest_stepper_fits_a_phone(visit):
    page = visit(TRANSPOSED, viewport={"width": 320, "height": 700})
    choose(page, ".transposed-figure", "Kernel size", 4)
    choose(page, ".transposed-figure", "Stride", 3)
    set_numbers(page, "input", [-5] * 3)
    set_numbers(page, "kernel", [5] * 4)
    press(page, "All")
    table, figure = (page.locator(name).bounding_box() for name in ("[data-grid=sums]", ".transposed-figure"))
    assert table["x"] + table["width"] <= figure["x"] + figure["width"] <= 320


def test_the_stepper_goes_back_and_to_the_end(visit):
    page = visit(TRANSPOSED)
    first = numbers(page, "sums")
    press(page, "Step")
    assert numbers(page, "sums") != first
    press(page, "Back")
    assert numbers(page, "sums") == first
    press(page, "All")
    last = numbers(page, "sums")
    assert [any(value is not None for value in row) for row in last] == [True] * 6
    assert page.get_by_role("button", name="Step").get_attribute("aria-disabled") == "true"
    press(page, "Step")
    assert numbers(page, "sums") == last
    press(page, "Reset")
    assert numbers(page, "sums") == first


def press(page, button):
    page.get_by_role("button", name=button, exact=True).press("Enter")


@pytest.mark.parametrize("way", ["nearest neighbour", "bed of nails"])
def test_a_way_up_and_the_convolution_behind_it_are_one_stamp(visit, rng, way):
    import keras

    from zoo.layers import BedOfNails2D, NearestUnpooling2D

    page = visit(GROWING)
    small, kernel = rng.integers(0, 10, (3, 3)), rng.integers(-4, 5, (3, 3))
    choose(page, ".growing-figure", "Way up", way)
    set_numbers(page, "small", small.ravel().tolist())
    set_numbers(page, "kernel", kernel.ravel().tolist())
    grown = convert_to_numpy(
        {"nearest neighbour": NearestUnpooling2D, "bed of nails": BedOfNails2D}[way]()(channel(small))
    )
    assert numbers(page, "grown") == grown[0, :, :, 0].tolist()
    convolution = with_kernel(keras.layers.Conv2D(1, 3, padding="same", use_bias=False), kernel, grown)
    assert numbers(page, "result") == convolution.tolist()

    stamp = np.array(numbers(page, "stamp"))
    layer = keras.layers.Conv2DTranspose(1, len(stamp), strides=2, padding="valid", use_bias=False)
    assert with_kernel(layer, stamp, channel(small))[1:7, 1:7].tolist() == convolution.tolist()

    choose(page, ".growing-figure", "The result shows", "live numbers")
    live = np.pad(np.ones((6, 6)) if way == "nearest neighbour" else np.tile([[1, 0], [0, 0]], (3, 3)), 1)
    assert numbers(page, "result") == [[live[i : i + 3, j : j + 3].sum() for j in range(6)] for i in range(6)]
    place(page, "result", 2, 3).hover()
    sentence = page.locator(".growing-figure [aria-live=polite]").text_content()
    assert f"Row 2, column 3: {live[2:5, 3:6].sum():.0f} live" in sentence
    assert sentence.endswith(f"= {convolution[2, 3]:.0f}.")


def with_kernel(layer, kernel, inputs):
    """What a convolution of one channel with this kernel makes of a batch of one."""
    layer.build(inputs.shape)
    layer.set_weights([np.array(kernel, "float32")[:, :, None, None]])
    return convert_to_numpy(layer(inputs))[0, :, :, 0].round().astype(int)


def place(page, grid, row, column):
    """A cell of a grid; rows and columns count from 0."""
    return page.locator(f"[data-grid={grid}] tr").nth(row).locator("td").nth(column)


@pytest.mark.parametrize("preset", ["copy", "interpolate"])
def test_a_kernel_makes_another_way_up_of_a_bed_of_nails(visit, preset):
    page = visit(GROWING)
    page.get_by_role("button", name=f"Kernel: {preset}").click()
    small = np.array(numbers(page, "small"))
    if preset == "copy":
        expected = small.repeat(2, axis=0).repeat(2, axis=1)
    else:  # four times the mean of the neighbours; beyond the last row and column are zeros
        padded = np.pad(small, ((0, 1), (0, 1)))
        rows = np.stack([2 * padded[:-1], padded[:-1] + padded[1:]], axis=1).reshape(6, 4)
        expected = np.stack([2 * rows[:, :-1], rows[:, :-1] + rows[:, 1:]], axis=2).reshape(6, 6)
    assert numbers(page, "result") == expected.tolist()


@pytest.mark.parametrize("between", ["nothing", "a 3 x 3 convolution with ones"])
def test_two_channels_take_the_offsets_of_their_number(visit, rng, between):
    from scipy.ndimage import convolve

    from zoo.layers import MaxPoolingWithOffsets2D, MaxUnpooling2D

    page = visit(UNPOOLING)
    features, bottom = rng.integers(0, 10, (4, 4, 2)), rng.integers(-4, 5, 3)
    narrow = rng.integers(-2, 3, (2, 3))
    choose(page, ".channels-figure", "Between the two unpoolings", between)
    for k, name in enumerate("AB"):
        set_numbers(page, f"features-{name}", features[:, :, k].ravel().tolist())
    set_numbers(page, "bottom", bottom.tolist())
    set_numbers(page, "narrow", narrow.ravel().tolist())
    for swapped in (False, True):
        if swapped:
            page.get_by_role("button", name="Swap the rows of narrow").click()
            narrow = narrow[::-1]
        values, first = MaxPoolingWithOffsets2D()(np.array(features[None], "float32"))
        second = MaxPoolingWithOffsets2D()(values)[1]
        rising = np.array(narrow @ bottom, "float32").reshape(1, 1, 1, 2)
        small = convert_to_numpy(MaxUnpooling2D()(rising, second))
        if between != "nothing":
            small = convolve(small, np.ones((1, 3, 3, 1)), mode="constant")
        large = convert_to_numpy(MaxUnpooling2D()(small, first))
        for k, name in enumerate("AB"):
            assert numbers(page, f"offsets1-{name}") == convert_to_numpy(first)[0, :, :, k].tolist()
            assert numbers(page, f"large-{name}") == large[0, :, :, k].tolist()


CASES = [(2, 3, 2, 1, 1), (3, 3, 2, 1, 0), (3, 5, 3, 2, 2), (3, 1, 3, 0, 2), (2, 4, 1, 1, 0), (3, 2, 2, 0, 1)]


@pytest.mark.parametrize(("side", "size", "stride", "padding", "more"), CASES)
def test_the_stamps_are_the_gradient_of_a_convolution(visit, rng, side, size, stride, padding, more):
    tf = pytest.importorskip("tensorflow")
    page = visit(TRANSPOSED)
    inputs, kernel = rng.integers(0, 6, (3, 3)), rng.integers(-2, 6, (5, 5))
    set_stamps(page, side, size, stride, padding, more)
    for grid, values, shown in (("input-2d", inputs, side), ("kernel-2d", kernel, size)):
        cells = page.locator(f"[data-grid={grid}] [role=spinbutton]:visible")
        for cell, value in zip(cells.all(), values[:shown, :shown].ravel().tolist(), strict=True):
            cell.press("0")
            cell.press(str(abs(value))) if value >= 0 else [cell.press("ArrowDown") for _ in range(-value)]

    def gradient(values, weights):
        long = (side - 1) * stride + size - 2 * padding + more
        shape, cut = (1, long, long, 1), [[0, 0], [padding, padding], [padding, padding], [0, 0]]
        weights = np.array(weights, "float32")[:, :, None, None]
        return tf.nn.conv2d_transpose(channel(values), weights, shape, stride, cut).numpy()[0, :, :, 0].tolist()

    inputs, kernel = inputs[:side, :side], kernel[:size, :size]
    assert kept_stamps(page) == gradient(inputs, kernel)
    choose(page, ".stamps-figure", "The output shows", "stamps")
    counts = gradient(np.ones_like(inputs), np.ones_like(kernel))
    assert kept_stamps(page) == counts


def set_stamps(page, side, size, stride, padding, more):
    """Sets what the figure of stamps lets one choose."""
    choices = {"Input, values a side": side, "Kernel, weights a side": size, "Stride": stride}
    for legend, option in (choices | {"Padding": padding, "Output padding": more}).items():
        choose(page, ".stamps-figure", legend, option)


def kept_stamps(page):
    """The output of the figure of stamps, without what is cut off."""
    rows = [
        row.locator("td:not(.zoo-unused)").all_text_contents() for row in page.locator("[data-grid=canvas] tr").all()
    ]
    return [[int(text) for text in row] for row in rows if row]


def test_a_pixel_shows_what_it_gathers_and_an_input_where_it_goes(visit):
    page = visit(TRANSPOSED)
    set_stamps(page, 2, 3, 2, 1, 1)
    sentence = page.locator(".stamps-figure [aria-live=polite]").first
    colours = ".stamps-figure [data-grid={}] td[class*=zoo-tint]"
    cell = place(page, "canvas", 2, 2)  # row 1 and column 1 of what is kept: the corners of all four stamps meet there
    cell.focus()
    assert "row 1, column 1 gathers 4 stamps" in sentence.text_content()
    assert page.locator(colours.format("input-2d")).count() == 4
    assert page.locator(colours.format("kernel-2d")).count() == 4
    cell.press("ArrowLeft")
    assert "row 1, column 0 gathers 2 stamps" in sentence.text_content()
    page.get_by_label("input, row 1, column 0", exact=True).focus()
    assert "row 1, column 0 is stamped on rows 1 to 3 and columns -1 to 1" in sentence.text_content()
    assert page.locator(colours.format("canvas")).count() == 9
    assert sentence.text_content().endswith("; what lies outside it is cut off.")
    page.get_by_label("input, row 1, column 1", exact=True).focus()
    assert sentence.text_content().endswith("rows 1 to 3 and columns 1 to 3 of the output.")
    set_stamps(page, 2, 3, 2, 1, 0)  # the output ends with row 2
    page.get_by_label("input, row 1, column 1", exact=True).focus()
    assert "on rows 1 to 3 and columns 1 to 3 of the output; what lies outside it is cut off" in sentence.text_content()


def test_impossible_choices_cannot_be_made(visit):
    page = visit(TRANSPOSED)
    set_stamps(page, 2, 5, 3, 2, 2)
    choose(page, ".stamps-figure", "Kernel, weights a side", 3)
    choose(page, ".stamps-figure", "Stride", 1)
    for legend, most in (("Padding", 1), ("Output padding", 0)):
        group = page.locator(".stamps-figure").get_by_role("group", name=legend, exact=True)
        assert [radio.is_enabled() for radio in group.get_by_role("radio").all()] == [n <= most for n in range(3)]
        assert group.get_by_role("radio", name=str(most), exact=True).is_checked()


def test_the_widest_output_of_stamps_fits_a_phone(visit):
    page = visit(TRANSPOSED, viewport={"width": 320, "height": 700})
    set_stamps(page, 3, 5, 3, 0, 2)
    table, figure = (page.locator(name).bounding_box() for name in ("[data-grid=canvas]", ".stamps-figure"))
    assert table["x"] + table["width"] <= figure["x"] + figure["width"] <= 320


FIGURES = [
    (GROWING, "growing-figure"),
    (UNPOOLING, "unpooling-figure"),
    (UNPOOLING, "channels-figure"),
    (TRANSPOSED, "transposed-figure"),
    (TRANSPOSED, "stamps-figure"),
]


@pytest.mark.parametrize(("path", "figure"), FIGURES)
def test_without_scripts_a_sentence_stands_for_the_figure(visit, path, figure):
    sentence = "getComputedStyle(document.querySelector('{}'), '::before').content".format(f".{figure}")
    assert "interactive figure" in visit(path, java_script_enabled=False).evaluate(sentence)
    assert "动手" in visit(f"zh/{path}", java_script_enabled=False).evaluate(sentence)
    assert visit(path).evaluate(sentence) == "none"
