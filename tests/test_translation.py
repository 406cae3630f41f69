"""The editions in other languages: nothing is stale, and nothing but prose differs."""

import re
import types
from pathlib import Path
from xml.etree import ElementTree

import pytest

for package in ("babel", "jieba", "jupytext", "markdown", "mkdocs"):
    pytest.importorskip(package, reason=f"{package} is not installed (extra `site`)")

import catalogs  # noqa: E402
import jupytext  # noqa: E402
import languages  # noqa: E402
import markdown  # noqa: E402
import notebooks  # noqa: E402
import translation  # noqa: E402
from babel.messages.pofile import read_po  # noqa: E402

ROOT = Path(__file__).parents[1]
LANGUAGES = pytest.mark.parametrize("language", catalogs.LANGUAGES)

PAGE = """---
title: Growing
hide: [toc]
---

# A *step* with `code`

Two lines
of prose.

<div class="figure"></div>

```python
print("prose?")
```

- One item
  on two lines.
- Another.

!!! question "Try it"
    Inside of a box.

        python -m zoo

| name | what it is |
| --- | --- |
| unet | 0.7 | 1,234 |

\\[
x = y
\\]

## The same

## The same

    make demo  # code, too

![A picture](cat.webp)
"""
PROSE = {
    "title": ["Growing", "Try it"],
    "heading": ["A *step* with `code`", "The same", "The same"],
    "paragraph": ["Two lines of prose.", "Inside of a box.", "![A picture](cat.webp)"],
    "item": ["One item on two lines.", "Another."],
    "row": ["| name | what it is |"],
}


def test_prose_is_found_and_all_else_is_left():
    found = {}
    for kind, _, words, _ in translation.blocks(PAGE):
        found.setdefault(kind, []).append(words)
    assert not any(found.pop("verbatim"))
    assert found == PROSE


def render(text):
    """Markdown as the site renders it."""
    extensions = ["admonition", "attr_list", "md_in_html", "tables", "toc", "pymdownx.details", "pymdownx.superfences"]
    extensions.append("pymdownx.arithmatex")
    text = re.sub(r"\A---.*?^---$", "", text, flags=re.DOTALL | re.MULTILINE)
    return markdown.markdown(text, extensions=extensions).split()


