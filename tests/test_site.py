"""The built pages in a browser. ZOO_SITE names a folder that holds them; otherwise they are built (minutes)."""

import ast
import builtins
import functools
import html.parser
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from keras.ops import convert_to_numpy

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `test`)")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (extra `test`)")

# Of single characters, such as the numbers in a figure, axe does not judge the contrast unless told so.
AXE = axe.Axe().axe_script + "; axe._audit.checks['color-contrast'].options.ignoreLength = true"

# In pages of code, axe would judge the contrast of thousands of words in the same few colours.
KEEP_ONE_WORD_OF_EACH_COLOUR = """() => {
    const colours = new Set();
    for (const word of document.querySelectorAll(".highlight code span[class]")) {
        if (colours.has(word.className)) word.replaceWith(...word.childNodes);
        colours.add(word.className);
    }
}"""

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
LITERAL = ("code", "pre", "script", "style")
UNPOOLING, TRANSPOSED = "06_max_unpooling/", "07_transposed_convolution/"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built pages."""
    if "ZOO_SITE" in os.environ:
        return Path(os.environ["ZOO_SITE"])
    pytest.importorskip("material", reason="mkdocs-material is not installed (extra `site`)")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site):
    """Where a server on this machine hands the pages out."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SilentHandler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def pages(site):
    """The address of each page below that of the site."""
    found = sorted(path.parent.relative_to(site).as_posix() for path in site.glob("**/index.html"))
    assert found
    return ["" if page == "." else f"{page}/" for page in found]


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("Chromium is not on this machine")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Opens a page with all that it folds away, in place of the last: visit("05_name/", color_scheme="dark")."""
    contexts = []

    def open_page(path="", watch=None, **settings):
        while contexts:
            contexts.pop().close()
        contexts.append(browser.new_context(**{"reduced_motion": "reduce", **settings}))
        page = contexts[-1].new_page()
        if watch:
            watch(page)
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach(block => block.open = true)")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_pages_open_without_an_error_or_a_foreign_request(visit, pages, address):
    faults = []

    def watch(page):
        page.on("console", lambda message: message.type == "error" and faults.append((path, message.text)))
        page.on("pageerror", lambda error: faults.append((path, error.message)))
        page.on("requestfailed", lambda request: faults.append((path, request.url)))
        page.on("request", lambda request: is_foreign(request.url) and faults.append((path, request.url)))

    def is_foreign(url):
        return not url.startswith((address, "data:", f"blob:{address}"))

    for path in pages:
        page = visit(path, watch)
        page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
        page.wait_for_load_state("networkidle")
    assert not faults


def test_links_and_their_anchors_hold(site, pages, address):
    links = {(page, urllib.parse.urljoin(address + page, link)) for page in pages for link in read(site / page).links}
    links = {(page, link) for page, link in links if link.startswith(address)}
    assert len(links) > len(pages)
    anchors = {page: read(site / page).anchors for page in pages}
    statuses = {target: status(target) for target in {urllib.parse.urldefrag(link).url for _, link in links}}
    broken = []
    for page, link in sorted(links):
        target, anchor = urllib.parse.urldefrag(link)
        holds = statuses[target] == 200
        if holds and anchor and not Path(urllib.parse.urlsplit(target).path).suffix:
            holds = urllib.parse.unquote(anchor) in anchors[target.removeprefix(address)]
        if not holds:
            broken.append((page, link))
    assert not broken


def status(url):
    try:
        with urllib.request.urlopen(url) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def read(folder):
    reader = Reader()
    reader.feed((folder / "index.html").read_text(encoding="utf-8"))
    return reader


class Reader(html.parser.HTMLParser):
    """Collects what the tests ask of a page."""

    def __init__(self):
        super().__init__()
        self.links, self.anchors, self.pictures, self.prose = set(), {"__skip"}, [], ""
        self.has_formulas, self.literal = False, 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links |= {attributes[name] for name in ("href", "src") if attributes.get(name)}
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        self.pictures += [attributes] if tag == "img" else []
        self.has_formulas |= tag == "math"
        self.literal += tag in LITERAL

    def handle_endtag(self, tag):
        self.literal -= tag in LITERAL

    def handle_data(self, data):
        self.prose += "" if self.literal else data


@pytest.mark.parametrize(("scheme", "palette", "width"), [("light", "default", 1280), ("dark", "slate", 375)])
def test_pages_can_be_read_by_everyone(visit, pages, scheme, palette, width):
    faults = []
    for path in pages:
        page = visit(path, color_scheme=scheme, viewport={"width": width, "height": 700})
        assert page.locator("body").get_attribute("data-md-color-scheme") == palette
        page.evaluate(KEEP_ONE_WORD_OF_EACH_COLOUR)
        for violation in axe.Axe(AXE).run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                faults += [(path, violation["id"], node["target"], node["html"]) for node in violation["nodes"]]
    assert not faults, "\n".join(map(str, faults))


def test_nothing_is_wider_than_a_phone(visit, pages):
    widths = {}
    for path in pages:
        page = visit(path, viewport={"width": 375, "height": 700})
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert not {path: width for path, width in widths.items() if width > 375}


def test_the_widest_stepper_fits_a_phone(visit):
    page = visit(TRANSPOSED, viewport={"width": 375, "height": 700})
    page.get_by_role("group", name="Kernel size").get_by_label("4").check()
    page.get_by_role("group", name="Stride").get_by_label("3").check()
    set_numbers(page, "input", [-5] * 3)
    set_numbers(page, "kernel", [5] * 4)
    press(page, "All")
    table, figure = (page.locator(name).bounding_box() for name in ("[data-grid=sums]", ".transposed-figure"))
    assert table["x"] + table["width"] <= figure["x"] + figure["width"] <= 375


def test_pictures_say_what_they_show(site, pages):
    pictures = [(page, picture) for page in pages for picture in read(site / page).pictures]
    assert pictures
    assert not [(page, picture["src"]) for page, picture in pictures if not (picture.get("alt") or "").strip()]


def test_formulas_are_mathml(site, pages):
    texts = {page: read(site / page) for page in pages}
    assert any(text.has_formulas for text in texts.values())
    raw = {page: re.findall(r"\\[a-zA-Z()\[\]]+", text.prose) for page, text in texts.items()}
    assert not {page: found for page, found in raw.items() if found}


def test_notebooks_are_at_home_anywhere(site):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `site`)")
    paths = sorted(site.glob("*.ipynb"))
    assert {path.stem for path in paths} == {path.stem for path in (ROOT / "tutorials").glob("[0-9]*.py")} | {"speed"}
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert notebook.metadata.kernelspec.name == "python3"
        assert any(cell.get("outputs") for cell in notebook.cells)
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        prose = re.sub("```.*?```|`[^`]+`", "", prose, flags=re.DOTALL)
        assert "!!!" not in prose
        assert not re.search(r"\\[(\[]", prose)  # formulas stand between dollar signs
        links = re.findall(r"\]\(([^)]+)\)", prose)
        assert not [link for link in links if not link.startswith(("https://", "data:image/"))], path
        assert names_of_solutions_used_by_others(notebook) == set(), path


def names_of_solutions_used_by_others(notebook):
    """What code cells use, and a solution, which is text here, defines."""
    defined, missing, solved = set(dir(builtins)), set(), set()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for code in re.findall(r"<summary>Solution</summary>\n\n```python\n(.*?)\n```", cell.source, re.DOTALL):
                solved |= names(code, ast.Store)
            continue
        code = re.sub("^ *%.*", "pass", cell.source, flags=re.MULTILINE)
        new = names(code, ast.Store)
        missing |= (names(code, ast.Load) - new - defined) & solved
        defined |= new
    return missing


def names(code, use):
    """The names that code sets, by definitions and imports too, or that it reads."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, use):
            found.add(node.id)
        elif use is ast.Store and isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif use is ast.Store and isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


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
    cell = page.get_by_label("row 1, column 1", exact=True)
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.role") == "spinbutton":
            break
    assert page.evaluate("document.activeElement.ariaLabel") == "row 1, column 1"
    assert cell.evaluate("cell => getComputedStyle(cell).outlineStyle") == "solid"
    before = int(cell.get_attribute("aria-valuenow"))
    for key, expected in [("ArrowUp", before + 1), ("ArrowDown", before), ("End", 9), ("ArrowUp", 9), ("Home", 0)]:
        page.keyboard.press(key)
        assert cell.get_attribute("aria-valuenow") == cell.text_content() == str(expected)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "row 1, column 2"


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_number_follows_the_pointer(visit, way):
    page = visit(UNPOOLING)
    cell = page.get_by_label("row 2, column 1", exact=True)
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


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_stepper_computes_a_transposed_convolution(visit, rng, size, stride):
    inputs, kernel = rng.integers(-5, 6, 3), rng.integers(-5, 6, size)
    page = visit(TRANSPOSED)
    page.get_by_role("group", name="Kernel size").get_by_label(str(size)).check()
    page.get_by_role("group", name="Stride").get_by_label(str(stride)).check()
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


@pytest.mark.parametrize(("path", "figure"), [(UNPOOLING, "unpooling-figure"), (TRANSPOSED, "transposed-figure")])
def test_without_scripts_a_sentence_stands_for_the_figure(visit, path, figure):
    sentence = "getComputedStyle(document.querySelector('{}'), '::before').content".format(f".{figure}")
    assert "interactive figure" in visit(path, java_script_enabled=False).evaluate(sentence)
    assert visit(path).evaluate(sentence) == "none"
