"""Makes of a page that has been run a notebook that is at home anywhere: in Jupyter, in Colab, outside of the clone."""

import base64
import functools
import io
import re
from urllib.parse import urljoin

import nbformat
import translation
from PIL import Image
from translation import join, say, without_anchors

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

INSTALL = """
try:
    import zoo
except ImportError:
    {how}
%matplotlib inline
"""
FROM_REPOSITORY = '%pip install --quiet "segmentation-zoo @ git+{repository}"'
BY_HAND = """raise ImportError(
        "The segmentation zoo is not installed. In a clone of its repository: `python -m pip install .`, "
        "with the Python that runs this notebook."
    ) from None"""


def make_notebook(page, config):
    """The notebook to download.

    Args:
        page: the notebook that was run.
        config: of the site. `site_url` makes links to other pages absolute: without it they become
            plain text. From `repo_url` the first cell installs the package: without it that cell tells how.
    """
    site, repository = config["site_url"], config["repo_url"]
    introduction = join(
        say("This notebook is a page of the segmentation zoo, with its outputs."),
        say("On [its web page]({site}) there are figures to play with.", site=site) if site else "",
        say("The first cell installs the package and its trained models if they are not there."),
        say("Without Oxford-IIIT Pet on your machine, drawn pets stand in for the photos."),
    )
    how = FROM_REPOSITORY.format(repository=repository.rstrip("/")) if repository else BY_HAND
    cells = [
        nbformat.v4.new_markdown_cell(introduction),
        nbformat.v4.new_code_cell(INSTALL.format(how=how).strip()),
        *(portable(cell, site) for cell in page.cells),
    ]
    return nbformat.v4.new_notebook(cells=number(cells), metadata={"kernelspec": KERNEL})


def number(cells):
    """The cells with identifiers that are the same in every build."""
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"
    return cells


def portable(cell, site):
    """A copy of a cell of the page, without what only the site knows."""
    if cell.cell_type == "markdown":
        return nbformat.v4.new_markdown_cell(
            make_links(quote_boxes(write_formulas(without_anchors(cell.source))), site)
        )
    if "solution" in cell.metadata.get("tags", []):
        blocks = [
            f"```python\n{cell.source}\n```",
            *(in_words(output, cell.metadata.get("title", "")) for output in cell.outputs),
        ]
        text = "\n\n".join([f"<details>\n<summary>{say('Solution')}</summary>", *blocks, "</details>"])
        return nbformat.v4.new_markdown_cell(text)
    outputs = [nbformat.from_dict(output) for output in cell.outputs]
    for output in outputs:
        if "image/png" in output.get("data", {}):
            del output.data["image/svg+xml"]  # Jupyter does not show it in a notebook that it was not told to trust
            output.data["image/png"] = on_white(output.data["image/png"])
    return nbformat.v4.new_code_cell(cell.source, outputs=outputs, execution_count=cell.execution_count)


def in_words(output, alternative):
    """An output of a solution, as Markdown."""
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    if "image/png" in output.data:
        return f"![{alternative}](data:image/png;base64,{on_white(output.data['image/png'])})"
    return output.data.get("text/markdown") or f"```text\n{output.data['text/plain']}\n```"


@functools.cache  # each language has the same pictures
def on_white(png):
    """A drawing in black with a ground of its own, since that of a notebook may be dark; both in Base64."""
    drawing = Image.open(io.BytesIO(base64.b64decode(png)), formats=["PNG"]).convert("RGBA")
    ground = Image.new("RGBA", drawing.size, "white")
    ground.alpha_composite(drawing)
    file = io.BytesIO()
    ground.convert("RGB").save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def write_formulas(text):
    """Formulas between dollar signs, which Jupyter and Colab draw."""
    text = re.sub(r"\\\[\s*(.*?)\s*\\\]", lambda match: f"$$ {match[1]} $$", text, flags=re.DOTALL)
    return re.sub(r"\\\(\s*(.*?)\s*\\\)", lambda match: f"${match[1]}$", text, flags=re.DOTALL)


def quote_boxes(text):
    """Boxes of the site, `!!! kind "Title"` over indented lines, as quotations."""

    def quote(match):
        lines = [f"**{match[1]}**", "", *(line[4:] for line in match[2].rstrip().splitlines())]
        return "\n".join(f"> {line}".rstrip() for line in lines) + "\n\n"

    box = r'^(?:!!!|\?\?\?)\+? \w+ "(.*?)"\n((?:(?:    .*)?(?:\n|\Z))+)'
    return re.sub(box, quote, text, flags=re.MULTILINE).rstrip()


def make_links(text, site):
    """Links to other pages with the address of the site; where it is not known, their text alone."""

    english = (site or "").removesuffix(translation.folder_of(translation.current))

    def absolute(match):
        words, target = match.groups()
        if re.match(r"\w+:", target):
            return match[0]
        path = re.sub(r"(^|/)index\.md|\.md", lambda end: "" if end[1] is not None else "/", target)
        own = ".md" in target and not target.startswith("reference/")  # all else stands in the English site alone
        return f"[{words}]({urljoin(site if own else english, path)})" if site else words

    return re.sub(r"\[([^\]\[]*)\]\(([^()\s]+)\)", absolute, text)
