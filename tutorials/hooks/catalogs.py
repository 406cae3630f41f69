"""Brings the catalogs of translations up to date with the English pages: `python tutorials/hooks/catalogs.py`.

An entry whose English has changed is marked fuzzy, beside what it said before: translate it anew, and remove the mark.
"""

import ast
import functools
import re
from collections import Counter
from pathlib import Path

import jupytext
import translation
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from zoo import files

ROOT = Path(__file__).parents[2]
DOCS = translation.DOCS
LANGUAGES = ("zh",)
README = ROOT / "README.md"
LITERAL = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
SAID = re.compile(rf"\bsay\(\s*((?:(?:{LITERAL})[\s+]*)+)")  # the text of a call of `say`, in Python or JavaScript


def pages():
    """The English pages by name: Markdown, and scripts that are run."""
    written = sorted(path for path in DOCS.glob("*") if path.suffix in (".md", ".py"))
    return {path.stem: path for path in [*written, README]}


def sources():
    """The English texts of each catalog: a dictionary from its name to a list."""
    found = {name: texts_of(path) for name, path in pages().items()}
    return found | {"site": texts_of_hooks(), "scripts": texts_of_scripts()}


def texts_of(path):
    """The prose of a page, in its order."""
    if path.suffix == ".md":
        return prose(path.read_text(encoding="utf-8"))
    texts = []
    for cell in jupytext.read(path).cells:
        texts += prose(cell.source) if cell.cell_type == "markdown" else [cell.metadata.get("title", "")]
    return [text for text in texts if text]


def prose(markdown):
    return [words for _, _, words, _ in translation.blocks(markdown) if words]


def texts_of_hooks():
    """What hooks and the theme's pages write, and what stages and cards say of themselves."""
    import drawings
    import models

    from zoo.cards import card
    from zoo.stages import REGISTRY, STAGES

    texts = [text for path in sorted(DOCS.glob("hooks/*.py")) for text in said_in(path)]
    texts += ["".join(found) for found in texts_of_configuration()]
    for stage in REGISTRY:
        texts += [stage.does, stage.fault]
    for known in map(card, STAGES):
        texts += [*known["limits"], *known["scores"]["at_network_size"]["iou"]]
        header, rows = models.score_cells(known)
        texts += [name.replace("_", " ") for name in known["costs"]] + header + [row[0] for row in rows]
    return [text for text in dict.fromkeys([*texts, *drawings.phrases()]) if text and text not in STAGES]


def texts_of_configuration():
    """The texts of mkdocs.yml, which has tags that only MkDocs can load."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    return re.findall(r"^(?:site_name|site_description): (.*)$|- ([A-Z][\w ]*):|name: ([A-Z]\w*) }", text, re.MULTILINE)


def texts_of_scripts():
    return [text for path in sorted(DOCS.glob("assets/*.js")) for text in said_in(path)]


def said_in(path):
    """The texts that a module or a script hands to `say`."""
    return [
        "".join(map(ast.literal_eval, re.findall(LITERAL, text)))
        for text in SAID.findall(path.read_text(encoding="utf-8"))
    ]


# What a translation takes over as it is.
KEPT = {
    "code": re.compile(r"`[^`]+`"),
    "formulas": re.compile(r"\\\(.*?\\\)"),
    "links": re.compile(r"\]\(([^()\s]*)\)"),
    "tags": re.compile(r"<[^>]+>"),
    "attributes": re.compile(r"\{[^}]*\}"),
    "numbers": re.compile(r"\d+(?:[.,:]\d+)*"),
}


def faults(english, said):
    """What of a translation does not fit its English, in words.

    Code, formulas, links, tags and numbers are the same, and words of the glossary are said as the glossary says them.
    """
    found, rest = [], {"English": english, "translation": said}
    cites = "](https://" in english
    for kind, pattern in KEPT.items():
        ours, theirs = (Counter(pattern.findall(text)) for text in rest.values())
        if ours != theirs:
            found.append(f"{kind}: {list((ours - theirs).elements())} became {list((theirs - ours).elements())}")
        rest = {name: pattern.sub(" ", text) for name, text in rest.items()}
    text = re.sub(r"\*[^*]+\*", "", rest["English"]) if cites else rest["English"]  # titles of papers stay
    missing = {term: words for term, words in glossary().items() if has(text, term)}
    longer = [term for term in missing if any(term != other and term in other for other in missing)]
    for term, words in missing.items():
        if term not in longer and not any(word in said for word in words):
            found.append(f"glossary: {term} is {' or '.join(words)}")
    return found


def has(text, term):
    """Whether a text has a term, in the singular or the plural."""
    return re.search(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", text, re.IGNORECASE)


@functools.cache
def glossary():
    """The terms of the glossary: a dictionary from English to what they may be called."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    known = {}
    for row in rows[2:]:
        names, words = (re.sub(r'"|\(.*?\)', "", cell).strip().split(", ") for cell in row)
        each = [[word] for word in words] if len(words) == len(names) else [words] * len(names)
        for name, says in zip(names, each, strict=True):
            known.setdefault(" ".join(name.split()), []).extend(says)
    return known


def update(language):
    """Writes the catalogs of a language anew, with all that still holds; a catalog without a source goes.

    Returns:
        The entries that are to be translated, in words.
    """
    folder, texts = DOCS / language, sources()
    folder.mkdir(exist_ok=True)
    found = {path.stem: path for path in folder.glob("*.po")}
    known = {english: said for name in found for english, said in translation.catalog(language, name).items()}
    for name, english in texts.items():
        path, template, kept = folder / f"{name}.po", Catalog(), Catalog(locale=language)
        for text in english:
            template.add(text)
        if name in found:
            with path.open("rb") as file:
                kept = read_po(file, locale=language)
        kept.update(template)
        kept.obsolete.clear()
        for entry in kept:
            if entry.id in known and (entry.fuzzy or not entry.string):  # it has moved here from another page
                entry.string = known[entry.id]
                entry.flags.discard("fuzzy")
        with files.write_whole(path, overwrite=True) as unfinished, unfinished.open("wb") as file:
            write_po(file, kept, width=0, omit_header=True, no_location=True)
    for name in found.keys() - texts.keys():
        found[name].unlink()
    translation.catalog.cache_clear()
    readme_of(language).write_text(readme(language), encoding="utf-8")
    return waiting(language, texts)


def readme_of(language):
    return README.with_suffix(f".{language}.md")


def readme(language):
    """README.md in a language."""
    with translation.speaking(language):
        text = translation.without_anchors(translation.translate(README.read_text(encoding="utf-8"), README.stem))
    return text.replace(f"]({readme_of(language).name})", f"]({README.name})")


def waiting(language, texts):
    """The entries of a language that are missing, empty or fuzzy, in words; `texts` are those of `sources`."""
    return [
        f"{language}/{name}.po: {text}"
        for name, english in texts.items()
        for text in english
        if text not in translation.catalog(language, name)
    ]


def misfits(language):
    """The entries of a language whose translation does not fit, in words."""
    return [
        f"{language}/{path.stem}.po: {english}\n    {fault}"
        for path in sorted((DOCS / language).glob("*.po"))
        for english, said in translation.catalog(language, path.stem).items()
        for fault in faults(english, said)
    ]


if __name__ == "__main__":
    for language in LANGUAGES:
        left = update(language)
        print("\n".join([*left, *misfits(language)]))
        print(f"{language}: {len(left)} entries are to be translated.")
