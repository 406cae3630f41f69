"""What each model says of test photos: its best, its middle and its worst answer, where photos are on the machine.

The pictures are made once a model, kept in `.cache/`, and never committed.
"""

import functools
import json
from pathlib import Path

import numpy as np
from caches import ROOT, kept
from exports import MODELS
from mkdocs.structure.files import File
from pages import PHOTOS, list_photos
from PIL import Image
from translation import say

from zoo import quiet

quiet.import_tensorflow()

from zoo import data
from zoo.data import CLASSES
from zoo.evaluation import class_ious, confusion_matrix
from zoo.plots import overlay
from zoo.prediction import enlarge, predict_logits
from zoo.saved import load_any
from zoo.stages import REGISTRY

CACHE = ROOT / ".cache" / "answers"
COUNT = 100  # photos of the test split that are looked at
PLACES = {"best": 1, "middle": 0.5, "worst": 0}  # in the order of their IoU, from the lowest, 0, to the highest, 1
GAP = 8  # pixels between photo, truth and answer


def on_files(files, config):
    """Adds the pictures of all models."""
    for stage in REGISTRY if PHOTOS.exists() else ():
        for place in pictures(stage):
            path = str(folder_of(stage) / f"{place}.webp")
            files.append(File.generated(config, f"models/answers/{stage.name}_{place}.webp", abs_src_path=path))
    return files


def on_page_markdown(markdown, page, config, files):
    """Replaces what stands for the answers of a model."""
    for stage in REGISTRY:
        mark = f"<!-- answers of {stage.name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, gallery(stage) if PHOTOS.exists() else without())
    return markdown


def without():
    """What stands in place of the pictures."""
    return say(
        "The best, the middle and the worst answer stand here where photos are on the machine that builds the pages."
    )


def gallery(stage):
    """The three pictures side by side, with their IoU."""
    names = {"best": say("best"), "middle": say("middle"), "worst": say("worst")}
    figures = [
        f'<figure markdown="span">![{say("A photo, its truth and the answer, of IoU {iou:.3f}", iou=iou)}]'
        f"(answers/{stage.name}_{place}.webp)<figcaption>{names[place]}: IoU {iou:.3f}</figcaption></figure>"
        for place, iou in pictures(stage).items()
    ]
    says = say(
        "Photo, truth and answer. Of the first {count} test photos, without those whose truth lacks a class, by the "
        "mean of the classes' IoU.",
        count=COUNT,
    )
    keys = " ".join(f'<span class="zoo-key zoo-{name}">{say(name)}</span>' for name in ("pet", "border", "background"))
    return f"{says} {keys}" + '\n\n<div class="zoo-answers" markdown>\n\n' + "\n\n".join(figures) + "\n\n</div>"


def pictures(stage):
    """The IoU of the three photos of a model, by place; their pictures are in its folder."""
    return json.loads((folder_of(stage) / "iou.json").read_text())


@functools.cache
def folder_of(stage):
    """Where the pictures of a model and their IoU are kept."""
    code = [Path(__file__), *(ROOT / "zoo" / f"{name}.py" for name in ("evaluation", "plots", "prediction"))]
    code += sorted((ROOT / "zoo" / "data").glob("*.py"))

    def make(folder):
        folder.mkdir()
        found = judge(stage)
        for place, (_, picture) in found.items():
            Image.fromarray(picture).save(folder / f"{place}.webp", quality=85)
        (folder / "iou.json").write_text(json.dumps({place: iou for place, (iou, _) in found.items()}))

    return kept(CACHE / stage.name, [MODELS / f"{stage.name}.keras", *code, list_photos()], make)


def judge(stage):
    """The IoU and the picture of the photos at `PLACES`."""
    photos, answers, found = load_photos(), [], {}
    model = load_any(str(MODELS / f"{stage.name}.keras"))
    for first in range(0, len(photos), 20):
        batch = photos[first : first + 20]
        logits = predict_logits(model, [photo for photo, _ in batch])
        answers += [enlarge(few, truth.shape) for few, (_, truth) in zip(logits, batch, strict=True)]
    ious = {
        number: float(np.mean(class_ious(confusion_matrix(truth, answer, len(CLASSES)))))
        for number, ((_, truth), answer) in enumerate(zip(photos, answers, strict=True))
        if len(np.unique(truth)) == len(CLASSES)
    }
    ranked = sorted(ious, key=ious.get)
    for place, share in PLACES.items():
        number = ranked[round(share * (len(ranked) - 1))]
        photo, truth = photos[number]
        found[place] = ious[number], side_by_side([photo, overlay(photo, truth), overlay(photo, answers[number])])
    return found


def side_by_side(panels):
    """Pictures (h, w, 3) in one, (h, width, 4), with transparent gaps."""
    opaque = [np.pad(panel, ((0, 0), (0, 0), (0, 1)), constant_values=255) for panel in panels]
    return np.hstack([np.pad(panel, ((0, 0), (0, GAP), (0, 0))) for panel in opaque])[:, :-GAP]


@functools.cache
def load_photos():
    """The first test photos, with their masks."""
    return list(data.examples("oxford_iiit_pet", "test").take(COUNT).as_numpy_iterator())
