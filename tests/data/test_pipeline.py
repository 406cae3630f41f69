import dataclasses
import hashlib
import json
import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from zoo import data, evaluation
from zoo.data import oxford_iiit_pet, prepared, squeezing, synthetic_pets


@pytest.fixture
def few_scenes(monkeypatch):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 20, "validation": 6, "test": 6})


def arrays(dataset):
    images, masks = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(masks)


@pytest.mark.usefixtures("few_scenes")
@pytest.mark.parametrize("augmentation", [None, data.Augmentation()])
def test_batches_are_images_and_masks(augmentation):
    dataset = data.load("synthetic_pets", "train", image_size=48, batch_size=8, augmentation=augmentation)
    images, masks = arrays(dataset)
    whole = 16 if augmentation else 20  # for training, the last batch of 4 is left out
    assert images.shape == (whole, 48, 48, 3)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert masks.shape == (whole, 48, 48)
    assert masks.dtype == np.int32
    assert set(np.unique(masks)) == {0, 1, 2}
    assert len(dataset) == math.ceil(whole / 8)


@pytest.mark.usefixtures("few_scenes")
def test_an_epoch_is_decided_by_its_number_and_the_seed():
    options = {"image_size": 32, "batch_size": 4, "augmentation": data.Augmentation()}
    both = arrays(data.load("synthetic_pets", "train", epochs=range(2), seed=7, **options))
    second = arrays(data.load("synthetic_pets", "train", epochs=[1], seed=7, **options))
    for together, alone in zip(both, second, strict=True):
        np.testing.assert_array_equal(together[20:], alone)
        assert (together[:20] != alone).any()
    tf.random.set_seed(5)  # the seed of the whole program does not matter
    again = arrays(data.load("synthetic_pets", "train", epochs=[1], seed=7, **options))
    np.testing.assert_array_equal(again[0], second[0])
    other_seed = arrays(data.load("synthetic_pets", "train", epochs=[1], seed=8, **options))
    assert (other_seed[0] != second[0]).any()


def test_an_epoch_of_stored_pictures_has_an_order_of_its_own():
    """Each of 12 pictures is all of one grey, its number: no move of it leaves a brighter pixel."""
    images = np.tile(np.arange(12, dtype="uint8")[:, None, None, None], (1, 16, 16, 3))
    pairs = tf.data.Dataset.from_tensor_slices((images, np.zeros((12, 16, 16), int)))
    stored = data.Dataset("stored", ("a", "b"), lambda split: pairs, None, background=1)
    augmentation = data.Augmentation(scale_jitter=1, light=0)

    def order(epoch, seed=7):
        images, _ = arrays(data.load(stored, "train", 16, 4, augmentation, seed, [epoch]))
        return np.rint(255 * images.max((1, 2, 3))).tolist()

    first = order(0)
    assert sorted(first) == list(range(12)) != first
    assert first not in (order(1), order(0, seed=8))
    tf.random.set_seed(5)  # the seed of the whole program does not matter
    assert order(0) == first


@pytest.mark.usefixtures("few_scenes")
def test_no_two_scenes_are_alike():
    scenes = [
        mask.tobytes()
        for split, epoch in [("train", 0), ("train", 1), ("validation", 0), ("test", 0)]
        for _, mask in synthetic_pets.examples(split, epoch).as_numpy_iterator()
    ]
    assert len(set(scenes)) == len(scenes) == 20 + 20 + 6 + 6


