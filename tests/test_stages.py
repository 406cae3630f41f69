"""The one list of stages, and what reads it: a stage that misses in one place is found here."""

import re
from pathlib import Path

import pytest

from zoo.stages import REGISTRY, STAGES

ROOT = Path(__file__).parents[1]
WORDS = ("nine", "ten", "eleven", "twelve")

each = pytest.mark.parametrize("stage", REGISTRY, ids=STAGES)


def test_every_builder_is_of_a_stage():
    files = {path.stem: path.read_text() for path in (ROOT / "zoo" / "models").glob("*.py")}
    built = {name for name, text in files.items() if f"def build_{name}(" in text}
    assert built == set(STAGES), "a stage needs both: zoo/models/<stage>.py, and an entry in REGISTRY of zoo/stages.py"


@each
def test_its_page_explains_it_under_its_name(stage):
    headings = re.findall(r"^# ## The stage `(\w+)`$", (ROOT / "tutorials" / f"{stage.page}.py").read_text(), re.M)
    assert stage.name in headings


@each
def test_all_but_the_last_have_a_fault_left(stage):
    assert stage.does
    assert bool(stage.fault) is (stage is not REGISTRY[-1])


def test_where_all_are_counted_in_words_the_number_is_right():
    files = [ROOT / name for name in ("README.md", "mkdocs.yml", "pyproject.toml", "tutorials/index.md")]
    files += [*ROOT.glob("zoo/**/*.py"), *ROOT.glob("tutorials/**/*.py"), *ROOT.glob("tutorials/reference/*.md")]
    files += [ROOT / "tutorials" / "try.md", ROOT / "tutorials" / "glossary.md"]
    all_of_them = rf"\b({'|'.join(WORDS)})[ -](?:trained )?(?:stages|steps|models|answers)\b"
    counted = {path: re.findall(all_of_them, path.read_text(), re.I) for path in files}
    assert any(counted.values())
    number = WORDS[len(STAGES) - 9]
    wrong = [str(path.relative_to(ROOT)) for path, words in counted.items() if {w.lower() for w in words} - {number}]
    assert not wrong, f"there are {number} stages; another number stands in {', '.join(wrong)}"


@pytest.fixture(scope="module")
def empty_site():
    """What the hook makes of an empty site: its navigation, its pages, and the texts that stand for all stages."""
    pytest.importorskip("material", reason="mkdocs-material is not installed (extra `site`)")
    from mkdocs.config import load_config
    from mkdocs.structure.files import Files

    config = load_config(str(ROOT / "mkdocs.yml"), plugins=[], hooks=["tutorials/hooks/models.py"])
    config = config.plugins.on_config(config)
    files = config.plugins.on_files(Files([]), config=config)

    def lay_out(name):
        text = (ROOT / "tutorials" / name).read_text()
        return config.plugins.on_page_markdown(text, page=None, config=config, files=files)

    (navigation,) = (entry["Models"] for entry in config.nav if "Models" in entry)
    pages = {file.src_uri: file.content_string for file in files}
    return navigation, pages, lay_out("index.md"), lay_out("reference/models.md")


@each
def test_the_site_shows_it(stage, empty_site):
    navigation, pages, index, reference = empty_site
    assert navigation[STAGES.index(stage.name)] == f"models/{stage.name}.md"
    page = pages[f"models/{stage.name}.md"]
    assert f"(../{stage.page}.md#the-stage-{stage.name})" in page
    assert f'zoo.load("{stage.name}")' in page
    assert f"| [{stage.name}]({stage.page}.md#the-stage-{stage.name}) | {stage.does} | {stage.fault} |" in index
    assert f"\n::: zoo.models.{stage.name}\n" in reference


def test_the_navigation_has_all_pages_of_models_once(empty_site):
    navigation, pages, *_ = empty_site
    assert navigation == list(dict.fromkeys(navigation))
    assert set(navigation) == set(pages)
