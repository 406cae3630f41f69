import re

import pytest
from keras import layers

from zoo.models.encoder_decoder import encoder_decoder
from zoo.models.unet import build_unet


def test_each_memory_returns_to_its_own_level():
    """What the last way down remembers, the first way up gets: `down` and `up` here only take notes."""
    notes = []

    def down(x, filters):
        notes.append(("down", x.shape[1], filters))
        return layers.AveragePooling2D(2)(x), ("memory of", x.shape[1], filters)

    def up(x, memory, filters):
        x = layers.UpSampling2D(2)(x)
        assert memory == ("memory of", x.shape[1], filters)
        notes.append(("up", x.shape[1], filters))
        return x

    model = encoder_decoder(down, up, (16, 16, 1), num_classes=2, filters=(3, 5, 7, 9), name="notes")
    assert notes == [("down", 16, 3), ("down", 8, 5), ("down", 4, 7), ("up", 4, 7), ("up", 8, 5), ("up", 16, 3)]
    assert model.output_shape == (None, 16, 16, 2)


@pytest.mark.parametrize(
    ("shape", "nearest"), [((100, 108, 3), (96, 112, 3)), ((None, 5, 3), (None, 16, 3)), ((16, 24, 1), (16, 32, 1))]
)
def test_a_size_that_cannot_be_halved_so_often_names_the_nearest_that_can(shape, nearest):
    with pytest.raises(
        ValueError, match=rf"nearest is {re.escape(str(nearest))}\. Received: .*{re.escape(str(shape))}"
    ):
        build_unet(shape)
    assert build_unet(nearest).input_shape == (None, *nearest)
