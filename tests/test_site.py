"""The built pages in a browser."""

import ast
import builtins
import collections
import html.parser
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

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

# What would scroll sideways: code and what it printed, and tables of any kind.
CUT_OFF = """() => [...document.querySelectorAll("pre > code, .md-typeset__scrollwrap, .zoo-scroll")]
    .filter(box => box.scrollWidth > box.clientWidth)
    .map(box => `${box.scrollWidth} > ${box.clientWidth}: ${box.textContent.trim().slice(0, 60)}`)"""

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
LITERAL = ("code", "pre", "script", "style")


@pytest.fixture(scope="module")
def pages(site):
    """The address of each page below that of the site."""
    found = sorted(path.parent.relative_to(site).as_posix() for path in site.glob("**/index.html"))
    assert found
    return ["" if page == "." else f"{page}/" for page in found]


@pytest.fixture(scope="module")
def samples(pages):
    """The pages that are read closely: of models, of the reference and in another language two each. Those of one kind
    are made by one template, or have the layout of the original.
    """
    alike = [[path for path in pages if path.startswith(folder)] for folder in ("models/", "reference/", "zh/")]
    spared = {path for group in alike for path in group[2:]}
    return [path for path in pages if path not in spared]


@pytest.fixture(scope="module")
def seen(browser, pages, samples, address):
    """What is wrong with each page in a wide, light window: errors and foreign requests, cut lines, what cannot be read
    (axe looks at the samples alone).

    Each page is loaded once for all of that, since there are many; while one comes to rest, the next ones load.
    """

    def is_foreign(url):
        return not url.startswith((address, "data:", f"blob:{address}"))

    def watch(page, faults):
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(error.message))
        page.on("requestfailed", lambda request: faults.append(request.url))
        page.on("request", lambda request: is_foreign(request.url) and faults.append(request.url))

    def look(path, page, faults):
        page.wait_for_load_state("networkidle")
        cut_off, unreadable = page.evaluate(CUT_OFF), what_cannot_be_read(page, 1280, "default", path in samples)
        found[path] = list(faults), cut_off, unreadable  # a copy: closing the page ends its requests
        page.context.close()

    found, loading = {}, collections.deque()
    for path in pages:
        settings = {"color_scheme": "light", "viewport": {"width": 1280, "height": 700}}
        page, faults = browser.new_context(reduced_motion="reduce", **settings).new_page(), []
        page.set_default_timeout(120_000)
        watch(page, faults)
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach(block => block.open = true)")
        page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
        loading.append((path, page, faults))
        if len(loading) > 3:
            look(*loading.popleft())
    for each in loading:
        look(*each)
    return found


def test_pages_open_without_an_error_or_a_foreign_request(seen):
    assert not {path: faults for path, (faults, _, _) in seen.items() if faults}


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


def what_cannot_be_read(page, width, palette, closely=True):
    """What is wider than the screen, and closely looked at, the serious faults that axe finds on a page."""
    assert page.locator("body").get_attribute("data-md-color-scheme") == palette
    wide = ["wider than the screen"] if page.evaluate("document.documentElement.scrollWidth") > width else []
    if not closely:
        return wide
    page.evaluate(KEEP_ONE_WORD_OF_EACH_COLOUR)
    violations = axe.Axe(AXE).run(page).response["violations"]
    serious = [one for one in violations if one["impact"] in ("serious", "critical")]
    faults = [(one["id"], node["target"], node["html"]) for one in serious for node in one["nodes"]]
    return faults + wide


def test_pages_can_be_read_by_everyone(seen):
    faults = [(path, fault) for path, (_, _, unreadable) in seen.items() for fault in unreadable]
    assert not faults, "\n".join(map(str, faults))


def test_pages_can_be_read_in_the_dark_on_a_phone(visit, samples):
    faults = []
    for path in samples:
        page = visit(path, color_scheme="dark", viewport={"width": 375, "height": 700})
        faults += [(path, fault) for fault in what_cannot_be_read(page, 375, "slate")]
    assert not faults, "\n".join(map(str, faults))


def test_no_line_and_no_table_is_cut_off(seen, visit):
    narrow = visit("09_comparison/", viewport={"width": 375, "height": 700}).evaluate(CUT_OFF)
    assert narrow  # there they do scroll: the question is asked of the right boxes
    page = visit("09_comparison/", viewport={"width": 1280, "height": 700})
    for width, reached in ((1280, False), (375, True), (1280, False)):  # a phone may be turned, a page enlarged
        page.set_viewport_size({"width": width, "height": 700})
        table = page.locator(".md-typeset__scrollwrap").first
        page.wait_for_function(
            f"document.querySelector('.md-typeset__scrollwrap').hasAttribute('tabindex') === {str(reached).lower()}"
        )
        assert table.get_attribute("role") == ("group" if reached else None)
    assert not {path: cut_off for path, (_, cut_off, _) in seen.items() if cut_off}


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
        code = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        assert "parents[" not in code  # of the clone, which is not there
        assert "tutorials/" not in code
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