@pytest.mark.parametrize(
    ("image", "mask", "ignored", "words"),
    [
        (np.zeros((8, 8, 3), "uint8"), np.full((8, 8), 3), None, "must hold the numbers of its 3 classes"),
        (np.zeros((8, 8, 3), "uint8"), np.full((8, 8), -1), 255, "must hold the numbers of its 3 classes"),
        (np.zeros((8, 8, 3), "uint8"), np.full((8, 8), 256), 255, "must hold the numbers of its 3 classes"),
        (np.zeros((8, 8, 3), "uint8"), np.zeros((8, 9), int), None, "must fit its images"),
        (np.zeros((8, 8, 3), "float32"), np.zeros((8, 8), int), None, "images of uint8 .*Received: float32 and int64"),
        (np.zeros((8, 8, 3), "uint8"), np.zeros((8, 8)), None, "masks of integers.*Received: uint8 and float64"),
        (np.zeros((8, 8, 1), "uint8"), np.zeros((8, 8), int), None, r"Received: .* of shapes \(8, 8, 1\) and \(8, 8\)"),
        (np.zeros((8, 8, 3), "uint8"), np.zeros((8, 8, 1), int), None, r"masks of integers \(h, w\).*\(8, 8, 1\)"),
    ],
)
def test_examples_that_are_not_as_promised_are_refused(image, mask, ignored, words):
    def examples(split):
        return tf.data.Dataset.from_tensors((image, mask))

    own = data.Dataset("own", ("a", "b", "c"), examples, describe=None, ignored=ignored)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=words):
        next(iter(data.load(own, "test", 8)))


@pytest.mark.parametrize("ignored", [-1, -100, 255, 1000])
def test_any_number_may_be_the_one_that_does_not_count(rng, ignored):
    masks = np.where(rng.random((4, 8, 8)) < 0.5, ignored, rng.integers(0, 200, (4, 8, 8)))
    pairs = tf.data.Dataset.from_tensor_slices((rng.integers(0, 256, (4, 8, 8, 3), "uint8"), masks))
    own = data.Dataset("own", tuple(map(str, range(200))), lambda split: pairs, None, ignored=ignored)
    np.testing.assert_array_equal(arrays(data.load(own, "test", 8, 2))[1], masks)
    changed = arrays(data.load(own, "train", 8, 4, data.Augmentation()))[1]
    assert set(np.unique(changed)) <= {*range(200), ignored}
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(200, 1)])
    counted = evaluation.evaluate(model, own, ways=["at_network_size"])["at_network_size"]["iou"]
    assert {int(name) for name in counted if counted[name] is not None} >= set(masks.ravel()) - {ignored}


def test_a_data_set_is_told_shortly_and_has_no_background_that_is_none():
    assert repr(data.Dataset("own", ("a", "b"), print, print)) == "Dataset('own', 2 classes)"
    with pytest.raises(ValueError, match=r"`ignored` must lie between -16,777,216 and 16,777,216\. .*=16777217"):
        data.Dataset("own", ("a", "b"), print, print, ignored=2**24 + 1)  # which a float32 does not hold
    with pytest.raises(ValueError, match=r"`background` must be the number of a class, 0 to 1.*background=2"):
        data.Dataset("own", ("a", "b"), print, print, background=2)


def test_drawn_pets_share_the_picture_as_real_ones_do():
    masks = np.stack([mask for _, mask in synthetic_pets.examples("test").take(100).as_numpy_iterator()])
    shares = np.bincount(masks.ravel()) / masks.size
    np.testing.assert_allclose(shares, [0.30, 0.58, 0.12], atol=0.04)  # Oxford-IIIT Pet


def test_scenes_that_are_drawn_together_share_their_operations(monkeypatch):
    together, operations = synthetic_pets.TOGETHER, {}
    for scenes in (1, together):
        monkeypatch.setattr(synthetic_pets, "TOGETHER", scenes)
        draw = tf.function(synthetic_pets.draw_scenes).get_concrete_function(tf.TensorSpec([2], tf.int64))
        operations[scenes] = len(draw.graph.get_operations())
    assert operations[together] < 2 * operations[1]


