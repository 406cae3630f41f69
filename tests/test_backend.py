import json
import os
from pathlib import Path

import pytest

from zoo import backend


@pytest.mark.parametrize(
    ("variable", "settings", "expected"),
    [
        (None, None, "tensorflow"),
        (None, {"backend": "jax"}, "jax"),
        ("torch", {"backend": "jax"}, "torch"),
        ("", {"backend": "jax"}, "jax"),
        (None, {}, "tensorflow"),
    ],
)
def test_the_backend_is_the_one_that_keras_takes(variable, settings, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND")
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if settings is not None:
        (tmp_path / "keras.json").write_text(json.dumps(settings))
    assert backend.chosen() == expected


def test_settings_lie_in_tmp_where_nobody_may_write_at_home(monkeypatch):
    """As in `keras.src.backend.config`, and in many containers."""
    asked = []
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setattr(os, "access", lambda path, mode: path != os.path.expanduser("~"))
    monkeypatch.setattr(backend, "Path", lambda *parts: asked.append(parts) or Path("nowhere"))
    backend.chosen()
    assert asked == [("/tmp/.keras", "keras.json")]


@pytest.mark.parametrize(
    "settings",
    [[], {"floatx": "float128"}, {"floatx": 7}, {"image_data_format": "x"}, {"epsilon": "x"}, {"floatx": []}],
)
def test_settings_that_would_end_keras_in_a_traceback_get_one_line(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"keras\.json must .*Received: "):
        backend.check()


def test_a_file_that_holds_no_settings_gets_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"keras\.json must hold a JSON object\. Received: too many brackets"):
        backend.check()
    (tmp_path / "keras.json").unlink()
    os.mkfifo(tmp_path / "keras.json")
    with pytest.raises(ValueError, match=r"keras\.json must be a file"):
        backend.check()


@pytest.mark.parametrize("backend", ["nonsense", "numpy"])
def test_an_unknown_backend_gets_one_line(backend, run_zoo, tmp_path):
    result = run_zoo("evaluate", "unet", KERAS_BACKEND=backend)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert f"KERAS_BACKEND must be one of tensorflow, jax, torch. Received: '{backend}'" in result.stderr
    (tmp_path / "keras.json").write_text(json.dumps({"backend": backend}))
    result = run_zoo("evaluate", "unet", KERAS_BACKEND="", KERAS_HOME=str(tmp_path))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "keras.json must be one of" in result.stderr


def test_a_backend_that_is_not_installed_gets_one_line(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="jax, which is not installed"):
        backend.check()
