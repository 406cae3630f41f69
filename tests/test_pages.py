"""The hook that makes pages, tried on tiny ones."""

import base64
import functools
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra `site`)")
for package in ("ipykernel", "jupytext", "latex2mathml", "mkdocs", "nbclient"):
    pytest.importorskip(package, reason=f"{package} is not installed (extra `site`)")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

# The hook with a cache of its own, and without TensorFlow, which tiny pages do not need.
HOOK = f"""
import sys
from pathlib import Path

sys.path.insert(0, {str(ROOT / "tutorials" / "hooks")!r})
import pages
from pages import on_files, on_page_content

pages.CACHE = Path(__file__).parent / "cache"
pages.SETUP = pages.SETUP.replace("quiet.import_tensorflow()", "")
"""

CONFIG = """
site_name: Tiny
exclude_docs: "*.py"
hooks: [hook.py]
strict: true
markdown_extensions:
  - pymdownx.arithmatex: { generic: true }
  - pymdownx.details
  - pymdownx.superfences
"""


def build_in(folder, page, settings=""):
    """Builds a site of one page, `tiny.py`, in a folder, and returns how that went."""
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "hook.py").write_text(HOOK)
    (folder / "mkdocs.yml").write_text(CONFIG + settings)
    (folder / "docs" / "tiny.py").write_text(page)
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder / "site")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def built_in(folder, page, settings=""):
    """What stands on such a page."""
    done = build_in(folder, page, settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "site" / "tiny" / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def build(tmp_path):
    return functools.partial(build_in, tmp_path)


@pytest.fixture
def built(tmp_path):
    return functools.partial(built_in, tmp_path)


TITLE = "# %% [markdown]\n# # Tiny\n\n"


def test_a_false_assertion_in_a_folded_solution_fails_the_build_and_names_the_page(build):
    done = build(TITLE + '# %% tags=["solution"]\nassert 1 == 2\n')
    assert done.returncode != 0
    assert "tiny.py fails" in done.stderr
    assert "assert 1 == 2" in done.stderr


def test_a_warning_fails_the_build_and_names_the_page(build):
    done = build(TITLE + "# %%\nimport warnings\n\nwarnings.warn('This is old.')\n")
    assert done.returncode != 0
    assert "tiny.py warns its readers" in done.stderr
    assert "This is old." in done.stderr


def test_only_changed_code_runs_again(built):
    page = TITLE + "# %%\nimport time\n\nprint('at', time.time_ns())\n"
    (first,) = re.findall(r"at \d+", built(page))
    said = built(page + "# %% [markdown]\n# More prose.\n")
    assert first in said
    assert "More prose." in said
    assert first not in built(page + "# %%\nprint('more')\n")


ANYWHERE = r"""# %% [markdown]
# # Tiny
#
# The half is \(\frac{1}{2}\), as [this page](tiny.md#tiny) and [that one](https://example.org/a.md) say:
#
# \[ 1 - \frac{1}{2} \]
#
# !!! question "Try it"
#     Is it [so](tiny.md)?
#
#     Prove it.
#
# After the box.

# %%
print('the' + ' output')

# %% tags=["solution"]
print('in' + 'deed')
"""
ADDRESSES = """
site_url: https://example.org/zoo/
repo_url: https://github.com/someone/zoo
"""


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory):
    """The page above and the cells of its notebook, on a site without addresses and on one with them."""
    folder, found = tmp_path_factory.mktemp("anywhere"), {}
    for settings in ("", ADDRESSES):
        page = built_in(folder, ANYWHERE, settings)
        made = nbformat.read(folder / "site" / "tiny.ipynb", as_version=4)
        nbformat.validate(made)
        assert made.metadata.kernelspec.name == "python3"
        found[settings] = page, made.cells
    return found