def test_distances_are_those_of_a_loop_over_all_pixels():
    rng = np.random.default_rng(0)
    starts, ends = rng.random((2, synthetic_pets.TOGETHER, 1, 2))
    radius = np.array([0.07])
    limbs = synthetic_pets.limbs(*(tf.constant(values, tf.float32) for values in (starts, ends, radius)))
    found = synthetic_pets.distances(*limbs).numpy()
    for number in range(synthetic_pets.TOGETHER):
        line = starts[number] + np.linspace(0, 1, 2001)[:, None] * (ends[number] - starts[number])
        for pixel in rng.integers(0, synthetic_pets.HALF**2, 50):
            place = (np.array([pixel % synthetic_pets.HALF, pixel // synthetic_pets.HALF]) + 0.5) / synthetic_pets.HALF
            nearest = np.linalg.norm(line - place, axis=1).min()
            assert found[number, 0, pixel] == pytest.approx(nearest - 0.07, abs=1e-3)


def test_a_pet_wears_another_fur_than_the_floor():
    image, mask = next(synthetic_pets.examples("test").as_numpy_iterator())
    assert image.shape == (synthetic_pets.SIZE, synthetic_pets.SIZE, 3)
    pet, floor = image[mask == 0].astype(float), image[mask == 1].astype(float)
    assert np.abs(np.median(pet, 0) - np.median(floor, 0)).max() > 20
    # The colour changes at the pet's edge: the mask lies where the image says.
    edge = ndimage.gaussian_gradient_magnitude(image.astype(float).mean(-1), 1)
    assert edge[mask == 2].mean() > 1.5 * edge[mask != 2].mean()


def test_masks_are_squeezed_to_labels_that_were_there():
    mask = tf.constant([[0, 2, 2, 0]] * 4)
    assert set(np.unique(squeezing.resize_mask(mask, 3))) <= {0, 2}  # the mean of 0 and 2 would be background


def test_masks_of_other_shapes_are_refused():
    for shape in [(4, 4, 1), (1, 4, 4, 1), (4,)]:
        with pytest.raises(ValueError, match=r"`mask` must be of shape \(h, w\)"):
            squeezing.resize_mask(tf.zeros(shape, tf.int32), 3)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"name": "cats"}, "name"),
        ({"split": "dev"}, "split"),
        ({"image_size": 0}, "image_size"),
        ({"batch_size": 2.5}, "batch_size"),
    ],
)
def test_bad_arguments_are_named(changed, named):
    with pytest.raises(ValueError, match=f"`{named}`"):
        data.load(**{"name": "synthetic_pets", "split": "test", **changed})


@pytest.fixture
def boards(rng):
    """A data set of all defaults, with one example: every class is an answer, and every pixel counts."""
    pair = rng.integers(0, 256, (1, 8, 8, 3), "uint8"), rng.integers(0, 2, (1, 8, 8), "int32")
    examples = tf.data.Dataset.from_tensor_slices(pair)
    return data.Dataset("boards", ("dark", "light"), lambda split: examples, lambda split: {"examples": 1})


def test_a_changed_image_needs_something_for_the_mask_outside_of_it(boards):
    assert len(data.load(boards, "train", 8, 1)) == 1
    with pytest.raises(ValueError, match=r"`augmentation` needs .*`background` or `ignored`.*'boards'"):
        data.load(boards, "train", 8, 1, data.Augmentation())


def test_a_stored_picture_is_changed_anew_in_each_epoch(boards):
    with_background = dataclasses.replace(boards, background=0)
    images, _ = arrays(data.load(with_background, "train", 8, 1, data.Augmentation(), epochs=[0, 1]))
    assert (images[0] != images[1]).any()


def test_a_data_set_may_be_handed_over(boards):
    assert data.find(boards) is boards
    assert len(data.examples(boards, "test")) == data.describe(boards, "test")["examples"] == 1
    (_, masks), *_ = data.load(boards, "train", 8, 1)
    np.testing.assert_array_equal(masks[0], next(data.examples(boards, "train").as_numpy_iterator())[1])
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 1)])
    scores = evaluation.evaluate(model, boards, ways=("at_network_size",))
    assert np.sum(scores["at_network_size"]["confusion"]) == 8 * 8


def test_a_training_without_one_whole_batch_is_refused(boards):
    with_background = dataclasses.replace(boards, background=0)
    assert len(data.load(with_background, "test", 8, 1, data.Augmentation())) == 1
    with pytest.raises(ValueError, match=r"`batch_size` must be at most 1, .*'test'. Received: batch_size=2"):
        data.load(with_background, "test", 8, 2, data.Augmentation())
    assert len(data.load(with_background, "test", 8, 2)) == 1


WITHOUT_GPU = """
import sys
from types import SimpleNamespace


def end(devices, kind):  # well, if nothing of `zoo.data` can have made a tensor yet
    sys.exit((devices, kind) != ([], "GPU") or "zoo.data.augmentation" in sys.modules)


sys.modules["tensorflow"] = SimpleNamespace(config=SimpleNamespace(set_visible_devices=end))  # takes no seconds
import zoo.data

sys.exit("TensorFlow sees the GPU")
"""


