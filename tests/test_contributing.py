"""CONTRIBUTING.md: its table names every file that has to know of a new thing, and a stage is added by it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).parents[1]


def named_files(new):
    """The files that a line of the table names."""
    line = next(line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith(f"| {new} |"))
    return set(re.findall(r"`([\w<>/.]+\.\w+)`", line.split("|")[2]))


NEW = (
    "A layer",
    "A stage",
    "A data set",
    "A page",
    "A figure to play with",
    "A live view",
    "A sentence",
    "A picture",
    "A benchmark",
)


@pytest.mark.parametrize("new", NEW)
def test_files_of_the_table_are_there(new):
    assert named_files(new)
    for name in named_files(new):
        path = re.sub(r"<\w+>", "*", name)  # of `<stage>` all that are there
        assert list(ROOT.glob(path)), name


def test_every_layer_is_in_the_package_and_has_a_test():
    found = {}
    for path in (ROOT / "zoo" / "layers").glob("*.py"):
        found |= dict.fromkeys(
            re.findall(r"^@keras\.saving\.register.*\nclass (\w+)", path.read_text(), re.M), path.stem
        )
    assert set(found) == set(zoo.layers.__all__)
    for name in found.values():
        assert (ROOT / "tests" / "layers" / f"test_{name}.py").exists()


def test_every_data_set_is_in_the_package_and_has_a_test():
    files = {path.stem: path.read_text() for path in (ROOT / "zoo" / "data").glob("*.py")}
    made = {name for name, text in files.items() if re.search(r"^DATASET = ", text, re.M)}
    assert made == set(zoo.data.DATASETS), "`DATASETS` in zoo/data/pipeline.py has the `DATASET` of each module"
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "data").glob("*.py"))
    for name in made:
        assert f'"{name}"' in zoo.data.load.__doc__, "the docstring of `load` in zoo/data/pipeline.py names each"
        imported = re.search(rf"^(?:from|import) .*\b{name}\b", tests, re.M) is not None
        assert imported, f"no test in tests/data imports {name}: is there a test_{name}.py?"


def test_the_changelog_begins_with_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == version
    assert headings == sorted(set(headings), key=lambda text: [int(part) for part in text.split(".")], reverse=True)


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

UNET = '\n    Stage("unet",'
ENTRY = """
    Stage(
        name="smooth_upsampling",
        page="10_your_own",
        does="grows by interpolation",
        fault="blurs",
    ),"""


GROWS = "UP = (keras.layers.UpSampling2D, "


def card_of_another(text):
    return json.dumps({**json.loads(text), "stage": "smooth_upsampling"})


EDITS = {
    "zoo/models/<stage>.py": ("zoo/models/unet.py", lambda _: BUILDER),
    "zoo/stages.py": ("zoo/stages.py", lambda text: text.replace(UNET, ENTRY + UNET)),
    "tutorials/<page>.py": ("tutorials/10_your_own.py", lambda text: f"{text}# ## The stage `smooth_upsampling`\n"),
    "saved_models/<stage>.json": ("saved_models/unet.json", card_of_another),
    "tutorials/hooks/insides.py": ("tutorials/hooks/insides.py", lambda text: text.replace("UP = (", GROWS)),
}
# Of weights, pages and drawings:
BY_HAND = {"saved_models/<stage>.keras", "saved_models/seeds/<stage>.json", "README.md", "saved_models/README.md"}
BY_HAND |= {"tutorials/09_comparison.py", "zoo/benchmark/benchmark.json", "tests/test_model_pages.py"}
BY_HAND |= {"tutorials/hooks/architecture.py", "tests/test_exporting.py"}
BY_HAND |= {"saved_models/streets/<stage>.json", "tutorials/15_places.py", "zoo/places.json"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with one more stage, by CONTRIBUTING.md alone."""
    assert named_files("A stage") == EDITS.keys() | BY_HAND
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


@pytest.mark.slow
def test_the_tests_and_the_site_know_a_new_stage(copy):
    """The tests of its model's size and of all that stands above, in a fresh process."""
    files = ["tests/models/test_every_stage.py::test_name_logits_and_size", "tests/test_stages.py"]
    files += ["tests/test_model_pages.py::test_the_insides_have_every_level"]
    command = [sys.executable, "-m", "pytest", "--override-ini=addopts=", "-p", "no:cacheprovider", "-rA"]
    command += [*files, "-k", "smooth_upsampling or navigation or builder"]
    done = subprocess.run(
        command, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    seen = ["name_logits_and_size", "its_page_explains_it_under_its_name", "the_site_shows_it"]
    seen += ["the_insides_have_every_level"]
    for name in seen:
        assert re.search(rf"^PASSED .*test_{name}\[smooth_upsampling\]$", done.stdout, re.M), done.stdout