@pytest.mark.parametrize("path", catalogs.pages().values(), ids=lambda path: path.name)
def test_cutting_changes_no_page(path):
    script = path.suffix == ".py"
    cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "markdown"] if script else []
    for text in cells or [path.read_text(encoding="utf-8")]:
        joined = "".join(before + words + after for _, before, words, after in translation.blocks(text))
        assert render(joined) == render(text)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Pages of one sentence each, with their catalogs in Chinese: a function that writes such a page."""
    monkeypatch.setattr(translation, "DOCS", tmp_path)
    monkeypatch.setattr(catalogs, "DOCS", tmp_path)
    monkeypatch.setattr(catalogs, "README", tmp_path / "clone" / "README.md")
    monkeypatch.setattr(catalogs, "texts_of_hooks", list)
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "README.md").write_text("Read me.\n")
    translation.catalog.cache_clear()

    def write(english):
        (tmp_path / "page.md").write_text(english)
        left = catalogs.update("zh")
        return tmp_path / "zh" / "page.po", left

    yield write
    translation.catalog.cache_clear()


def translate(path, english, said):
    """Writes a translation into a catalog."""
    text = path.read_text()
    assert f'msgid "{english}"\nmsgstr ""' in text
    path.write_text(text.replace(f'msgid "{english}"\nmsgstr ""', f'msgid "{english}"\nmsgstr "{said}"'))
    translation.catalog.cache_clear()


def test_a_changed_sentence_is_fuzzy_shown_in_english_and_named(tiny, monkeypatch):
    path, left = tiny("# Growing\n\nEach number gets a window of four pixels.\n")
    assert "zh/page.po: Each number gets a window of four pixels." in left
    translate(path, "Growing", "放大")
    translate(path, "Each number gets a window of four pixels.", "每个数字得到四个像素的窗口。")
    changed = "# Growing\n\nEach number gets a window of nine pixels.\n"
    _, left = tiny(changed)
    assert "zh/page.po: Each number gets a window of nine pixels." in left
    assert "zh/page.po: Growing" not in left
    (fuzzy,) = [entry for entry in read_po(path.open("rb")) if entry.fuzzy and entry.id]
    assert fuzzy.string == "每个数字得到四个像素的窗口。"
    monkeypatch.setattr(translation, "current", "zh")
    shown = translation.translate(changed, "page")
    assert shown == f"# 放大 {{ #growing }}\n\nEach number gets a window of nine pixels.{translation.NOT_YET}\n"


def test_headings_keep_their_english_anchors(monkeypatch):
    english = markdown.markdown(PAGE, extensions=["toc", "attr_list", "tables"])
    monkeypatch.setattr(translation, "current", "zh")
    monkeypatch.setattr(translation, "catalog", lambda *_: {"The same": "一样"})
    chinese = markdown.markdown(translation.translate(PAGE, "page"), extensions=["toc", "attr_list", "tables"])
    anchors = [re.findall(r'<h\d id="([^"]+)"', text) for text in (english, chinese)]
    assert anchors[0] == anchors[1] == ["a-step-with-code", "the-same", "the-same_1"]
    assert chinese.count("一样") == 2


@pytest.mark.parametrize(
    ("english", "said", "fault"),
    [
        ("Four `pixels` of 3 x 3", "3 x 3 的四个 `pixels`", None),
        ("Four `pixels`", "四个像素", "code"),
        ("Four of \\(x\\)", "四个 \\(y\\)", "formulas"),
        ("[Four](a.md#b)", "[四](a.md)", "links"),
        ("<em>Four</em>", "<b>四</b>", "tags"),
        ("[Four](a.md){ .x }", "[四](a.md)", "attributes"),
        ("4 pixels of 3,000 photos", "3,00 张照片的 4 个像素", "numbers"),
        ("A transposed convolution", "反卷积", "glossary"),
        ("Max unpooling", "最大反池化", None),
        ("*On strides*, [arXiv](https://arxiv.org/abs/1)", "*On strides*, [arXiv](https://arxiv.org/abs/1)", None),
    ],
)
def test_what_does_not_fit_its_english_is_told(english, said, fault):
    found = catalogs.faults(english, said)
    assert [one.partition(":")[0] for one in found] == ([fault] if fault else [])


def test_what_hooks_and_scripts_say_is_found(tmp_path):
    path = tmp_path / "script.js"
    calls = [
        "{say('quoted')}",
        'say("One {n}", { n });',
        'say(\n  "two " +\n    "parts",\n);',
        'essay("no"); say(name);',
        'say("a \\"word\\"")',
    ]
    path.write_text("\n".join(calls))
    assert catalogs.said_in(path) == ["quoted", "One {n}", "two parts", 'a "word"']


def test_the_map_of_the_site_names_each_page_in_both_languages():
    """With the address of the site, which this clone does not know."""
    jinja2 = pytest.importorskip("jinja2")
    page = types.SimpleNamespace(canonical_url="https://example.org/zoo/try/", url="try/")
    template = jinja2.Template((ROOT / "tutorials" / "overrides" / "sitemap.xml").read_text())
    config = types.SimpleNamespace(site_url="https://example.org/zoo/")
    text = template.render(
        pages=[types.SimpleNamespace(page=page)], addresses=lambda page: languages.addresses(page, config)
    )
    english, chinese = "https://example.org/zoo/try/", "https://example.org/zoo/zh/try/"
    for address, (location, *others) in zip((english, chinese), ElementTree.fromstring(text.encode()), strict=True):
        assert location.text == address
        assert [(one.get("hreflang"), one.get("href")) for one in others] == [("en", english), ("zh", chinese)]
    assert list(languages.addresses(types.SimpleNamespace(url="reference/zoo/"), config)) == ["en"]


def test_the_page_of_an_error_leads_to_the_languages_below_the_address_of_the_site():
    config = types.SimpleNamespace(site_url="https://example.org/zoo/")
    switch = f'<a href="{languages.OTHER}zh/">'
    assert languages.lead(switch, None, config) == '<a href="/zoo/zh/">'
    config.site_url = None
    assert languages.lead(switch, None, config) == '<a href="/zh/">'


def test_a_notebook_leads_to_pages_of_its_language_and_to_what_is_english_alone(monkeypatch):
    text = "[page](01_task.md#a) [code](reference/places.md) [numbers](places.json)"
    monkeypatch.setattr(translation, "current", "zh")
    links = re.findall(r"\((.*?)\)", notebooks.make_links(text, "https://example.org/zoo/zh/"))
    root = "https://example.org/zoo/"
    assert links == [f"{root}zh/01_task/#a", f"{root}reference/places/", f"{root}places.json"]


def test_what_moves_to_another_page_keeps_its_translation(tiny, tmp_path):
    path, _ = tiny("# Growing\n")
    translate(path, "Growing", "放大")
    (tmp_path / "page.md").rename(tmp_path / "other.md")
    assert catalogs.update("zh") == ["zh/README.po: Read me."]
    assert not path.exists()
    assert translation.catalog("zh", "other") == {"Growing": "放大"}


@LANGUAGES
def test_nothing_is_untranslated_or_stale(language):
    sources = catalogs.sources()
    left = catalogs.waiting(language, sources)
    assert not left, f"Translate, after `make catalogs`, {len(left)} entries:\n" + "\n".join(left)
    for name, english in sources.items():
        with (catalogs.DOCS / language / f"{name}.po").open("rb") as file:
            assert {entry.id for entry in read_po(file) if entry.id} == set(english), f"{name}.po: run `make catalogs`"
    assert {path.stem for path in (catalogs.DOCS / language).glob("*.po")} == set(sources)


@LANGUAGES
def test_translations_keep_code_formulas_links_and_numbers(language):
    assert not (found := catalogs.misfits(language)), "\n".join(found)


@LANGUAGES
def test_the_readme_is_that_of_its_catalog(language):
    assert catalogs.readme_of(language).read_text() == catalogs.readme(language), "run `make catalogs`"


# ---- The built site ----


@pytest.fixture(scope="module")
def editions(site):
    """The English pages that another language has, too: their addresses."""
    found = sorted(path.parent.relative_to(site).as_posix() for path in site.glob("**/index.html"))
    english = [path for path in found if path.partition("/")[0] not in catalogs.LANGUAGES]
    return [path for path in english if not path.startswith("reference")]


LITERAL = re.compile(r"<pre\b.*?</pre>", re.DOTALL)


@pytest.mark.slow
@LANGUAGES
def test_both_editions_differ_in_prose_alone(site, editions, language):
    for path in editions:
        english, other = ((site / folder / path / "index.html").read_text() for folder in ("", language))
        assert f'<html lang="{language}"' in other
        body = [text[text.index("<article") : text.index("</article")] for text in (english, other)]
        for kind in (r' id="([^"]+)"', r"(<math.*?</math>)"):
            first, second = (re.findall(kind, text) for text in body)
            assert first == second, path
        first, second = (
            [(site / folder / path / source).resolve() for source in re.findall(r'<img[^>]*src="([^"]+)"', text)]
            for folder, text in zip(("", language), body, strict=True)
        )
        assert first == second, path
        first, second = (LITERAL.findall(text) for text in body)
        assert first == second, path
        assert translation.NOT_YET.strip(" *()") not in other


@pytest.mark.slow
@LANGUAGES
def test_nothing_is_there_twice(site, language):
    own = {path.relative_to(site / language) for path in (site / language).rglob("*") if path.is_file()}
    assert {path.suffix for path in own} <= {".html", ".ipynb", ".json"}, own
    assert not [path for path in own if path.parts[0] in ("live", "pictures", "reference")]


@pytest.mark.slow
@LANGUAGES
def test_each_page_leads_to_the_same_page_in_the_other_language(site, editions, language):
    for path in editions:
        for here, there, lang in (
            (f"{path}/", f"{language}/{path}/", language),
            (f"{language}/{path}/", f"{path}/", "en"),
        ):
            html = (site / here / "index.html").read_text()
            (link,) = set(re.findall(rf'<a href="([^"]+)" hreflang="{lang}"', html))
            assert (site / here / link).resolve() == (site / there).resolve(), here
            assert f'<link rel="alternate " href="{link}" hreflang="{lang}">' in html


@pytest.mark.slow
@LANGUAGES
def test_the_switch_leads_to_the_same_heading(visit, address, language):
    page = visit("06_max_unpooling/#references")
    page.evaluate(f"document.querySelector('a[hreflang={language}]').click()")
    page.wait_for_url(f"{address}{language}/06_max_unpooling/#*")
    assert page.evaluate("document.querySelector(location.hash) !== null")


@pytest.mark.slow
def test_chinese_words_are_found(visit, address):
    page = visit("zh/")
    search = page.locator("input.md-search__input")
    search.fill("反池化")
    search.press("End")  # the theme asks for the words when a key is let go
    page.locator(".md-search-result__link").first.wait_for(state="attached")
    links = page.evaluate("[...document.querySelectorAll('.md-search-result__link')].map(a => a.href)")
    assert any(link.startswith(f"{address}zh/06_max_unpooling/") for link in links)