def test_the_gpu_is_left_to_the_backend_that_computes(run_python):
    run_python("jax", "-c", WITHOUT_GPU)


def test_missing_photos_name_both_ways_out(monkeypatch):
    monkeypatch.setattr(prepared, "is_prepared", lambda: False)
    assert data.default_dataset() == "synthetic_pets"
    with pytest.raises(data.DatasetNotFoundError, match=r"zoo download.*synthetic_pets"):
        data.load("oxford_iiit_pet", "train")


@pytest.mark.slow
def test_damaged_records_are_named(tmp_path, run_zoo, photos):
    official = prepared.tfds.builder(prepared.NAME).data_path
    damaged = tmp_path / "oxford_iiit_pet" / official.name
    damaged.mkdir(parents=True)
    for file in official.iterdir():
        with open(file, "rb") as whole:
            (damaged / file.name).write_bytes(whole.read(100_000))
    options = ["--dataset", "oxford_iiit_pet", "--out", str(tmp_path)]
    result = run_zoo("train", "unet", *options, TFDS_DATA_DIR=str(tmp_path))
    assert result.returncode == 1
    assert str(damaged / "oxford_iiit_pet-t") in result.stderr  # train or test: both are damaged
    assert result.stderr.count("\n") == 1


def test_photos_without_any_data_set_stop_with_one_line(tmp_path, run_zoo):
    result = run_zoo("train", "unet", "--dataset", "oxford_iiit_pet", cwd=tmp_path, TFDS_DATA_DIR=str(tmp_path))
    assert result.returncode == 1
    assert "zoo download" in result.stderr
    assert "synthetic_pets" in result.stderr
    assert result.stderr.count("\n") == 1


def test_training_photos_are_cut_once_and_for_all(photos):
    def names(split):
        return {example["file_name"] for example in oxford_iiit_pet.stored(split).as_numpy_iterator()}

    train, validation = names("train"), names("validation")
    assert not train & validation
    assert len(train | validation) == 3680
    assert len(validation) == pytest.approx(368, rel=0.1)
    assert names("train+validation") == train | validation
    assert not names("test") & (train | validation)


def test_photo_masks_hold_pet_background_border(photos):
    image, mask = next(data.examples("oxford_iiit_pet", "test").as_numpy_iterator())
    assert image.dtype == np.uint8
    assert image.shape == (*mask.shape, 3)
    # The border runs between the other two: take it away, and pet and background touch nowhere.
    pet, background = mask == 0, mask == 1
    assert not (ndimage.binary_dilation(pet) & background).any()
    assert background[[0, -1]].mean() > pet[[0, -1]].mean()  # photographers put the pet in the middle


@pytest.mark.slow
def test_a_fresh_process_draws_the_same_scenes():
    code = (
        "from zoo.data import synthetic_pets as s; print([int(i.numpy().sum()) for i, _ in s.examples('test').take(5)])"
    )
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(fresh) == [int(image.numpy().sum()) for image, _ in synthetic_pets.examples("test").take(5)]


@pytest.mark.parametrize("sides", [[(4, 6), (3, 5), (9, 2)], [(4, 6)] * 3])
def test_a_description_is_of_numbers_sizes_names_and_masks(monkeypatch, rng, sides):
    stored = [rng.integers(1, 4, (*size, 1), "uint8") for size in sides]
    examples = {
        "file_name": [f"photo {number}.jpg" for number in range(3)],
        "image": [tf.io.encode_png(np.zeros((*size, 3), "uint8")).numpy() for size in sides],
        "segmentation_mask": [tf.io.encode_png(mask).numpy() for mask in stored],
    }
    monkeypatch.setattr(oxford_iiit_pet, "stored", lambda split: tf.data.Dataset.from_tensor_slices(examples))
    found = data.describe("oxford_iiit_pet", "test")
    digest = hashlib.sha256(b"".join(f"photo {n}.jpg".encode() + (stored[n] - 1).tobytes() for n in range(3)))
    by_area = sorted(sides, key=math.prod)
    assert found == {"examples": 3, "smallest": by_area[0], "largest": by_area[-1], "sha256": digest.hexdigest()}