def test_a_notebook_has_outputs_formulas_boxes_and_folded_solutions(anywhere):
    _, _, prose, code, solution = anywhere[""][1]
    assert code.outputs[0].text == "the output\n"
    assert r"The half is $\frac{1}{2}$, as" in prose.source
    assert r"$$ 1 - \frac{1}{2} $$" in prose.source
    assert "\n> **Try it**\n>\n> Is it so?\n>\n> Prove it.\n\nAfter the box." in prose.source
    assert solution.cell_type == "markdown"
    assert re.fullmatch(r"<details>\n<summary>.*```python\n.*indeed\n```\n\n</details>", solution.source, re.DOTALL)


def test_links_of_a_notebook_are_absolute_or_plain_text(anywhere):
    absolute = "[this page](https://example.org/zoo/tiny/#tiny) and [that one](https:"
    assert absolute in anywhere[ADDRESSES][1][2].source
    assert "as this page and [that one](https://example.org/a.md) say" in anywhere[""][1][2].source


def test_the_first_cell_of_a_notebook_installs_the_zoo_or_tells_how(anywhere):
    first = anywhere[ADDRESSES][1][1].source
    assert '%pip install --quiet "segmentation-zoo @ git+https://github.com/someone/zoo"' in first
    assert "%matplotlib inline" in first  # else Jupyter shows figures as text
    with pytest.raises(ImportError, match="python -m pip install"):
        exec(anywhere[""][1][1].source.replace("import zoo", "import no_such_module").replace("%matplotlib inline", ""))


def test_pages_open_in_colab_if_there_is_a_repository(anywhere):
    place = "https://colab.research.google.com/github/someone/zoo/blob/gh-pages/tiny.ipynb"
    assert f'href="{place}"' in anywhere[ADDRESSES][0]
    page, _ = anywhere[""]
    assert 'href="../tiny.ipynb"' in page
    assert "colab" not in page


def test_a_picture_is_drawn_for_light_and_for_dark_and_says_what_it_shows(built, tmp_path):
    drawing = "from matplotlib.figure import Figure\n\nfigure = Figure()\nfigure.subplots().set_title('ink')\nfigure\n"
    page = built(TITLE + f'# %% A word tags=["picture"]\n{drawing}')
    assert page.count('alt="A word"') == 2
    for scheme, ink in {"light": "#000000", "dark": "#e8eaf0"}.items():
        picture = (tmp_path / "site" / "pictures" / f"tiny_1_0_{scheme}.svg").read_text()
        assert f'<svg fill="{ink}"' in picture  # of text
        assert set(re.findall("stroke: (#[0-9a-f]+)", picture)) == {ink}


def test_a_notebook_shows_pictures_that_need_no_trust_on_a_ground_of_their_own(built, tmp_path):
    drawing = "from matplotlib.figure import Figure\n\nfigure = Figure()\nfigure.subplots()\nfigure\n"
    built(TITLE + f'# %% A word\n{drawing}\n# %% A word tags=["solution"]\n{drawing}')
    *_, code, solution = nbformat.read(tmp_path / "site" / "tiny.ipynb", as_version=4).cells
    (output,) = code.outputs
    assert set(output.data) == {"image/png", "text/plain"}
    (within,) = re.findall(r"!\[A word\]\(data:image/png;base64,([^)]+)\)", solution.source)
    for png in (output.data["image/png"], within):
        picture = Image.open(io.BytesIO(base64.b64decode(png)))
        assert picture.mode == "RGB"  # nothing shines through
        assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_numbers_stand_open_and_a_check_is_folded_with_what_it_prints(built):
    page = built(
        TITLE
        + "# %% tags=['numbers']\nprint('open' + 'ly')\n\n# %% tags=['check']\nprint('hid' + 'den')\n".replace("'", '"')
    )
    folded = re.findall("<details.*?</details>", page, flags=re.DOTALL)
    assert len(folded) == 2
    assert "openly" in page
    assert not any("openly" in fold for fold in folded)
    assert "hidden" in folded[1]
