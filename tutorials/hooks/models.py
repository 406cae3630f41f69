"""What the site tells of each stage: its place in the navigation, in tables, and a page of its trained model."""

import charts
import drawings
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from shown import MODELS, SHOWN

from zoo import tables
from zoo.cards import card, cards
from zoo.stages import REGISTRY

UNITS = {"milliseconds": "ms an image", "peak_megabytes": "MB an image"}


def on_config(config):
    """Puts the page of each stage into the navigation, before what stands under "Models" in mkdocs.yml."""
    pages = next(entry["Models"] for entry in config.nav if "Models" in entry)
    pages[:0] = [f"models/{stage.name}.md" for stage in REGISTRY]
    return config


def on_files(files, config):
    """Adds the page of each stage, and of the U-Net that learned for longer."""
    for one in SHOWN:
        files.append(File.generated(config, f"models/{one.page}.md", content=model_page(one)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Replaces what stands for all stages."""
    rows = [f"| [{stage.name}]({stage.link}) | {stage.does} | {stage.fault} |" for stage in REGISTRY]
    table = "\n".join(["| stage | what it does | its fault |", "| --- | --- | --- |", *rows])
    builders = "\n\n".join(f"::: zoo.models.{stage.name}" for stage in REGISTRY)
    return markdown.replace("<!-- table of stages -->", table).replace("<!-- builders of stages -->", builders)


def known_card(stage, folder):
    """The card of a saved model, which must say what the model gets wrong."""
    try:
        known = card(stage, folder)
    except (OSError, ValueError) as error:
        raise PluginError(str(error)) from None
    if not known.get("limits"):
        raise PluginError(f"`limits` in {folder / stage}.json must say what the model gets wrong, in sentences.")
    return known


def model_page(one):
    """The page of a saved model, in Markdown.

    Args:
        one: of `SHOWN`.

    Raises:
        PluginError: if there is no card, or it does not say what the model gets wrong.
    """
    known, stage = known_card(one.stage.name, one.folder), one.stage
    all_cards = {**cards(MODELS), one.title: known}
    scores = {name: other["scores"]["at_network_size"] for name, other in all_cards.items()}
    small, test = scores[one.title], known["dataset"]["test"]
    others = [other for name, other in all_cards.items() if name != one.title]
    fault = f" What is left to mend: {stage.fault}." if stage.fault else ""
    costs = [[name.replace("_", " "), f"{value:,.0f} {UNITS.get(name, '')}"] for name, value in known["costs"].items()]
    live = f'<div class="live" data-stages="{stage.name}"></div>' if one.folder == MODELS else ""
    limits = "\n".join(f"- {limit}" for limit in known["limits"])
    return f"""# {one.title}

A trained model of the stage `{stage.name}`, which {stage.does}.{fault} [Its page](../{stage.link}) explains it.

{drawings.figure(stage.name)}

{live}

```python
import zoo

model = zoo.load({one.arguments})
classes = zoo.predict(model, "photo.jpg")  # (h, w): 0 pet, 1 background, 2 border
```

## Scores

IoU on the {test["examples"]:,} test images of `{known["dataset"]["name"]}`, at the network's size:

{charts.bars(scores, one.title, lambda name: f"../{name}/")}

{fold("All scores", tables.format_scores(known["scores"]), SCORES)}

Of the pixels of each class, so many are called:

{charts.confusion(small)}

## Answers

<!-- answers of {one.page} -->

## Training

The loss of each epoch; the pale curves are the other models'. {known["training_seconds"] / 60:.0f} minutes on
{known["machine"]}.

<div class="zoo-plot">{charts.curves(known, others)}</div>

{fold("Recipe", table(["", "recipe"], known["recipe"].items()), f"    {known['command']}")}

{fold("Versions", table(["package", "version"], known["versions"].items()))}

## Costs

{table(["", "of a prediction"], costs)}

## Download

`images` are floats from 0 to 1, of shape (1, {known["recipe"]["image_size"]}, {known["recipe"]["image_size"]}, 3); of
the logits of a pixel the largest wins. [The card]({one.page}.json) holds all numbers of this page.

<!-- downloads of {one.page} -->

## Limits and licence

The model has seen cats and dogs, one to a photo, and nothing else. What it gets wrong on other pictures, by eye:

{limits}

The scores hold for this copy of the data set alone, whose names and masks have the SHA-256 `{test["sha256"][:16]}...`.

The weights are licensed {known["licence"]}, as the data set (Parkhi et al., *Cats and Dogs*, 2012).
"""


SCORES = """At the network's size masks were squeezed, at the photo's size answers were enlarged. The other columns are
at the network's size: for cats and dogs alone, and for the mean of the answers to a photo and to its mirror image."""


def fold(title, *blocks):
    """Markdown that a click opens."""
    text = "\n\n".join(blocks).replace("\n", "\n    ")
    return f'??? abstract "{title}"\n\n    {text}'


def table(header, rows):
    """A table of values of any kind."""
    return tables.format_table(header, [list(map(cell, row)) for row in rows])


def cell(value):
    """A number or text for a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
