import re

import pytest
from PIL import Image

from zoo import demo
from zoo.data import synthetic_pets


@pytest.mark.slow
def test_the_demo_trains_saves_loads_and_draws(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 32, "validation": 4, "test": 4})
    demo.train_a_minute("synthetic_pets")
    assert "the logits of 4 images differ by" in capsys.readouterr().out
    assert Image.open(demo.LEARNED).height > 500


@pytest.mark.slow
def test_the_demo_learns_in_its_minute(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    demo.train_a_minute("synthetic_pets")
    score = float(re.search(r"mean IoU on the validation split is (\S+)\. ", capsys.readouterr().out)[1])
    assert score > 0.6
