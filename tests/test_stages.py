"""The one list of stages, and what reads it: a stage that misses in one place is found here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.stages import REGISTRY, STAGES

ROOT = Path(__file__).parents[1]
WORDS = ("nine", "ten", "eleven", "twelve")

each = pytest.mark.parametrize("stage", REGISTRY, ids=STAGES)


def test_every_builder_is_of_a_stage():
    files = {path.stem: path.read_text() for path in (ROOT / "zoo" / "models").glob("*.py")}
    assert {name for name, text in files.items() if f"def build_{name}(" in text} == set(STAGES)


@each
def test_its_page_explains_it_under_its_name(stage):
    headings = re.findall(r"^# ## The stage `(\w+)`$", (ROOT / "tutorials" / f"{stage.page}.py").read_text(), re.M)
    assert stage.name in headings


@each
def test_its_fault_is_what_the_next_one_mends(stage):
    assert stage.does
    assert bool(stage.fault) is (stage is not REGISTRY[-1])


def test_where_all_are_counted_in_words_the_number_is_right():
    files = [ROOT / name for name in ("README.md", "mkdocs.yml", "pyproject.toml", "tutorials/index.md")]
    files += [*ROOT.glob("zoo/*.py"), *ROOT.glob("tutorials/*.py"), *ROOT.glob("tutorials/reference/*.md")]
    all_of_them = rf"\b({'|'.join(WORDS)}) (?:trained )?(?:stages|steps)\b"
    counted = {path: re.findall(all_of_them, path.read_text(), re.I) for path in files}
    assert any(counted.values())
    wrong = {path.name for path, words in counted.items() if {w.lower() for w in words} - {WORDS[len(STAGES) - 9]}}
    assert not wrong


@pytest.fixture(scope="module")
def site():
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
def test_the_site_shows_it(stage, site):
    navigation, pages, index, reference = site
    assert navigation[STAGES.index(stage.name)] == f"models/{stage.name}.md"
    page = pages[f"models/{stage.name}.md"]
    assert f"(../{stage.page}.md#the-stage-{stage.name})" in page
    assert f'zoo.load("{stage.name}")' in page
    assert f"| [{stage.name}]({stage.page}.md#the-stage-{stage.name}) | {stage.does} | {stage.fault} |" in index
    assert f"\n::: zoo.models.{stage.name}\n" in reference


def test_the_navigation_has_all_pages_of_models_once(site):
    navigation, pages, *_ = site
    assert navigation == list(dict.fromkeys(navigation))
    assert set(navigation) == set(pages)


# A stage that CONTRIBUTING.md's table leads to: a file for each path in its line, and how it changes there.

BUILDER = '''
from keras import layers

from zoo.models.blocks import max_pool, narrow
from zoo.models.encoder_decoder import FILTERS, encoder_decoder


def build_smooth_upsampling(image_shape=(128, 128, 3), num_classes=3, filters=FILTERS):
    """Down by max pooling; up by bilinear interpolation."""
    return encoder_decoder(max_pool, smooth, image_shape, num_classes, filters, name="smooth_upsampling")


def smooth(x, memory, filters):
    return layers.UpSampling2D(2, "channels_last", "bilinear")(narrow(x, filters))
'''

ENTRY = """
    Stage(
        name="smooth_upsampling",
        page="10_your_own",
        does="grows by interpolation",
        fault="blurs",
    ),"""


def card_of_another(text):
    return json.dumps({**json.loads(text), "stage": "smooth_upsampling"})


EDITS = {
    "zoo/models/<stage>.py": ("zoo/models/unet.py", lambda _: BUILDER),
    "zoo/stages.py": ("zoo/stages.py", lambda text: text.replace("REGISTRY = (", f"REGISTRY = ({ENTRY}")),
    "tutorials/<page>.py": ("tutorials/10_your_own.py", lambda text: f"{text}# ## The stage `smooth_upsampling`\n"),
    "saved_models/<stage>.json": ("saved_models/unet.json", card_of_another),
}
BY_HAND = {"saved_models/<stage>.keras", "README.md", "tutorials/09_comparison.py"}  # tests of weights and pages


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with one more stage, by CONTRIBUTING.md alone."""
    line = next(line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| A stage"))
    named = set(re.findall(r"`([\w<>/]+\.\w+)`", line.split("|")[2]))
    assert named == EDITS.keys() | BY_HAND
    folder = tmp_path_factory.mktemp("copy")
    unneeded = shutil.ignore_patterns("*.keras", "__pycache__", "images", "float32", "runs")
    for name in ("zoo", "tests", "tutorials", "saved_models"):
        shutil.copytree(ROOT / name, folder / name, ignore=unneeded)
    for name in ("mkdocs.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for path, (like, change) in EDITS.items():
        path = path.replace("<stage>", "smooth_upsampling").replace("<page>", "10_your_own")
        (folder / path).write_text(change((ROOT / like).read_text()))
    return folder


def test_the_command_line_knows_a_new_stage(copy, run_zoo):
    assert "| smooth_upsampling " in run_zoo("list", cwd=copy, PYTHONPATH=str(copy)).stdout
    assert "smooth_upsampling" in run_zoo("train", "--help", cwd=copy, PYTHONPATH=str(copy)).stdout


def test_the_tests_and_the_site_know_a_new_stage(copy):
    """The tests of its model's size and of all that stands above, in a fresh process."""
    files = ["tests/models/test_every_stage.py::test_name_logits_and_size", "tests/test_stages.py"]
    command = [sys.executable, "-m", "pytest", "--override-ini=addopts=", "-p", "no:cacheprovider", "-rA"]
    command += [*files, "-k", "smooth_upsampling or navigation or builder"]
    done = subprocess.run(
        command, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    for name in ("name_logits_and_size", "its_page_explains_it_under_its_name", "the_site_shows_it"):
        assert re.search(rf"^PASSED .*test_{name}\[smooth_upsampling\]$", done.stdout, re.M), done.stdout
