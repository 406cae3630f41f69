import itertools
import json
import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial import distance
from sklearn import metrics

from zoo import data, evaluation
from zoo.data import oxford_iiit_pet, synthetic_pets


@pytest.fixture
def pairs():
    """Truths and predictions of ten images of different sizes; the second lacks a class."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 60, (10, 2))
    truths = [rng.integers(0, 3, size) for size in sizes]
    truths[1][:] = 1
    guesses = [rng.integers(0, 3, size) for size in sizes]
    return [(t, np.where(rng.random(t.shape) < 0.7, t, g)) for t, g in zip(truths, guesses, strict=True)]


def test_scores_are_those_of_scikit_learn(pairs):
    scores = evaluation.Scores()
    for truth, predicted in pairs:
        scores.add(truth, predicted)
    summary = scores.summary()
    truth, predicted = (np.concatenate([x.ravel() for x in arrays]) for arrays in zip(*pairs, strict=True))
    np.testing.assert_array_equal(summary["confusion"], metrics.confusion_matrix(truth, predicted))
    each = metrics.jaccard_score(truth, predicted, average=None)
    np.testing.assert_allclose(list(summary["iou"].values()), each)
    assert summary["mean_iou"] == pytest.approx(each.mean())
    assert summary["pixel_accuracy"] == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert summary["binary_iou"] == pytest.approx(metrics.jaccard_score(truth != 1, predicted != 1))
    per_image = [metrics.jaccard_score(t.ravel() != 1, p.ravel() != 1, zero_division=1) for t, p in pairs]
    assert summary["binary_iou_per_image"] == pytest.approx(np.mean(per_image))


def test_a_class_that_never_occurs_does_not_count():
    scores = evaluation.Scores()
    scores.add(np.array([[0, 1]]), np.array([[0, 0]]))
    # pet: 1 of 2; background: 0 of 1; border: nowhere, neither in truth nor prediction
    assert scores.summary()["mean_iou"] == pytest.approx((1 / 2 + 0) / 2)
    assert scores.summary()["iou"] == {"pet": 0.5, "background": 0, "border": None}  # which JSON knows, unlike NaN


@pytest.mark.parametrize(("classes", "held"), [(100, True), (101, False), (1000, False)])
def test_the_confusion_of_many_classes_does_not_fill_a_card(classes, held):
    scores = evaluation.Scores([str(number) for number in range(classes)], background=None)
    scores.add(np.array([[0, 1], [2, 3]]), np.array([[0, 1], [2, 99]]))
    summary = scores.summary()
    assert summary["mean_iou"] == pytest.approx(3 / 5)  # of 0, 1, 2, and of 3 and 99, where nothing is right
    assert ("confusion" in summary) is held
    assert len(json.dumps(summary, indent=1)) < 200_000


def test_masks_of_large_photos_are_counted_a_part_at_a_time(rng):
    truth, predicted = rng.integers(0, 3, (2, 3000, 3000), "uint8")
    tracemalloc.start()
    found = evaluation.confusion_matrix(truth, predicted, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, metrics.confusion_matrix(truth.ravel(), predicted.ravel()))
    assert peak < 16 * truth.size  # where the three of 8 bytes would take 24


@pytest.mark.parametrize(("truth", "predicted"), [(3, 0), (255, 0), (-1, 0), (0, 3)])
def test_wrong_labels_are_named(truth, predicted):
    wrong = truth or predicted
    with pytest.raises(ValueError, match=rf"must be classes, 0 to 2\. Received: {wrong}"):
        evaluation.Scores().add(np.array([[0, truth]]), np.array([[0, predicted]]))


def test_what_is_ignored_is_no_wrong_label():
    with pytest.raises(ValueError, match=r"0 to 2, or 255 \(ignored\)\. Received: 4$"):
        evaluation.Scores(ignored=255).add(np.array([[4, 255]]), np.array([[0, 0]]))


def test_what_is_no_pair_of_masks_is_refused():
    with pytest.raises(ValueError, match=r"of `predicted` must be whole numbers. Received: float32"):
        evaluation.Scores().add(np.zeros((2, 3), int), np.full((2, 3), 0.7, "float32"))
    with pytest.raises(ValueError, match="must be of one shape"):
        evaluation.Scores().add(np.zeros((2, 3), int), np.zeros((3, 2), int))


def test_where_there_is_no_foreground_and_none_is_seen_all_is_right():
    scores = evaluation.Scores()
    scores.add(np.ones((2, 3), int), np.ones((2, 3), int))
    assert [scores.summary()[name] for name in ("binary_iou", "binary_iou_per_image", "boundary_iou")] == [1, 1, 1]


def test_ignored_pixels_do_not_count(pairs):
    scores = evaluation.Scores(ignored=255)
    rng, kept = np.random.default_rng(0), []
    for truth, predicted in pairs:
        truth = np.where(rng.random(truth.shape) < 0.3, 255, truth)
        scores.add(truth, predicted)
        kept.append((truth[truth < 3], predicted[truth < 3]))
    summary = scores.summary()
    truth, predicted = map(np.concatenate, zip(*kept, strict=True))
    np.testing.assert_array_equal(summary["confusion"], metrics.confusion_matrix(truth, predicted))
    per_image = [metrics.jaccard_score(t != 1, p != 1, zero_division=1) for t, p in kept]
    assert summary["binary_iou_per_image"] == pytest.approx(np.mean(per_image))


def test_a_split_that_there_is_not_and_a_batch_of_none_are_named():
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1)])
    with pytest.raises(ValueError, match="`split` must be one of train"):
        evaluation.evaluate(model, "synthetic_pets", "foo")
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
        evaluation.evaluate(model, "synthetic_pets", batch_size=0)


@pytest.mark.parametrize("groups", [["grey", "colour", "colour"], ["a", "b"]])
def test_groups_that_cannot_be_told_apart_are_refused(groups):
    pairs = tf.data.Dataset.from_tensor_slices((np.zeros((3, 16, 16, 3), "uint8"), np.zeros((3, 16, 16), int)))
    own = data.Dataset("own", ("a", "b", "c"), lambda split: pairs, None, groups=lambda split: groups)
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1)])
    with pytest.raises(ValueError, match=r"`groups` of the data set own must give each of 3 examples a word, none of"):
        evaluation.evaluate(model, own)


def test_a_picture_of_which_nothing_counts_changes_no_score(pairs):
    scores = evaluation.Scores(ignored=255)
    for truth, predicted in pairs:
        scores.add(truth, predicted)
    before = scores.summary()
    scores.add(np.full((4, 5), 255), np.zeros((4, 5), int))
    assert scores.summary() == before


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_boundary_is_what_lies_near_the_outside(rng, reach):
    mask = rng.random((20, 30)) < 0.97
    outside = np.argwhere(~np.pad(mask, 1))  # the frame of the picture counts
    inside = np.argwhere(np.pad(mask, 1))
    near = distance.cdist(inside, outside, "chebyshev").min(1) <= reach
    expected = np.zeros((22, 32), bool)
    expected[tuple(inside[near].T)] = True
    np.testing.assert_array_equal(evaluation.boundary(mask, reach), expected[1:-1, 1:-1])


def test_the_edge_of_what_does_not_count_is_no_outline_by_hand():
    truth, predicted = np.ones((2, 100, 100), int)  # distance = 3
    truth[20:50, 20:50] = 0
    predicted[20:50, 24:53] = 0  # the left edge is four pixels off
    truth[15:55, 47:55] = 255  # what nobody labelled hides the right edges
    scores = evaluation.Scores(ignored=255)
    scores.add(truth, predicted)
    # Up to column 46, truth has 27 columns and 30 rows, of which 24 x 24 pixels lie farther than 3 from the outside;
    # the prediction has 23 columns and 20 x 24 such pixels. Their boundaries meet in the first and last three rows.
    both = 6 * 23
    assert scores.summary()["boundary_iou"] == both / (30 * 27 - 24 * 24 + 30 * 23 - 24 * 20 - both)


def test_boundary_iou_of_two_squares_by_hand():
    # 100 x 100: distance = 0.02 * 141 = 3. A square of 30 has a boundary of 30^2 - 24^2 = 324 pixels.
    truth, predicted = np.ones((2, 100, 100), int)
    truth[20:50, 20:50] = 0
    predicted[20:50, 24:54] = 0  # shifted by 4, one more than the boundary is wide
    # Rows 20 to 22 and 47 to 49 overlap in 26 columns; in the 24 rows between, the left edge of `predicted`
    # (columns 24 to 26) and the right one (51 to 53) meet no boundary of `truth` (20 to 22 and 47 to 49).
    both = 6 * 26
    scores = evaluation.Scores()
    scores.add(truth, predicted)
    assert scores.summary()["boundary_iou"] == pytest.approx(both / (2 * 324 - both))


def test_evaluate_scores_at_both_sizes(monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 6})
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1)])
    scores = evaluation.evaluate(model, "synthetic_pets", batch_size=4)
    small, large, mirrored, grey = np.zeros((4, 3, 3), int)
    for image, mask in synthetic_pets.examples("test"):
        squeezed = np.round(tf.image.resize(image, (32, 32), antialias=True)) / 255
        logits = model.predict_on_batch(squeezed[None])[0]
        squeezed_mask = tf.image.resize(mask[..., None], (32, 32), "nearest")
        small += metrics.confusion_matrix(np.ravel(squeezed_mask), logits.argmax(-1).ravel(), labels=[0, 1, 2])
        enlarged = tf.image.resize(logits, mask.shape).numpy().argmax(-1)
        large += metrics.confusion_matrix(np.ravel(mask), enlarged.ravel(), labels=[0, 1, 2])
        mean = (logits + np.fliplr(model.predict_on_batch(np.fliplr(squeezed)[None])[0])) / 2
        mirrored += metrics.confusion_matrix(np.ravel(squeezed_mask), mean.argmax(-1).ravel(), labels=[0, 1, 2])
        luma = np.repeat((squeezed @ [0.299, 0.587, 0.114])[..., None], 3, -1)
        answer = model.predict_on_batch(luma[None]).argmax(-1)
        grey += metrics.confusion_matrix(np.ravel(squeezed_mask), answer.ravel(), labels=[0, 1, 2])
    np.testing.assert_array_equal(scores["at_network_size"]["confusion"], small)
    np.testing.assert_array_equal(scores["drawn pets"]["confusion"], small)
    np.testing.assert_array_equal(scores["at_photo_size"]["confusion"], large)
    np.testing.assert_array_equal(scores["with_mirror_image"]["confusion"], mirrored)
    np.testing.assert_array_equal(scores["grey"]["confusion"], grey)
    assert (grey != small).any()


def test_cats_and_dogs_are_told_apart_and_sum_up(photos, monkeypatch):
    stored = oxford_iiit_pet.stored
    monkeypatch.setattr(oxford_iiit_pet, "stored", lambda split: stored(split).take(12))
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1)])
    scores = evaluation.evaluate(model, "oxford_iiit_pet", batch_size=5)
    expected = {"cats": np.zeros((3, 3), int), "dogs": np.zeros((3, 3), int)}
    for example in stored("test").take(12):
        image, mask = oxford_iiit_pet.decode(example)
        logits = model.predict_on_batch(np.round(tf.image.resize(image, (32, 32), antialias=True))[None] / 255)[0]
        mask = tf.image.resize(mask[..., None], (32, 32), "nearest").numpy().ravel()
        # In this data set the names of cats' breeds begin with a capital letter, those of dogs' do not.
        kind = "cats" if example["file_name"].numpy().decode()[0].isupper() else "dogs"
        expected[kind] += metrics.confusion_matrix(mask, logits.argmax(-1).ravel(), labels=[0, 1, 2])
    for kind, confusion in expected.items():
        assert confusion.any()
        np.testing.assert_array_equal(scores[kind]["confusion"], confusion)


@pytest.mark.parametrize(
    ("shape", "dtype", "classes", "words"),
    [
        ((None, None, 3), "float32", 3, "`model` needs a fixed height and width"),
        ((32, 32, 3), "float32", 5, "3 channels, and for the data set synthetic_pets give 3 logits"),
        ((32, 32, 1), "float32", 3, "3 channels, and for the data set synthetic_pets give 3 logits"),
        ((32, 32, 3), "uint8", 3, "give floating point. Received: uint8"),
    ],
    ids=["any", "five classes", "grey", "integers"],
)
def test_models_that_cannot_be_scored_are_refused(shape, dtype, classes, words):
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(classes, 1)]
    model = keras.Sequential([keras.Input(shape, dtype=dtype), *layers])
    with pytest.raises(ValueError, match=words):
        evaluation.evaluate(model, "synthetic_pets")


def test_only_the_scores_that_were_asked_for_are_taken(monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 4})
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1)])
    assert list(evaluation.evaluate(model, "synthetic_pets", ways=["groups", "grey"])) == ["grey", "drawn pets"]
    for wrong in ((), ("gray",), ("at_network_size", "gray"), "grey"):
        with pytest.raises(ValueError, match=r"`ways` must be some of at_network_size, .*grey. Received: ways="):
            evaluation.evaluate(model, "synthetic_pets", ways=wrong)


@pytest.mark.parametrize("way", ["with_mirror_image", "grey"])
def test_logits_that_are_no_numbers_for_changed_images_are_refused(way, monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 8, "validation": 4, "test": 4})
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1)])
    answer = itertools.cycle([np.zeros((4, 32, 32, 3)), np.full((4, 32, 32, 3), np.nan)])
    monkeypatch.setattr(model, "predict_on_batch", lambda images: next(answer))  # the second is for the changed ones
    with pytest.raises(ValueError, match="`model` must give finite logits"):
        evaluation.evaluate(model, "synthetic_pets", ways=[way])
