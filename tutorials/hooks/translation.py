"""What of a page is prose, and what the catalogs of a language say for it.

English is the source, and all else exists once. `tutorials/<language>/<page>.po` has an entry for each paragraph,
heading, item of a list, row of a table, and title of a box or a picture, without its line breaks; `site.po` and
`scripts.po` have what hooks and scripts write. An entry that is missing, empty or fuzzy is shown in English.
"""

import contextlib
import copy
import functools
import re
from pathlib import Path

from babel.messages.pofile import read_po
from markdown.extensions.toc import slugify, unique

DOCS = Path(__file__).parents[1]
ENGLISH = "en"
WAITING = ("paragraph", "item")  # say that they are shown in English
NOT_YET = " *(尚待翻译)*"

current = ENGLISH  # the language that the pages are built in; `speaking` sets it

VERBATIM = re.compile(r"\s*(?:(?:</?[\w-]+[^>]*>\s*)+|<!--.*-->|\[\]:.*)$")  # a line of tags alone, or a comment
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
FORMULA = re.compile(r"\s*\\\[")
HEADING = re.compile(r"(\s*#+ )(.*)$")
BOX = re.compile(r'(\s*(?:!!!|\?\?\?\+?) \w+ ")(.*)("\s*)$')
ROW = re.compile(r"\s*\|.*\|\s*$")
NUMBERS = re.compile(
    r"\s*\|[^|]*(?:\|\s*(?:[\d.,]+(?: (?:%|[A-Za-z]{1,2}))?|-+:?)?\s*)+\|\s*$"
)  # a row of them, behind a name
CODE, DEEP = re.compile(" {4}"), re.compile(" {8}")  # the latter inside of a box
ITEM = re.compile(r"(\s*(?:[-*]|\d+\.) +)(.*)$")
LABEL = re.compile(r'(<.*aria-label=")([^"]+)(".*)$')
META = re.compile(r"(title: )(.*)$")
LETTER = re.compile(r"[^\W\d_]{2}")


def blocks(text):
    """Cuts Markdown into (kind, before, words, after), which joined give it back but for line breaks within words.

    Args:
        text: Markdown, with a front matter or without.

    Returns:
        A list. `kind` is "verbatim", whose words are empty, or "heading", "title", "row", "item" or "paragraph".
    """
    lines, found, at, inside = text.split("\n"), [], 0, False  # inside of a box or a list, where prose is indented

    def copy_until(end):
        nonlocal at
        start = at
        at = next((i for i in range(start + 1, len(lines)) if end(lines[i])), len(lines) - 1) + 1
        found.append(("verbatim", "\n".join(lines[start:at]) + "\n", "", ""))

    while at < len(lines):
        line = lines[at]
        inside = bool(BOX.match(line) or ITEM.match(line)) or (inside and (line[:1] == " " or not line))
        if at == 0 and line == "---":
            end = lines.index("---", 1)
            for one in lines[: end + 1]:
                match = META.match(one)
                found.append(("title", match[1], match[2], "\n") if match else ("verbatim", one + "\n", "", ""))
            at = end + 1
        elif match := FENCE.match(line):
            copy_until(lambda one, mark=match[1]: one.strip() == mark)
        elif FORMULA.match(line):
            if "\\]" in line:
                found.append(("verbatim", line + "\n", "", ""))
                at += 1
            else:
                copy_until(lambda one: "\\]" in one)
        elif match := LABEL.match(line):
            found.append(("title", match[1], match[2], match[3] + "\n"))
            at += 1
        elif not LETTER.search(line) or any(one.match(line) for one in (VERBATIM, NUMBERS, DEEP if inside else CODE)):
            found.append(("verbatim", line + "\n", "", ""))
            at += 1
        elif match := HEADING.match(line):
            found.append(("heading", match[1], match[2].rstrip(), "\n"))
            at += 1
        elif match := BOX.match(line):
            found.append(("title", match[1], match[2], match[3] + "\n"))
            at += 1
        elif ROW.match(line):
            found.append(("row", line[: len(line) - len(line.lstrip())], line.strip(), "\n"))
            at += 1
        else:
            match = ITEM.match(line)
            kind, before = ("item", match[1]) if match else ("paragraph", line[: len(line) - len(line.lstrip())])
            words = [match[2] if match else line.strip()]
            at += 1
            while at < len(lines) and continues(lines[at]):
                words.append(lines[at].strip())
                at += 1
            found.append((kind, before, " ".join(words), "\n"))
    kind, before, words, after = found[-1]
    found[-1] = (kind, before, words, after[:-1]) if after else (kind, before[:-1], words, after)
    return found


def continues(line):
    """Whether a line belongs to the paragraph above it."""
    ends = (FENCE, FORMULA, VERBATIM, HEADING, BOX, ROW, ITEM)
    return line.strip() and not any(pattern.match(line) for pattern in ends)


def translate(text, page, anchors=None):
    """Markdown in the language that the pages are built in; headings keep the anchors of the English ones.

    Args:
        text: the English Markdown.
        page: name of the catalog.
        anchors: the anchors of the page so far, a set to which its own are added.
    """
    if current == ENGLISH:
        return text
    parts, known, anchors = [], catalog(current, page), set() if anchors is None else anchors
    for kind, before, words, after in blocks(text):
        said = known.get(words, words)
        if kind == "heading":
            said += f" {{ #{unique(anchor(words), anchors)} }}"
        elif kind in WAITING and words and words not in known:
            said += NOT_YET
        parts.append(before + said + after)
    return "".join(parts)


def translate_notebook(notebook, page):
    """A copy of a page that was run, with its prose and the titles of its pictures translated."""
    notebook, anchors = copy.deepcopy(notebook), set()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = translate(cell.source, page, anchors)
        elif title := cell.metadata.get("title"):
            cell.metadata["title"] = say(title, page)
    return notebook


def anchor(heading):
    """The anchor that Markdown gives to an English heading."""
    return slugify(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", ""), "-")


def without_anchors(text):
    """Markdown without the anchors that `translate` writes, for readers that do not know them."""
    return re.sub(r"^(#.*) \{ #[\w-]+ \}$", r"\1", text, flags=re.MULTILINE)


def say(text, page="site", /, **values):
    """A text of a hook in the language that the pages are built in, with these values at its `{names}`."""
    said = text if current == ENGLISH else catalog(current, page).get(text, text)
    return said.format(**values) if values else said


def join(*sentences):
    """Sentences one after the other, without those that are empty. Behind a full-width stop there is no space."""
    return " ".join(filter(None, sentences)).replace("。 ", "。")


@contextlib.contextmanager
def speaking(language):
    """Within it, pages are built in another language."""
    global current
    before, current = current, language
    try:
        yield
    finally:
        current = before


def folder_of(language):
    """Where the pages of a language stand, from the root of the site."""
    return "" if language == ENGLISH else f"{language}/"


@functools.cache
def catalog(language, page):
    """The translations of a page that hold: a dictionary from English."""
    path = DOCS / language / f"{page}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return {entry.id: entry.string for entry in read_po(file) if entry.id and entry.string and not entry.fuzzy}
