"""What the site tells of each stage: its place in the navigation, in tables, and a page from its saved model's card."""

from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from zoo import tables
from zoo.cards import card
from zoo.stages import REGISTRY

MODELS = Path(__file__).parents[2] / "saved_models"
UNITS = {"milliseconds": "ms an image", "peak_megabytes": "MB an image"}


def on_config(config):
    """Puts the page of each stage into the navigation, before what stands under "Models" in mkdocs.yml."""
    pages = next(entry["Models"] for entry in config.nav if "Models" in entry)
    pages[:0] = [f"models/{stage.name}.md" for stage in REGISTRY]
    return config


def on_files(files, config):
    """Adds the page of each stage, and of the U-Net that learned for longer."""
    texts = {stage.name: model_page(stage, stage.name, MODELS, f'"{stage.name}"') for stage in REGISTRY}
    unet = next(stage for stage in REGISTRY if stage.name == "unet")
    arguments = '"unet", "saved_models/48_epochs"'
    texts["unet_48_epochs"] = model_page(unet, "unet, 48 epochs", MODELS / "48_epochs", arguments)
    for name, text in texts.items():
        files.append(File.generated(config, f"models/{name}.md", content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Replaces what stands for all stages."""
    rows = [f"| [{stage.name}]({stage.link}) | {stage.does} | {stage.fault} |" for stage in REGISTRY]
    table = "\n".join(["| stage | what it does | its fault |", "| --- | --- | --- |", *rows])
    builders = "\n\n".join(f"::: zoo.models.{stage.name}" for stage in REGISTRY)
    return markdown.replace("<!-- table of stages -->", table).replace("<!-- builders of stages -->", builders)


def model_page(stage, title, folder, arguments):
    """The page of a saved model, in Markdown.

    Args:
        stage: of `REGISTRY`.
        title: of the page.
        folder: where the model's card is.
        arguments: with which `zoo.load` loads it.

    Raises:
        PluginError: if there is no card, or it does not say what the model gets wrong.
    """
    try:
        known = card(stage.name, folder)
    except (OSError, ValueError) as error:
        raise PluginError(str(error)) from None
    if not known.get("limits"):
        raise PluginError(f"`limits` in {folder / stage.name}.json must say what the model gets wrong, in sentences.")
    small = known["scores"]["at_network_size"]
    confusion = [[f"**{name}**", *row] for name, row in zip(small["iou"], small["confusion"], strict=True)]
    costs = [[name.replace("_", " "), f"{value:,.0f} {UNITS.get(name, '')}"] for name, value in known["costs"].items()]
    test = known["dataset"]["test"]
    measured = [name for name in known["history"][0] if name != "seconds"]
    history = [
        [epoch, *(state[name] for name in measured), f"{state['seconds']:.0f}"]
        for epoch, state in enumerate(known["history"], start=1)
    ]
    limits = "\n".join(f"- {limit}" for limit in known["limits"])
    return f"""# {title}

A trained model of the stage `{stage.name}`, which {stage.does}. [Its page](../{stage.link}) explains it.

```python
import zoo

model = zoo.load({arguments})
classes = zoo.predict(model, "photo.jpg")  # (h, w): 0 pet, 1 background, 2 border
```

## Scores

On the {test["examples"]:,} test images of `{known["dataset"]["name"]}`. At the network's size masks were squeezed, at
the photo's size answers were enlarged. The other columns are at the network's size: for cats and dogs alone, and for
the mean of the answers to a photo and to its mirror image.

{tables.format_scores(known["scores"])}

Pixels by truth (rows) and prediction (columns), at the network's size:

{table(["truth", *small["iou"]], confusion)}

## Costs

{table(["", "of a prediction"], costs)}

## Training

{table(["", "recipe"], known["recipe"].items())}

{table(["epoch", *measured, "seconds"], history)}

{known["training_seconds"] / 60:.0f} minutes on {known["machine"]}, by

    {known["command"]}

{table(["package", "version"], known["versions"].items())}

## Limits and licence

The model has seen cats and dogs, one to a photo, and nothing else. What it gets wrong on other pictures, by eye:

{limits}

The scores hold for this copy of the data set alone, whose names and masks have the SHA-256 `{test["sha256"][:16]}...`.

The weights are licensed {known["licence"]}, as the data set (Parkhi et al., *Cats and Dogs*, 2012). The SHA-256 of
the file begins with `{known["sha256"][:16]}`.
"""


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
