"""Makes a page of each saved model from its card, `saved_models/<stage>.json`."""

import json
from pathlib import Path

from mkdocs.structure.files import File

from zoo import tables

CARDS = Path(__file__).parents[2] / "saved_models"
PAGES = {
    "sliding_window": "02_sliding_window",
    "fully_convolutional": "03_fully_convolutional",
    "nearest_unpooling": "05_nearest_and_nails",
    "bed_of_nails": "05_nearest_and_nails",
    "index_unpooling": "06_max_unpooling",
    "max_unpooling": "06_max_unpooling",
    "transposed_convolution": "07_transposed_convolution",
    "strided_convolution": "04_downwards",
    "unet": "08_unet",
}
UNITS = {"milliseconds": "ms an image", "peak_megabytes": "MB an image"}


def on_files(files, config):
    """Adds the page of each stage, and of the U-Net that learned for longer."""
    for stage in PAGES:
        card = json.loads((CARDS / f"{stage}.json").read_text())
        files.append(File.generated(config, f"models/{stage}.md", content=describe(stage, card, f'"{stage}"')))
    card = json.loads((CARDS / "48_epochs" / "unet.json").read_text())
    content = describe("unet, 48 epochs", card, '"unet", "saved_models/48_epochs"')
    files.append(File.generated(config, "models/unet_48_epochs.md", content=content))
    return files


def describe(title, card, arguments):
    """The page of a saved model that `zoo.load` loads with these arguments, in Markdown."""
    small = card["scores"]["at_network_size"]
    confusion = [[f"**{name}**", *row] for name, row in zip(small["iou"], small["confusion"], strict=True)]
    costs = [[name.replace("_", " "), f"{value:,.0f} {UNITS.get(name, '')}"] for name, value in card["costs"].items()]
    test = card["dataset"]["test"]
    measured = [name for name in card["history"][0] if name != "seconds"]
    history = [
        [epoch, *(state[name] for name in measured), f"{state['seconds']:.0f}"]
        for epoch, state in enumerate(card["history"], start=1)
    ]
    limits = "\n".join(f"- {limit}" for limit in card["limits"])
    stage = card["stage"]
    return f"""# {title}

A trained model of the stage that [this page explains](../{PAGES[stage]}.md#the-stage-{stage}).

```python
import zoo

model = zoo.load({arguments})
classes = zoo.predict(model, "photo.jpg")  # (h, w): 0 pet, 1 background, 2 border
```

## Scores

On the {test["examples"]:,} test images of `{card["dataset"]["name"]}`. At the network's size masks were squeezed, at
the photo's size answers were enlarged. The other columns are at the network's size: for cats and dogs alone, and for
the mean of the answers to a photo and to its mirror image.

{tables.format_scores(card["scores"])}

Pixels by truth (rows) and prediction (columns), at the network's size:

{table(["truth", *small["iou"]], confusion)}

## Costs

{table(["", "of a prediction"], costs)}

## Training

{table(["", "recipe"], card["recipe"].items())}

{table(["epoch", *measured, "seconds"], history)}

{card["training_seconds"] / 60:.0f} minutes on {card["machine"]}, by

    {card["command"]}

{table(["package", "version"], card["versions"].items())}

## Limits and licence

The model has seen cats and dogs, one to a photo, and nothing else. What it gets wrong on other pictures, by eye:

{limits}

The scores hold for this copy of the data set alone, whose names and masks have the SHA-256 `{test["sha256"][:16]}...`.

The weights are licensed {card["licence"]}, as the data set (Parkhi et al., *Cats and Dogs*, 2012). The SHA-256 of
the file begins with `{card["sha256"][:16]}`.
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
