import re

import pytest
from PIL import Image

from zoo import demo
from zoo.data import synthetic_pets


@pytest.mark.slow
def test_the_demo_learns_saves_loads_and_draws(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 1500, "validation": 50, "test": 5})  # half a minute
    demo.train_a_minute()
    printed = capsys.readouterr().out
    assert "the logits of 5 images differ by" in printed
    score = float(re.search(r"mean IoU on the validation split is (\S+)\. ", printed)[1])
    assert score > 0.4  # a model that answers background everywhere has 0.2
    assert Image.open(demo.LEARNED).height > 500
