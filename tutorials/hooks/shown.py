"""The trained models that have a page of their own: a stage each, and the U-Net that learned for longer."""

from pathlib import Path
from typing import NamedTuple

from zoo.stages import REGISTRY, Stage

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "saved_models"


class Shown(NamedTuple):
    """A trained model with a page.

    Args:
        page: its name, and that of its files on the site.
        title: of the page.
        stage: of `REGISTRY`.
        folder: where the saved model is.
        arguments: with which `zoo.load` loads it.
    """

    page: str
    title: str
    stage: Stage
    folder: Path
    arguments: str

    @property
    def file(self):
        """The saved model."""
        return self.folder / f"{self.stage.name}.keras"


UNET = next(stage for stage in REGISTRY if stage.name == "unet")
SHOWN = [
    *(Shown(stage.name, stage.name, stage, MODELS, f'"{stage.name}"') for stage in REGISTRY),
    Shown("unet_48_epochs", "unet, 48 epochs", UNET, MODELS / "48_epochs", '"unet", "saved_models/48_epochs"'),
]
