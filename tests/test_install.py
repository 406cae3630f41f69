"""The package as others install it: its ranges, its wheel, and the models with other versions of Keras."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import zoo
from zoo.errors import explain

ROOT = Path(__file__).parents[1]
OLDER = ("3.3.3", "3.6.0", "3.10.0")

LAYERS_ALONE = """
import sys

class Refuse:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in ("matplotlib", "PIL", "scipy", "skimage", "tensorflow_datasets", "tqdm"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse)
import zoo.layers
"""

LOGITS = """
import sys
import keras, numpy as np, zoo

image = np.load(sys.argv[1])
logits = {stage: zoo.load(stage).predict_on_batch(image) for stage in zoo.STAGES}
np.savez(sys.argv[2], version=keras.__version__, **logits)
"""


def pins(file):
    lines = (line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return dict(line.split("==") for line in lines if line)


def test_the_ranges_begin_and_end_with_what_is_tried():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["export"]
    ranges = {requirement.name: requirement.specifier for requirement in map(Requirement, requirements)}
    newest, oldest = pins("requirements.txt"), pins("oldest.txt")
    assert ranges.keys() == newest.keys() == oldest.keys() - {"onnx", "tensorflow-metadata"}
    for name, specifier in ranges.items():
        assert newest[name] in specifier
        assert f">={oldest[name]}" in str(specifier).split(",")


def test_layers_need_few_packages():
    subprocess.run([sys.executable, "-c", LAYERS_ALONE], cwd=ROOT, check=True)


def test_a_missing_package_is_named():
    with pytest.raises(ModuleNotFoundError) as caught:
        import skimage.no_such_module  # noqa: F401
    assert "`python -m pip install scikit-image`" in explain(caught.value)


IS_OLDEST = sys.version_info[:2] == (3, 11)  # of the versions of Python that the zoo runs on


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy, so that no build folder is left in the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("zoo", "saved_models"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "source")
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Python of an environment that holds the wheel, what it asks for, and what runs a notebook, and nothing else: the
    oldest versions, which are of Python 3.11, for the clone has the newest.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    versions = ROOT / ("oldest.txt" if IS_OLDEST else "requirements.txt")
    pip("install", "--no-compile", "--constraint", versions, wheel, "ipykernel", "nbclient", python=python)
    yield python
    shutil.rmtree(folder)  # pytest would keep its 2 GB


def pip(*arguments, python=sys.executable):
    command = [str(python), "-m", "pip", "--quiet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


@pytest.mark.slow
def test_the_wheel_holds_the_models_and_cards_of_the_stages_and_little_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    models = {f"zoo/saved_models/{stage}.{ending}" for stage in zoo.STAGES for ending in ("keras", "json")}
    alone = {path for name in ("seeds", "streets") for path in ROOT.glob(f"saved_models/{name}/**/*.json")}
    cards = {f"zoo/{path.relative_to(ROOT)}" for path in alone}
    assert {name for name in names if "saved_models" in name} == models | cards
    assert {Path(name).parts[0] for name in names if ".dist-info" not in name} == {"zoo"}
    modules = {p.relative_to(ROOT).as_posix() for p in (ROOT / "zoo").rglob("*") if p.suffix in (".py", ".json")}
    assert modules <= set(names)
    assert wheel.stat().st_size < 30e6


@pytest.mark.slow
@pytest.mark.skipif(not IS_OLDEST, reason="the oldest versions are tried on Python 3.11")
def test_the_empty_environment_is_of_the_oldest_versions(python, tmp_path):
    lines = run(python, ["-m", "pip", "list", "--format=freeze"], tmp_path).split()
    found = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    export = {"ai-edge-litert", "onnx", "onnxruntime", "tf2onnx"}  # an extra, which needs a newer Keras
    assert {name: found.get(name) for name in pins("oldest.txt").keys() - export}.items() <= pins("oldest.txt").items()


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment_and_folder(python, tmp_path):
    code = "import skimage, zoo; print(zoo.__file__, zoo.predict(zoo.load('unet'), skimage.data.chelsea()).shape)"
    where, shape = run(python, ["-c", code], tmp_path).split(" ", 1)
    assert Path(where).is_relative_to(python.parents[1])
    assert shape.strip() == "(300, 451)"
    table = run(python, ["-m", "zoo", "list"], tmp_path)
    assert all(f"| {stage} " in table for stage in zoo.STAGES)


@pytest.mark.slow
def test_a_notebook_runs_in_an_empty_environment(python, tmp_path, monkeypatch):
    jupytext = pytest.importorskip("jupytext", reason="jupytext is not installed (extra `site`)")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `site`)")
    monkeypatch.syspath_prepend(ROOT / "tutorials" / "hooks")
    from notebooks import make_notebook

    page = jupytext.read(ROOT / "tutorials" / "12_losses.py")
    notebook = make_notebook(page, {"site_url": None, "repo_url": None})
    notebook.cells.append(nbformat.v4.new_code_cell("print(zoo.__file__)"))
    nbformat.write(notebook, tmp_path / "page.ipynb")
    execute = python.with_name("jupyter-execute")  # not `-m jupyter`, which looks for this command on the PATH first
    run(execute, ["--inplace", "--timeout=900", "page.ipynb"], tmp_path, TFDS_DATA_DIR=tmp_path)
    ran = nbformat.read(tmp_path / "page.ipynb", as_version=4)
    assert Path(ran.cells[-1].outputs[0].text.strip()).is_relative_to(python.parents[1])


def run(program, arguments, cwd, **variables):
    """What Python or another program prints, with no folder of models named, and its own packages alone."""
    kept = {name: value for name, value in os.environ.items() if name not in ("ZOO_SAVED_MODELS", "PYTHONPATH")}
    kept |= {"KERAS_BACKEND": "tensorflow"} | {name: str(value) for name, value in variables.items()}
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def answered():
    """An image, and what the stages of this Keras answer to it."""
    image = np.random.default_rng(0).random((1, 128, 128, 3), "float32")
    return image, {stage: zoo.load(stage).predict_on_batch(image) for stage in zoo.STAGES}


@pytest.mark.slow
@pytest.mark.parametrize("version", OLDER)
def test_saved_models_answer_alike_on_older_versions_of_keras(version, answered, tmp_path):
    """ZOO_OLDER_KERAS names a folder that holds `keras-<version>/`; otherwise they are fetched."""
    keras_folder = Path(os.environ.get("ZOO_OLDER_KERAS", tmp_path)) / f"keras-{version}"
    if not keras_folder.exists():
        try:
            pip("install", "--no-deps", "--target", keras_folder, f"keras=={version}")
        except RuntimeError:
            pytest.skip(f"Keras {version} cannot be fetched (ZOO_OLDER_KERAS)")
    image, expected = answered
    np.save(tmp_path / "image.npy", image)
    folders = os.pathsep.join(map(str, (keras_folder, ROOT)))
    arguments = ["-c", LOGITS, tmp_path / "image.npy", tmp_path / "logits.npz"]
    run(sys.executable, arguments, tmp_path, PYTHONPATH=folders)
    logits = dict(np.load(tmp_path / "logits.npz"))
    assert str(logits.pop("version")) == version
    assert set(logits) == set(zoo.STAGES)
    for stage, found in logits.items():
        np.testing.assert_allclose(found, expected[stage], atol=1e-4, err_msg=stage)
