"""Makes pages of the tutorials: runs each `tutorials/*.py` (Jupytext, percent format) and lays its outputs out.

A page becomes ordinary Markdown, pictures for light and for dark, and a notebook to download. A cell
that fails, or writes to stderr, fails the build. Outputs are kept in `.cache/` under a key of all that
decides them, which prose does not. Cells may have tags: a "picture" folds its code away and shows what it draws,
"numbers" do so with what they print, a "check" and a "solution" fold away as a whole. A picture's alternative text is
the title of its cell: `# %% What it shows`.
"""

import copy
import functools
import importlib.metadata
import inspect
import os
import re
import tempfile
from pathlib import Path

import jupytext
import latex2mathml.converter
import nbformat
import translation
from caches import ROOT, kept
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from notebooks import make_notebook
from reading import fold
from translation import say, translate_notebook

CACHE = ROOT / ".cache" / "pages"
PHOTOS = Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser() / "oxford_iiit_pet"
PACKAGES = ("keras", "matplotlib", "numpy", "scikit-image", "tensorflow", "tensorflow-datasets")
GITHUB = "https://github.com/"
INK = {"light": "#000000", "dark": "#e8eaf0"}

SETUP = """
from zoo import quiet
quiet.import_tensorflow()
%matplotlib inline
%config InlineBackend.figure_formats = ["svg", "png"]
%config InlineBackend.print_figure_kwargs = {"facecolor": "none", "bbox_inches": "tight"}
"""


def on_files(files, config):
    """Adds each tutorial as a page, with its pictures and its notebook, and the results that pages read."""
    for path in ROOT.glob("zoo/**/*.json"):
        files.append(File.generated(config, path.name, content=path.read_text()))
    for script in sorted(Path(config.docs_dir).glob("*.py")):
        name = script.stem
        notebook = translate_notebook(run(script, jupytext.read(script)), name)
        download = nbformat.writes(make_notebook(notebook, config))
        files.append(File.generated(config, f"{name}.ipynb", content=download))
        text, pictures = lay_out(notebook, name, link_to_notebook(name, config))
        files.append(File.generated(config, f"{name}.md", content=text))
        for path, content in pictures.items():
            files.append(File.generated(config, path, content=content))
    return files


def on_page_content(html, page, config, files):
    """Replaces formulas by MathML, which browsers draw without a script."""

    def draw(match):
        tag, formula = match.groups()
        formula = formula.strip().removeprefix("\\(").removesuffix("\\)").removeprefix("\\[").removesuffix("\\]")
        return latex2mathml.converter.convert(formula, display="block" if tag == "div" else "inline")

    return re.sub(r'<(span|div) class="arithmatex">(.*?)</\1>', draw, html, flags=re.DOTALL)


def run(script, notebook):
    """Gives a notebook its outputs: from the cache, or by running it."""
    path = kept(CACHE / f"{script.stem}.ipynb", sources(notebook), functools.partial(execute, script, notebook))
    ran = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for cell, done in zip((cell for cell in notebook.cells if cell.cell_type == "code"), ran, strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
    return notebook


def execute(script, notebook, path):
    """Runs a copy of a notebook, and writes it."""
    notebook = copy.deepcopy(notebook)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(SETUP))
    options = {"timeout": 900, "kernel_name": "python3", "coalesce_streams": True}
    options |= {"shutdown_kernel": "immediate", "resources": {"metadata": {"path": ROOT}}}
    try:
        # A kernel that is killed leaves files.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
            NotebookClient(notebook, **options).execute(env={**os.environ, "TMPDIR": temporary})
    except (CellExecutionError, TimeoutError, DeadKernelError) as error:
        raise PluginError(f"{script} fails:\n{error}") from None
    del notebook.cells[0]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise PluginError(f"{script} warns its readers:\n{output.text}\nfrom the cell:\n{cell.source}")
    nbformat.write(notebook, path)


def sources(notebook):
    """All that decides a page's outputs: its code, package, models, benchmark, data and versions."""
    patterns = ("zoo/**/*.py", "zoo/**/*.json", "saved_models/**/*.json")
    files = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    code = "\0".join([SETUP, inspect.getsource(execute), *code])
    return [*files, code, list_photos(), *map(importlib.metadata.version, PACKAGES)]


@functools.cache
def list_photos():
    """Names and sizes of the photos' files, which tell one copy of the data set from another, in bytes."""
    return "".join(f"{path.name} {path.stat().st_size}" for path in sorted(PHOTOS.glob("**/*"))).encode()


def link_to_notebook(name, config):
    """Where the notebook of a page can be had: here, and in Colab from the branch that `mkdocs gh-deploy` writes."""
    links = [f"[:material-notebook: {say('Download as a notebook')}]({name}.ipynb)"]
    repository = (config["repo_url"] or "").rstrip("/").removesuffix(".git")
    if repository.startswith(GITHUB):
        branch = f"{config['remote_branch']}/{translation.folder_of(translation.current)}"
        place = f"{repository.removeprefix(GITHUB)}/blob/{branch}{name}.ipynb"
        links.append(
            f"[:material-play-circle: {say('Open in Colab')}](https://colab.research.google.com/github/{place})"
        )
    return " ".join(links)


def lay_out(notebook, name, links):
    """A notebook as Markdown that begins with these links, and its pictures as a dictionary from path to content."""
    blocks, pictures = [], {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            blocks.append(cell.source)
            continue
        tags = cell.metadata.get("tags", [])
        code, outputs = fence("python", cell.source), []
        for index, output in enumerate(cell.outputs):
            path = f"pictures/{name}_{number}_{index}"
            block, drawn = show(output, path, cell.metadata.get("title", ""))
            outputs.append(block)
            pictures.update(drawn)
        if "solution" in tags:
            blocks.append(fold("success", say("Solution"), code, *outputs))
        elif "check" in tags:
            blocks.append(fold("abstract", say("Check"), code, *outputs))
        elif "numbers" in tags:
            blocks += [*outputs, fold("example", say("The code of these numbers"), code)]
        elif "picture" in tags:
            blocks += [*outputs, fold("example", say("The code of this picture"), code)]
        else:
            blocks += [code, *outputs]
    title, *others = blocks
    heading, _, opening = title.partition("\n")
    note = [] if PHOTOS.exists() else [no_photos()]
    return "\n\n".join([heading, links, *note, opening.strip(), *others]), pictures


def no_photos():
    """A box that says what stands in for the photos."""
    title = say("Built without photos")
    words = say(
        "Oxford-IIIT Pet was not on the machine that built this page, so that drawn pets stand in for the photos."
    )
    return f'!!! note "{title}"\n\n    {words}'


def show(output, path, alternative):
    """One output as Markdown, and the pictures that it needs."""
    if output.output_type == "stream":
        return fence("text", output.text), {}
    data = output.data
    if "image/svg+xml" in data:
        drawings = {f"{path}_{theme}.svg": colour(data["image/svg+xml"], ink) for theme, ink in INK.items()}
        block = "\n".join(f"![{alternative}]({path}_{theme}.svg#only-{theme})" for theme in INK)
        return block, drawings
    return data.get("text/markdown") or fence("text", data["text/plain"]), {}


def colour(svg, ink):
    """A drawing with what Matplotlib drew in black in another colour; what has no colour is black, too."""
    svg = svg.replace("#000000", ink)
    return re.sub(r"<svg ", f'<svg fill="{ink}" ', svg, count=1)


def fence(language, text):
    """A block of code, or of what code printed."""
    return f"```{language}\n{text.rstrip()}\n```"
