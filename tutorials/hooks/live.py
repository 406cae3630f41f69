"""Puts into the site what the live models need: the runtime, the nine models, examples, and a list of them.

The runtime is `onnxruntime-web`, which `make site` installs with npm. Without it the site is built all the same, and
the list says what is missing.
"""

import gzip
import importlib.metadata
import importlib.util
import json
import shutil
from pathlib import Path

from caches import ROOT, kept
from exports import WRITERS
from mkdocs.structure.files import File

from zoo import quiet

quiet.import_tensorflow()

import insides  # at once: MkDocs forgets the hooks' folder when all are loaded

from zoo.cards import card
from zoo.plots import palette
from zoo.stages import REGISTRY

CACHE = ROOT / ".cache" / "live"
RUNTIME = ROOT / "node_modules" / "onnxruntime-web"
SCRIPT, PROGRAM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"  # that of the CPU alone
SERVED = "ort.js"  # many servers do not know that .mjs is JavaScript, and browsers then refuse it
NEEDED = {"tf2onnx": 'pip install -e ".[site]"', "skimage": "pip install scikit-image"}
DRAWN = (21, 66, 0)  # of the test scenes, as examples: two that the U-Net finds, and one that it does not
QUALITY = 80  # of the examples, which every visitor loads
PACKAGES = ("keras", "tensorflow", "tf2onnx")


def on_files(files, config):
    """Adds `live/` to the site, with `models.json`, the list of what there is."""
    missing = what_is_missing()
    contents = {"missing": missing} if missing else gather()
    for name, path in contents.pop("files", {}).items():
        files.append(File.generated(config, f"live/{name}", abs_src_path=str(path)))
    files.append(File.generated(config, "live/models.json", content=json.dumps(contents)))
    return files


def what_is_missing():
    """What the builder of the site has to install, as a sentence; empty if nothing is missing."""
    if not (RUNTIME / "dist" / PROGRAM).exists():
        return "The runtime of the models is missing. Install npm, and build the site again with: make site"
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return f"The package {absent[0]} is missing. Install it with: {NEEDED[absent[0]]}" if absent else ""


def gather():
    """What `models.json` holds, and under "files" the path of each file that belongs into `live/`."""
    version = json.loads((RUNTIME / "package.json").read_text())["version"]
    script = kept(CACHE / SERVED, [version], lambda path: shutil.copy(RUNTIME / "dist" / SCRIPT, path))
    program = kept(CACHE / f"{PROGRAM}.gz", [version], compress)
    paths = {script.name: script, program.name: program}
    listed = {
        "runtime": {"script": script.name, "program": program.name, "bytes": size(script) + size(program)},
        "colours": palette(64).tolist(),
        "examples": [],
        "stages": [],
    }
    for stage in REGISTRY:
        path = CACHE / f"{stage.name}.onnx"
        model = kept(path, sources(stage), lambda path, name=stage.name: insides.export(name, path))
        paths[model.name] = model
        entry = {"name": stage.name, "file": model.name, "bytes": size(model), "does": stage.does}
        listed["stages"].append(entry)
    drawing = [ROOT / "zoo" / "data" / "synthetic_pets.py", str(QUALITY)]
    examples = {"Chelsea": kept(CACHE / "chelsea.jpg", [str(QUALITY)], write_chelsea)}
    for scene in DRAWN:
        path = CACHE / f"drawn_{scene}.jpg"
        examples[f"drawn pet {len(examples)}"] = kept(path, drawing, lambda path, scene=scene: draw_pet(scene, path))
    for title, example in examples.items():
        paths[example.name] = example
        listed["examples"].append({"file": example.name, "title": title})
    return {**listed, "files": paths}


def sources(stage):
    """All that decides an exported model: its file, by the checksum in its card, our code and the converters."""
    return [card(stage.name)["sha256"], Path(insides.__file__), *WRITERS, *map(importlib.metadata.version, PACKAGES)]


def size(path):
    return path.stat().st_size


def compress(path):
    """The runtime's program, a quarter as large, since not every server compresses."""
    path.write_bytes(gzip.compress((RUNTIME / "dist" / PROGRAM).read_bytes(), mtime=0))


def write_chelsea(path):
    """The photo of a cat that comes with scikit-image (CC0)."""
    from PIL import Image
    from skimage.data import chelsea

    Image.fromarray(chelsea()).save(path, "jpeg", quality=QUALITY)


def draw_pet(number, path):
    """One of the drawn pets."""
    from PIL import Image

    from zoo.data.synthetic_pets import examples

    image, _ = next(examples("test").skip(number).take(1).as_numpy_iterator())
    Image.fromarray(image).save(path, "jpeg", quality=QUALITY)
