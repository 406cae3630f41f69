"""One check for all stages: what goes in and out, unknown sides, refusals, save and load on every backend."""

import itertools
import pathlib
import shutil

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from zoo import STAGES
from zoo.models import build, build_for_training
from zoo.training import precision

ENCODER_DECODERS = STAGES[2:]
SAVED_MODELS = pathlib.Path(__file__).parents[2] / "saved_models"


@pytest.fixture(params=STAGES)
def stage(request):
    return request.param


def test_name_logits_and_size(stage):
    model = build(stage, image_shape=(32, 48, 3), num_classes=5)
    assert model.name == stage
    assert model.input_shape == (None, 32, 48, 3)
    assert model.output_shape == (None, 32, 48, 5)
    assert model.output_names == ["logits"]
    assert not model.compiled
    assert model.count_params() < 1_000_000


def test_sides_may_be_unknown(stage, rng):
    model = build(stage, image_shape=(None, None, 3))
    assert model.output_shape == (None, None, None, 3)
    for shape in [(2, 32, 48), (1, 16, 16)]:
        logits = model(rng.uniform(size=(*shape, 3)).astype("float32"))
        assert logits.shape == (*shape, 3)


def test_logits_stay_float32_in_mixed_precision(stage):
    with precision("mixed_bfloat16"):
        model = build(stage, image_shape=(32, 32, 3))
    assert model.output.dtype == model(np.zeros((1, 32, 32, 3), "float32")).dtype == "float32"
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    ("builder", "stage"), [*((build, stage) for stage in STAGES), (build_for_training, "sliding_window")]
)
def test_is_channels_last_whatever_keras_is_set_to(stage, builder, channels_first, rng):
    model = builder(stage, image_shape=(32, 48, 3))
    images = rng.uniform(size=(1, 32, 48, 3)).astype("float32")
    logits = convert_to_numpy(model(images))
    keras.config.set_image_data_format("channels_last")
    usual = builder(stage, image_shape=(32, 48, 3))
    assert [w.shape for w in model.weights] == [w.shape for w in usual.weights]
    usual.set_weights(model.get_weights())
    np.testing.assert_allclose(logits, convert_to_numpy(usual(images)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("builder", "stage"), [*((build, stage) for stage in STAGES), (build_for_training, "sliding_window")]
)
def test_every_weight_learns(builder, stage, rng):
    """A weight that one step leaves as it was has no part in the logits."""
    model = builder(stage, image_shape=(32, 32, 3))
    before = model.get_weights()
    train_once(model, rng)
    for weight, value in zip(model.weights, before, strict=True):
        assert (convert_to_numpy(weight) != value).any(), weight.path


def test_unet_parameters_by_hand():
    """3x3 convolutions without bias, 4 numbers of batch normalisation a channel; 2x2 upwards and 1x1 with bias."""
    f = (16, 32, 64, 96, 128)

    def double(inputs, outputs):
        return 9 * inputs * outputs + 9 * outputs * outputs + 2 * 4 * outputs

    down = sum(double(a, b) for a, b in zip((3, *f), f, strict=False))
    up = sum(4 * b * a + a + double(2 * a, a) for a, b in itertools.pairwise(f))  # 2 * a: joined with features
    assert build("unet").count_params() == down + up + 16 * 3 + 3


def test_a_block_may_be_as_large_as_the_window():
    assert build("sliding_window", image_shape=(64, 64, 3), stride=32).output_shape == (None, 64, 64, 3)


@pytest.mark.parametrize("stage", ENCODER_DECODERS)
def test_a_way_down_has_one_level_at_least(stage):
    with pytest.raises(ValueError, match=r"`filters` must name at least one level\. Received: filters=\(\)"):
        build(stage, filters=())


def test_filters_are_one_number_a_level():
    model = build("unet", image_shape=(None, None, 1), filters=(2, 3, 5), num_classes=2)
    convolutions = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    transposed = [layer.filters for layer in model.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert convolutions == [2, 2, 3, 3, 5, 5, 3, 3, 2, 2, 2]  # two a level, down and up; the last makes 2 classes
    assert transposed == [3, 2]


@pytest.mark.parametrize("image_shape", [(40, 32, 3), (32, 40, 3), (None, 8, 3)])
@pytest.mark.parametrize("name", ENCODER_DECODERS)
def test_refuses_sides_that_levels_cannot_halve(name, image_shape):
    """Five levels halve the sides four times: 2 ** 4 = 16."""
    with pytest.raises(ValueError, match="`image_shape` needs a height and a width that are multiples of 16"):
        build(name, image_shape=image_shape)


def test_sliding_window_refuses_sides_that_stride_does_not_divide():
    with pytest.raises(ValueError, match=r"multiples of \(4, 4\)"):
        build("sliding_window", image_shape=(32, 34, 3))


def test_fully_convolutional_takes_any_size():
    assert build("fully_convolutional", image_shape=(31, 17, 3)).output_shape == (None, 31, 17, 3)


def test_unknown_stage_names_the_nearest():
    with pytest.raises(ValueError, match=r"Did you mean 'unet'\? Received: stage='unett'"):
        build("unett")


def train_once(model, rng):
    """One step on noise, so that no weight and no moving statistic is what it was when built."""
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.train_on_batch(rng.uniform(size=(2, 32, 32, 3)), rng.integers(0, 3, (2, 32, 32)))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """All stages, saved after a step of training, and a model that is published: the folder, and {name: logits}."""
    folder, rng = tmp_path_factory.mktemp("saved"), np.random.default_rng(0)
    images = rng.uniform(size=(1, 32, 32, 3)).astype("float32")
    logits = {}
    for stage in STAGES:
        model = build(stage, image_shape=(None, None, 3), filters=(8, 8, 8))  # JAX compiles for every new shape
        train_once(model, rng)
        model.save(folder / f"{stage}.keras")
        np.savez(folder / f"{stage}.keras.inputs.npz", images)
        logits[stage] = convert_to_numpy(model(images, training=False))
    images = rng.uniform(size=(1, 128, 128, 3)).astype("float32")
    published = shutil.copy(SAVED_MODELS / "index_unpooling.keras", folder / "published.keras")
    np.savez(folder / "published.keras.inputs.npz", images)
    logits["published"] = keras.saving.load_model(published).predict_on_batch(images)
    return folder, logits


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_saved_models_open_in_a_fresh_process(backend, saved, predict_in_fresh_process):
    pytest.importorskip(backend)
    folder, logits = saved
    predicted = predict_in_fresh_process(backend, folder)
    assert predicted.keys() == logits.keys()
    for stage, (outputs,) in predicted.items():
        scale = logits[stage].std(axis=(0, 1, 2)).max()  # over the image; small, after one step
        assert scale > 0
        np.testing.assert_allclose(outputs, logits[stage], atol=min(1e-4, 0.01 * scale), err_msg=stage)
