import pytest

from zoo import demo
from zoo.data import synthetic_pets


@pytest.mark.slow
def test_the_demo_trains_saves_and_loads(monkeypatch, capsys):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 32, "validation": 4, "test": 4})
    demo.train_a_minute("synthetic_pets")
    assert "the logits of 4 images differ by" in capsys.readouterr().out
