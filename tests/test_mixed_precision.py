"""The stages in sixteen bits: training, and what the saved models say."""

import keras
import numpy as np
import pytest

import zoo
from zoo import data, evaluation, models, training

# Stages whose layers differ, in bfloat16; in float16, which needs the same code, one more.
CASES = [("max_unpooling", "mixed_float16")]
CASES += [
    pytest.param(stage, "mixed_bfloat16", marks=pytest.mark.slow)
    for stage in ("sliding_window", "index_unpooling", "unet")
]


@pytest.mark.parametrize(("stage", "precision"), CASES)
def test_a_stage_trains(stage, precision, rng):
    with training.precision(precision):
        model = models.build_for_training(stage, image_shape=(32, 32, 3), filters=(4, 8, 8))
    training.compile_model(model, keras.optimizers.AdamW(3e-3), training.Recipe("synthetic_pets"))
    images = rng.random((4, 32, 32, 3), "float32")
    masks = (images[..., 0] > 0.5).astype("int32")
    losses = [model.train_on_batch(images, masks) for _ in range(12)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    offsets = [layer.output[1].dtype for layer in model.layers if layer.__class__.__name__ == "MaxPoolingWithOffsets2D"]
    assert offsets == (["uint8"] * 2 if stage in ("index_unpooling", "max_unpooling") else [])


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "precision"), CASES)
def test_scores_stay(stage, precision, photos):
    exact = models.build_for_training(stage)
    with training.precision(precision):
        rounded = models.build_for_training(stage)
    for model in (exact, rounded):
        model.set_weights(zoo.load(stage).get_weights())
    scores = []
    for model in (exact, rounded):
        confusion = 0
        for images, masks in data.load("oxford_iiit_pet", "test").take(4):
            classes = model.predict_on_batch(images.numpy()).argmax(-1)
            confusion = confusion + evaluation.confusion_matrix(masks, classes, 3)
        scores.append(evaluation.class_ious(confusion).mean())
    assert scores[1] == pytest.approx(scores[0], abs=0.005)
