import sys

import keras
import numpy as np
import pytest

import zoo
from zoo import exporting

for package in ("onnxruntime", "tf2onnx", "ai_edge_litert"):
    pytest.importorskip(package, reason=f"{package} is not installed (extra `export`)")

FORMATS = tuple(exporting.FORMATS)


@pytest.fixture
def images(rng):
    return rng.random((2, 128, 128, 3), "float32")


@pytest.mark.slow
@pytest.mark.parametrize("stage", zoo.STAGES)
def test_every_stage_answers_as_in_keras(stage, images, tmp_path):
    model = zoo.load(stage)
    expected = model.predict_on_batch(images)
    for format in FORMATS:
        path = exporting.export(model, tmp_path, format)
        np.testing.assert_allclose(exporting.open_exported(path)(images), expected, atol=1e-4, err_msg=format)


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_any_size(format, tmp_path, rng):
    model = zoo.load("max_unpooling")
    path = exporting.export(model, tmp_path, format, "dynamic")
    for shape in [(1, 32, 48, 3), (2, 64, 32, 3)]:
        images = rng.random(shape, "float32")
        expected = exporting.resize(model, "dynamic").predict_on_batch(images)["logits"]
        np.testing.assert_allclose(exporting.open_exported(path)(images), expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("stage", zoo.STAGES)
def test_eight_bits_give_almost_the_same_classes(stage, photos, tmp_path):
    model = zoo.load(stage)
    learned, unseen = (
        next(zoo.data.load("oxford_iiit_pet", split, batch_size=32).as_numpy_iterator())[0]
        for split in ("validation", "test")
    )
    path = exporting.export(model, tmp_path, "litert", quantize_on=learned)
    assert path.stat().st_size < 0.4 * 4 * model.count_params() + 30_000
    _, agreement = exporting.compare(path, exporting.resize(model, None), unseen)
    assert agreement > 0.98


@pytest.fixture
def small():
    return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(3, 1)], name="small")


def test_files_say_what_goes_in_and_out(small, tmp_path):
    import onnx
    from ai_edge_litert.interpreter import Interpreter

    words = "image: float32 (batch, 16, 16, 3), RGB in [0, 1]"
    written = onnx.load(exporting.export(small, tmp_path, "onnx"))
    assert written.doc_string.startswith(words)
    assert [x.name for x in (*written.graph.input, *written.graph.output)] == ["image", "logits"]
    path = exporting.export(small, tmp_path, "litert")
    assert words.encode() in path.read_bytes()
    assert Interpreter(str(path)).get_signature_list()["serving_default"] == {
        "inputs": ["image"],
        "outputs": ["logits"],
    }


@pytest.mark.parametrize("format", FORMATS)
def test_a_second_export_replaces_the_first(format, small, tmp_path, rng):
    images = rng.random((1, 16, 16, 3), "float32")
    exporting.export(small, tmp_path, format)
    small.set_weights([weight + 1 for weight in small.get_weights()])
    path = exporting.export(small, tmp_path, format)
    np.testing.assert_allclose(exporting.open_exported(path)(images), small.predict_on_batch(images), atol=1e-5)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_bad_arguments_are_named(small, tmp_path):
    with pytest.raises(ValueError, match=r"`format` must be one of onnx, litert, saved_model\. Received: format='pt'"):
        exporting.export(small, tmp_path, "pt")
    with pytest.raises(ValueError, match="Only LiteRT files of a fixed size"):
        exporting.export(small, tmp_path, "onnx", quantize_on=[])
    for stage in ("nearest_unpooling", "unet"):  # which would answer at another size, or cannot join
        with pytest.raises(ValueError, match=r"`image_size` must be .* a multiple of 16\. Received: image_size=40"):
            exporting.export(zoo.build(stage), tmp_path, "onnx", image_size=40)
    assert not any(tmp_path.iterdir())


def test_a_foreign_folder_is_kept(small, tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "work.txt").touch()
    with pytest.raises(FileExistsError, match="no SavedModel"):
        exporting.export(small, tmp_path, "saved_model")
    assert (tmp_path / "small" / "work.txt").exists()


def test_a_missing_package_is_named(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(RuntimeError, match=r"tf2onnx is missing.*pip install"):
        exporting.export(small, tmp_path, "onnx")
