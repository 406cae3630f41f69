import re

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

import zoo
from zoo import costs, data, demo, saved
from zoo.data import synthetic_pets


def test_the_demo_scores_and_draws_the_stages(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saved, "cards", lambda: {"bed_of_nails": {}})
    monkeypatch.setattr(demo, "train_a_minute", lambda: None)
    monkeypatch.setattr(data, "default_dataset", lambda: "synthetic_pets")
    monkeypatch.setattr(costs, "milliseconds", lambda model: 12.3)
    demo.main()
    model, pairs = zoo.load("bed_of_nails"), list(synthetic_pets.examples("test").take(3).as_numpy_iterator())
    answers = [zoo.predict(model, image) for image, _ in pairs]
    mean_iou = metrics.jaccard_score(np.ravel([mask for _, mask in pairs]), np.ravel(answers), average="macro")
    row = rf"bed_of_nails\W+{model.count_params():,}\W+{mean_iou:.3f}\W+12 ms"
    assert re.search(row, capsys.readouterr().out)
    assert Image.open(demo.PICTURE).height > 500  # of four photos


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
