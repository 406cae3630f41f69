import numpy as np
import pytest

from zoo.training import cross_entropy_and_dice, median_frequency_weights, offsets_against

WEIGHTS = [0.5, 2.0, 1.0, 3.0]


def expected(masks, logits, dice_weight, ignored, weights):
    """PyTorch's cross-entropy, and Dice from its definition, over the pixels that count."""
    torch = pytest.importorskip("torch")
    y, t = torch.tensor(logits).permute(0, 3, 1, 2), torch.tensor(masks)
    weights = None if weights is None else torch.tensor(weights)
    cross_entropy = torch.nn.functional.cross_entropy(y, t, weights, ignore_index=-1 if ignored is None else ignored)
    counted = t != ignored if ignored is not None else torch.ones_like(t, dtype=bool)
    shares = y.softmax(1).permute(1, 0, 2, 3)[:, counted]  # (classes, pixels)
    truth = torch.stack([t[counted] == k for k in range(len(shares))]).float()
    dice = 2 * (shares * truth).sum(1) / (shares.sum(1) + truth.sum(1))
    return float(cross_entropy + dice_weight * (1 - dice.mean()))


@pytest.mark.parametrize("ignored", [None, 255])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_ignored_pixels_and_weights_of_classes(rng, ignored, weights):
    logits, masks = rng.normal(size=(2, 5, 6, 4)).astype("float32"), rng.integers(0, 4, (2, 5, 6))
    if ignored:
        masks[rng.uniform(size=masks.shape) < 0.3] = ignored
    loss = cross_entropy_and_dice(0.7, ignored, weights)
    assert float(loss(masks, logits)) == pytest.approx(expected(masks, logits, 0.7, ignored, weights), rel=1e-5)


def test_a_single_logit_is_for_class_1_against_class_0(rng):
    logits, masks = rng.normal(size=(2, 5, 6, 1)).astype("float32"), rng.integers(0, 2, (2, 5, 6))
    found = float(cross_entropy_and_dice(0.0)(masks, logits))
    torch = pytest.importorskip("torch")
    theirs = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.tensor(logits[..., 0]), torch.tensor(masks).float()
    )
    assert found == pytest.approx(float(theirs), rel=1e-5)


def test_a_picture_without_any_pixel_that_counts(rng):
    loss = cross_entropy_and_dice(0.0, 255)
    assert float(loss(np.full((1, 4, 4), 255), rng.normal(size=(1, 4, 4, 3)).astype("float32"))) == 0


def test_median_frequency_weights():
    # Frequencies 0.1, 0.3 and 0.6: the median 0.3 over each. The class that never comes takes no part.
    np.testing.assert_allclose(median_frequency_weights([10, 30, 0, 60]), [3, 1, 0, 0.5], rtol=1e-6)


def test_offsets_are_of_the_loss_alone(rng):
    logits, masks = rng.normal(size=(2, 5, 6, 3)).astype("float32"), rng.integers(0, 3, (2, 5, 6))
    weights, offsets = [2.0, 0.5, 0.0], [1.0, -0.5, 0.25]
    found = float(cross_entropy_and_dice(0.7, 255, weights, offsets)(masks, logits))
    assert found == pytest.approx(expected(masks, logits + np.float32(offsets), 0.7, 255, weights), rel=1e-5)


def test_offsets_take_back_three_quarters_of_what_the_weights_add():
    # A network that cannot tell the classes, of which 9 of 10 pixels are the first, does best with the logarithms of
    # the shares times the weights: here 0.9 * 1 and 0.1 * 9, so that both classes are as likely. Offsets leave a
    # quarter of the weight's logarithm.
    masks, weights = np.array([[0] * 9 + [1]]), [1.0, 9.0]
    for offsets, best in ((None, 0.0), (offsets_against(weights), np.log(0.1 / 0.9) + np.log(9) / 4)):
        loss = cross_entropy_and_dice(0.0, None, weights, offsets)
        around = [float(loss(masks, np.tile(np.float32([0, best + step]), (1, 10, 1)))) for step in (-0.05, 0.0, 0.05)]
        assert around[1] == min(around)
    assert offsets_against([0.0, 1.0]) == [0.0, 0.0]  # a class that never comes
