"""What the site tells of each stage: its place in the navigation, in tables, and a page of its trained model."""

import charts
import drawings
import translation
from exports import MODELS
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from reading import fold
from translation import say

from zoo import tables
from zoo.cards import card, cards
from zoo.stages import REGISTRY


def on_config(config):
    """Puts the page of each stage into the navigation, under "Models"."""
    models = next(entry for entry in config.nav if "Models" in entry)
    models["Models"] = [f"models/{stage.name}.md" for stage in REGISTRY]
    return config


def on_files(files, config):
    """Adds the page of each stage."""
    for stage in REGISTRY:
        files.append(File.generated(config, f"models/{stage.name}.md", content=model_page(stage)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Replaces what stands for all stages."""
    rows = [f"| [{stage.name}]({stage.link}) | {say(stage.does)} | {say(stage.fault)} |" for stage in REGISTRY]
    head = f"| {say('stage')} | {say('what it does')} | {say('its fault')} |"
    table = "\n".join([head, "| --- | --- | --- |", *rows])
    builders = "\n\n".join(f"::: zoo.models.{stage.name}" for stage in REGISTRY)
    return markdown.replace("<!-- table of stages -->", table).replace("<!-- builders of stages -->", builders)


def known_card(stage):
    """The card of a saved model, which must say what the model gets wrong."""
    try:
        known = card(stage, MODELS)
    except (OSError, ValueError) as error:
        raise PluginError(str(error)) from None
    if not known.get("limits"):
        raise PluginError(f"`limits` in {MODELS / stage}.json must say what the model gets wrong, in sentences.")
    return known


def model_page(stage):
    """The page of a saved model, in Markdown.

    Args:
        stage: of `REGISTRY`.

    Raises:
        PluginError: if there is no card, or it does not say what the model gets wrong.
    """
    known = known_card(stage.name)
    all_cards = cards(MODELS)
    scores = {name: other["scores"]["at_network_size"] for name, other in all_cards.items()}
    small, test = scores[stage.name], known["dataset"]["test"]
    others = [other for name, other in all_cards.items() if name != stage.name]
    opening = translation.join(
        say("A trained model of the stage `{name}`, which {does}.", name=stage.name, does=say(stage.does)),
        say("What is left to mend: {fault}.", fault=say(stage.fault)) if stage.fault else "",
        say("[Its page]({link}) explains it.", link=f"../{stage.link}"),
    )
    about_iou = say(
        "IoU on the {count:,} test images of `{dataset}`, at the network's size:",
        count=test["examples"],
        dataset=known["dataset"]["name"],
    )
    about_scores = say(
        "At the network's size masks were squeezed, at the photo's size answers were enlarged. The other columns are "
        "at the network's size: for cats and dogs alone, for the mean of the answers to a photo and to its mirror "
        "image, and for photos without their colours."
    )
    about_training = say(
        "The loss of each epoch; the pale curves are the other models'. {minutes:.0f} minutes on {machine}.",
        minutes=known["training_seconds"] / 60,
        machine=known["machine"],
    )
    about_files = say(
        "`images` are floats from 0 to 1, of shape (1, {size}, {size}, 3); of the logits of a pixel the largest wins. "
        "[The card]({page}.json) holds all numbers of this page.",
        size=known["recipe"]["image_size"],
        page=stage.name,
    )
    about_copy = say(
        "The scores hold for this copy of the data set alone, whose names and masks have the SHA-256 `{sha256}...`.",
        sha256=test["sha256"][:16],
    )
    licence = say(
        "The weights are licensed {licence}, as the data set (Parkhi et al., *Cats and Dogs*, 2012).",
        licence=known["licence"],
    )
    seen = say(
        "The model has seen cats and dogs, one to a photo, and nothing else. What it gets wrong on other pictures, by "
        "eye:"
    )
    limits = "\n".join(f"- {say(limit)}" for limit in known["limits"])
    return f"""# {stage.name}

{opening}

{drawings.figure(stage.name)}

<div class="live" data-stages="{stage.name}"></div>

```python
import zoo

model = zoo.load("{stage.name}")
classes = zoo.predict(model, "photo.jpg")  # (h, w): 0 pet, 1 background, 2 border
```

## {heading("Scores", say("Scores"))}

{about_iou}

{charts.bars(scores, stage.name, lambda name: f"../{name}/")}

{fold("abstract", say("All scores"), scores_of(known), about_scores)}

{say("Of the pixels of each class, so many are called:")}

{charts.confusion(small)}

## {heading("Answers", say("Answers"))}

<!-- answers of {stage.name} -->

## {heading("Training", say("Training"))}

{about_training}

<div class="zoo-plot">{charts.curves(known, others)}</div>

{fold("abstract", say("Recipe"), table(["", say("recipe")], known["recipe"].items()), f"    {known['command']}")}

{fold("abstract", say("Versions"), table([say("package"), say("version")], known["versions"].items()))}

## {heading("Costs", say("Costs"))}

{table(["", say("of a prediction")], costs_of(known))}

## {heading("Download", say("Download"))}

{about_files}

<!-- downloads of {stage.name} -->

## {heading("Limits and licence", say("Limits and licence"))}

{seen}

{limits}

{about_copy}

{licence}
"""


def heading(english, said):
    """The text of a heading, with the anchor that it has in English."""
    return said if said == english else f"{said} {{ #{translation.anchor(english)} }}"


def score_cells(known):
    """The table of all scores on a card: its titles, and its rows."""
    lines = tables.format_scores(known["scores"]).splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return header, rows


def scores_of(known):
    """The table of all scores on a card, in words."""
    header, rows = score_cells(known)
    return tables.format_table([say(title) for title in header], [[say(name), *values] for name, *values in rows])


def costs_of(known):
    """The costs on a card, in words."""
    units = {"milliseconds": say("ms an image"), "peak_megabytes": say("MB an image")}
    return [
        [say(name.replace("_", " ")), f"{value:,.0f} {units.get(name, '')}"]
        for name, value in known["costs"].items()
        if value is not None  # the memory is not measured everywhere
    ]


def table(header, rows):
    """A table of values of any kind."""
    return tables.format_table(header, [list(map(cell, row)) for row in rows])


def cell(value):
    """A number or text for a table."""
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
