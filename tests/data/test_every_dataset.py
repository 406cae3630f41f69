"""One check for all data sets: what `zoo.data.Dataset` asks of each."""

import types

import numpy as np
import pytest

from zoo import data
from zoo.commands import arguments, datasets
from zoo.data import prepared


@pytest.mark.parametrize("name", data.DATASETS)
def test_a_data_set_keeps_its_promises(name):
    if name == "oxford_iiit_pet" and not prepared.is_prepared():
        pytest.skip("Oxford-IIIT Pet is not on this machine (TFDS_DATA_DIR)")
    dataset = data.find(name)
    assert dataset.name == name
    assert dataset.background is not None or dataset.ignored is not None
    counts = {split: len(dataset.examples(split)) for split in data.SPLITS}
    assert counts["train+validation"] == counts["train"] + counts["validation"]
    for split, count in counts.items():
        image, mask = next(dataset.examples(split).take(1).as_numpy_iterator())
        assert (image.dtype, mask.dtype) == ("uint8", "int32")
        assert image.shape == (*mask.shape, 3)
        assert set(np.unique(mask)) <= {*range(len(dataset.classes)), dataset.ignored}
        assert dataset.describe(split)["examples"] == count


def test_the_first_two_are_the_defaults():
    assert tuple(data.DATASETS)[:2] == arguments.DATASETS[:2] == ("oxford_iiit_pet", "synthetic_pets")


@pytest.mark.parametrize(
    ("learned", "taken"),
    [
        ("synthetic_pets", "synthetic_pets"),
        ("stripes", "stripes"),
        ("oxford_iiit_pet", None),
        ("gone", None),
        (3, None),
    ],
)
def test_a_model_is_scored_on_what_it_has_learned_where_that_is_here(learned, taken, monkeypatch):
    monkeypatch.setattr(data, "DATASETS", {**dict.fromkeys(data.DATASETS), "stripes": None})
    monkeypatch.setattr(data, "default_dataset", lambda: "what is here")
    chosen = datasets.choose(types.SimpleNamespace(dataset=None), {"recipe": {"dataset": learned}})
    assert chosen == (taken or "what is here")
