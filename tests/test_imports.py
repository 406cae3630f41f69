"""The rooms of the package: imports run one way, and no file is long."""

import ast
import graphlib
import importlib
import inspect
import os
import pathlib
import subprocess
import sys

import pytest

import zoo

ROOT = pathlib.Path(__file__).parents[1]


def files():
    """The files of the package, by the names of their modules."""
    found = {}
    for path in sorted((ROOT / "zoo").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(module, path, modules):
    """The modules of the package that a module imports as it is loaded, and not only in a function."""
    pending, found = list(ast.parse(path.read_text()).body), set()
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            inner = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in modules else node.module for name in inner}
    found |= {name.rpartition(".")[0] for name in found}  # whoever imports a module loads its package
    own = {module, *(module.rsplit(".", depth)[0] for depth in range(1, 4))}
    return found & modules.keys() - own - {"zoo"}  # which imports lazily


def test_there_is_no_circle():
    modules = files()
    graph = {module: imported(module, path, modules) for module, path in modules.items()}
    assert graph["zoo.models.unet"] == {"zoo.models.blocks", "zoo.models.encoder_decoder"}
    for package in ("zoo.benchmark", "zoo.commands", "zoo.data", "zoo.layers", "zoo.models"):
        assert modules[package].name == "__init__.py"
    graphlib.TopologicalSorter(graph).prepare()  # raises a CycleError that names the circle


# From the ground up: what a room may know besides itself.
ROOMS = {
    "zoo.layers": set(),
    "zoo.data": {"zoo.backend", "zoo.errors", "zoo.quiet"},
    "zoo.cards": {"zoo.errors", "zoo.files", "zoo.stages"},
    "zoo.models": {"zoo.layers", "zoo.stages"},
    "zoo.training": {"zoo.cards", "zoo.data", "zoo.errors", "zoo.evaluation", "zoo.files", "zoo.prediction"}
    | {"zoo.stages"},
    "zoo.commands.arguments": {"zoo.files"},
    "zoo.commands.parser": {"zoo.commands", "zoo.errors", "zoo.stages"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room):
    modules = files()
    known = set()
    for module, path in modules.items():
        if f"{module}.".startswith(f"{room}."):
            known |= imported(module, path, modules)
    rooms = {".".join(name.split(".")[:2]) for name in known if not f"{name}.".startswith(f"{room}.")}
    assert rooms <= ROOMS[room]


def test_no_file_is_long():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files().values()}
    assert not {path for path, count in lines.items() if count > 200}


def public_functions():
    """All that stand in the modules that `zoo` names, or in the files below one, and the builders of the stages."""
    for module in filter(inspect.ismodule, (getattr(zoo, name) for name in zoo.__all__)):
        for _, function in inspect.getmembers(module, inspect.isfunction):
            if f"{function.__module__}.".startswith(f"{module.__name__}."):
                yield function
    for stage in zoo.STAGES:
        yield getattr(importlib.import_module(f"zoo.models.{stage}"), f"build_{stage}")


def test_the_public_functions_are_typed():
    functions, untyped = set(public_functions()), {}
    assert {zoo.build, zoo.load, zoo.predict, zoo.train, zoo.data.load, zoo.layers.offsets_from_pytorch} <= functions
    for function in functions:
        signature = inspect.signature(function)
        types = {name: parameter.annotation for name, parameter in signature.parameters.items()}
        types["return"] = signature.return_annotation
        if missing := [name for name, kind in types.items() if kind is signature.empty]:
            untyped[f"{function.__module__}.{function.__name__}"] = missing
    assert not untyped
    assert (ROOT / "zoo" / "py.typed").exists()


def test_the_version_comes_from_the_installed_package_and_only_when_it_is_asked_for():
    code = "import sys, zoo; print('importlib.metadata' in sys.modules, zoo.__version__)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", zoo.__version__]
    assert zoo.__version__[0].isdecimal()
