"""The files of the trained models that the site hands out: as Keras keeps them, and exported for other runtimes."""

import contextlib
import importlib.metadata
import importlib.util

from caches import ROOT, kept
from mkdocs.structure.files import File
from translation import say

from zoo.cards import class_names
from zoo.files import checksum
from zoo.stages import REGISTRY

MODELS = ROOT / "saved_models"
CACHE = ROOT / ".cache" / "exports"
WRITERS = [ROOT / "zoo" / name for name in ("exporting.py", "formats.py", "resizing.py")]
WRITERS += sorted((ROOT / "zoo" / "layers").glob("*.py"))
ENDINGS = {"onnx": ".onnx", "litert": ".tflite"}
NEEDED = {"onnx": ("tf2onnx", "onnx"), "litert": ("tensorflow",)}  # packages, by format

# What opens each file; {name} stands for it. `images` are floats (1, 128, 128, 3) in [0, 1].
CODE = {
    ".keras": """import keras, zoo.layers
model = keras.saving.load_model("{name}")
logits = model(images)""",
    ".onnx": """import onnxruntime
session = onnxruntime.InferenceSession("{name}")
(logits,) = session.run(["logits"], {{"image": images}})""",
    ".tflite": """from ai_edge_litert.interpreter import Interpreter
run = Interpreter("{name}").get_signature_runner()
logits = run(image=images)["logits"]""",
}
TITLES = {".keras": "Keras", ".onnx": "ONNX Runtime", ".tflite": "LiteRT"}


class MissingExtraError(Exception):
    """A package of the extra `export` is not installed."""


def exported(stage, format):
    """The file of a trained model in another format: from the cache, or written now, which takes seconds.

    Args:
        stage: one of `zoo.STAGES`.
        format: "onnx" or "litert".

    Returns:
        A path; `None` if a package for the format (extra `export`) is not installed.
    """
    source = MODELS / f"{stage}.keras"
    sources = [source, *WRITERS]
    for package in ("keras", *NEEDED[format]):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            sources.append(importlib.metadata.version(package))

    def make(path):
        if not all(importlib.util.find_spec(package) for package in NEEDED[format]):
            raise MissingExtraError
        from zoo import quiet  # TensorFlow takes seconds, and the cache needs none

        quiet.import_tensorflow()
        from zoo.exporting import export
        from zoo.saved import load_any

        export(load_any(str(source)), path.parent, format, name=path.stem, classes=class_names(str(source)))

    try:
        return kept(CACHE / f"{stage}{ENDINGS[format]}", sources, make)
    except MissingExtraError:
        return None


def files_of(stage):
    """The files of a model that has a page: a dictionary from an ending to a path, or to `None`."""
    others = {ending: exported(stage.name, format) for format, ending in ENDINGS.items()}
    return {".keras": MODELS / f"{stage.name}.keras", **others}


def on_files(files, config):
    """Adds the files of all models, and their cards, beside their pages."""
    for stage in REGISTRY:
        for ending, path in {**files_of(stage), ".json": MODELS / f"{stage.name}.json"}.items():
            if path:
                files.append(File.generated(config, f"models/{stage.name}{ending}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Replaces what stands for the files of a model."""
    for stage in REGISTRY:
        mark = f"<!-- downloads of {stage.name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, "\n\n".join(offer(stage, *file) for file in files_of(stage).items()))
    return markdown


def offer(stage, ending, path):
    """A file with its size, its checksum and the code that opens it."""
    if path is None:
        return say(
            "**{title}**: not made, since the extra `export` was not installed where these pages were built.",
            title=TITLES[ending],
        )
    name = f"{stage.name}{ending}"
    code = CODE[ending].format(name=name)
    return (
        f"**{TITLES[ending]}**: [{name}]({name}), {path.stat().st_size / 1e6:.1f} MB\n\n```python\n{code}\n```\n\n"
        f'<p class="zoo-checksum">SHA-256 <code>{checksum(path)}</code></p>'
    )
