import itertools
import json
import sys

import keras
import numpy as np
import pytest
from skimage.data import chelsea

import zoo
from zoo import __main__, exporting, formats, resizing, training
from zoo.data import synthetic_pets

for package in ("onnxruntime", "tf2onnx", "ai_edge_litert"):
    pytest.importorskip(package, reason=f"{package} is not installed (extra `export`)")

FORMATS = tuple(formats.FORMATS)


def assert_answers_as_in_keras(model, format, folder, images):
    path = exporting.export(model, folder, format)
    expected = model.predict_on_batch(images)
    np.testing.assert_allclose(formats.open_exported(path)(images), expected, atol=1e-4)


# The others have no layer that these have not, and a SavedModel is TensorFlow's own graph, whatever the layers.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "format"),
    [
        *itertools.product(
            ("sliding_window", "bed_of_nails", "index_unpooling", "strided_convolution", "unet"), ("onnx", "litert")
        ),
        *itertools.product(("max_unpooling",), FORMATS),
    ],
)
def test_a_stage_answers_as_in_keras(stage, format, tmp_path, rng):
    model = zoo.build(stage, image_shape=(32, 32, 3), filters=(4, 8))
    assert_answers_as_in_keras(model, format, tmp_path, rng.random((2, 32, 32, 3), "float32"))


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_saved_model_takes_any_size(format, tmp_path):
    model = zoo.load("max_unpooling")
    path = exporting.export(model, tmp_path / "own [2] ü*?", format, "dynamic")  # which is no pattern
    # A photo: in noise, rounding decides between two values of a window that are as good as equal.
    photo = chelsea()[None, 40:168, 100:340].astype("float32") / 255
    for images in (photo[:, :, :128], np.concatenate([photo[:, :64, :48], photo[:, 64:, 192:]])):
        expected = resizing.resize(model, "dynamic").predict_on_batch(images)["logits"]
        np.testing.assert_allclose(formats.open_exported(path)(images), expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["max_unpooling", "unet"])
def test_eight_bits_give_almost_the_same_classes(stage, photos, tmp_path):
    model = zoo.load(stage)
    learned, unseen = (
        next(zoo.data.load("oxford_iiit_pet", split, batch_size=32).as_numpy_iterator())[0]
        for split in ("validation", "test")
    )
    path = exporting.export(model, tmp_path, "litert", quantize_on=learned)
    assert path.stat().st_size < 0.4 * 4 * model.count_params() + 30_000
    _, agreement = formats.compare(path, resizing.resize(model, None), unseen)
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
    assert not written.metadata_props
    assert [x.name for x in (*written.graph.input, *written.graph.output)] == ["image", "logits"]
    names = ["dog, cat", "猫", 'a "b"']  # a list in words would not tell where a name ends
    written = onnx.load(exporting.export(small, tmp_path, "onnx", name="named", classes=names))
    assert {entry.key: json.loads(entry.value) for entry in written.metadata_props} == {"classes": names}
    path = exporting.export(small, tmp_path, "litert")
    assert words.encode() in path.read_bytes()
    assert Interpreter(str(path)).get_signature_list()["serving_default"] == {
        "inputs": ["image"],
        "outputs": ["logits"],
    }
    path = exporting.export(small, tmp_path, "saved_model")
    assert (path / "assets.extra" / "description.txt").read_text().startswith(words)


@pytest.mark.parametrize("format", FORMATS)
def test_a_second_export_replaces_the_first(format, small, tmp_path, rng):
    images = rng.random((1, 16, 16, 3), "float32")
    exporting.export(small, tmp_path, format)
    small.set_weights([weight + 1 for weight in small.get_weights()])
    with pytest.raises(FileExistsError, match="is there already"):
        exporting.export(small, tmp_path, format)
    path = exporting.export(small, tmp_path, format, overwrite=True)
    np.testing.assert_allclose(formats.open_exported(path)(images), small.predict_on_batch(images), atol=1e-5)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_bad_arguments_are_named(small, tmp_path):
    with pytest.raises(ValueError, match=r"`format` must be one of onnx, litert, saved_model\. Received: format='pt'"):
        exporting.export(small, tmp_path, "pt")
    for format, size in (("onnx", None), ("litert", "dynamic")):
        with pytest.raises(ValueError, match="Only LiteRT files of a fixed size"):
            exporting.export(small, tmp_path, format, size, quantize_on=[])
    for images in ([], np.zeros((2, 16, 8, 3), "float32")):
        with pytest.raises(ValueError, match=r"`quantize_on` must hold at least one image, each \(16, 16, 3\)"):
            exporting.export(small, tmp_path, "litert", quantize_on=images)
    for side in (999_999_999, 0, -16, 32.0):
        with pytest.raises(
            ValueError, match=f"`image_size` must be from 1 to 2048 pixels. Received: image_size={side}"
        ):
            exporting.export(small, tmp_path, "onnx", side)
    for name in ("", "..", "a/b"):
        with pytest.raises(ValueError, match="`name` must be the name of a file"):
            exporting.export(small, tmp_path, "onnx", name=name)
    with pytest.raises(ValueError, match="`classes` must name each of 3 classes"):
        exporting.export(small, tmp_path, "onnx", classes=("cat", "dog"))
    for stage in ("nearest_unpooling", "unet"):  # which would answer at another size, or cannot join
        with pytest.raises(ValueError, match=r"`image_size` must be .* such as 32\. Received: image_size=40"):
            exporting.export(zoo.build(stage), tmp_path, "onnx", image_size=40)
    assert not any(tmp_path.iterdir())


def test_another_backend_is_refused(small, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match=r"KERAS_BACKEND=tensorflow\. Received: jax"):
        exporting.export(small, tmp_path, "saved_model")


def test_a_comparison_tells_how_far_logits_differ_and_how_often_classes_agree(small, tmp_path, rng):
    images = rng.random((3, 16, 16, 3), "float32")
    path, exported = exporting.export(small, tmp_path, "saved_model"), small.predict_on_batch(images)
    small.set_weights([rng.normal(size=weight.shape) for weight in small.get_weights()])
    changed = small.predict_on_batch(images)
    differences, agreement = formats.compare(path, resizing.resize(small, None), images)
    np.testing.assert_allclose(differences, np.abs(exported - changed), atol=1e-5)
    assert agreement == np.mean(exported.argmax(-1) == changed.argmax(-1))
    assert 0 < agreement < 1


def test_a_foreign_folder_is_kept(small, tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "work.txt").touch()
    with pytest.raises(FileExistsError, match="no SavedModel"):
        exporting.export(small, tmp_path, "saved_model")
    with pytest.raises(FileExistsError, match="no SavedModel"):
        exporting.export_and_compare(small, tmp_path, "saved_model", "synthetic_pets", overwrite=True)
    assert (tmp_path / "small" / "work.txt").exists()


def test_a_missing_package_is_named(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(RuntimeError, match=r"tf2onnx is missing.*pip install"):
        exporting.export(small, tmp_path, "onnx")


def test_a_keras_that_is_too_old_for_a_format_is_named(small, tmp_path, monkeypatch):
    export, asked = keras.Model.export, []

    def as_in_3_5(self, filepath, format="tf_saved_model"):
        asked.append(format)
        export(self, filepath, format, verbose=False)

    monkeypatch.setattr(keras, "__version__", "3.5.0")
    monkeypatch.setattr(keras.Model, "export", as_in_3_5)
    for format, needed in (("onnx", "3.8"), ("litert", "3.13")):
        for export_it in (exporting.export, exporting.export_and_compare):
            with pytest.raises(RuntimeError, match=rf"{format} needs Keras >= {needed}\. Received: 3\.5\.0"):
                export_it(small, tmp_path / "out", format, "synthetic_pets")
    assert not (tmp_path / "out").exists()
    exporting.export(small, tmp_path, "saved_model")
    assert asked == ["tf_saved_model"]


def test_errors_of_converters_and_runtimes_are_one_line(tmp_path):
    bicubic = keras.layers.UpSampling2D(2, interpolation="bicubic")
    model = keras.Sequential([keras.Input((16, 16, 3)), bicubic, keras.layers.Conv2D(3, 2, 2)])
    with pytest.raises(RuntimeError, match=r"'tf.ResizeBicubic' op is neither a custom op nor a flex op$"):
        exporting.export(model, tmp_path, "litert")
    (tmp_path / "bad.onnx").write_text("no model")
    with pytest.raises(RuntimeError, match=r"bad\.onnx failed:Protobuf parsing failed\.$"):
        formats.open_exported(tmp_path / "bad.onnx")
    path = exporting.export(model, tmp_path, "onnx", name="for_sides_of_16")
    with pytest.raises(RuntimeError, match="invalid dimensions"):
        formats.compare(path, resizing.resize(model, 32), [np.zeros((32, 32, 3), "float32")])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "precision"),
    [
        *((format, "mixed_bfloat16") for format in FORMATS),
        ("litert", "mixed_float16"),
        ("litert", "float64"),
        ("int8", "mixed_bfloat16"),
    ],
)
def test_grey_wide_models_of_one_class_in_other_bits(format, precision, tmp_path, rng):
    with training.precision(precision):
        model = zoo.build("nearest_unpooling", image_shape=(32, 64, 1), num_classes=1, filters=(8, 8, 8))
    images = rng.random((4, 32, 64, 1), "float32")
    quantize_on = images if format == "int8" else None
    options = {"quantize_on": quantize_on, "classes": ("background", "crack")}
    path = exporting.export(model, tmp_path, "litert" if quantize_on is not None else format, **options)
    logits = formats.open_exported(path)(images)
    expected = np.asarray(model.predict_on_batch(images), "float32")
    assert abs(logits - expected).mean() < 0.1 * expected.std()  # sixteen bits round, and eight more so
    _, agreement = formats.compare(path, resizing.resize(model, None), images)
    assert agreement > 0.9


def test_class_names_are_those_that_were_given(small):
    ready = resizing.resize(small, None)
    assert "pet" not in exporting.input_and_output(ready)
    assert "(cat, dog, none)" in exporting.input_and_output(ready, ("cat", "dog", "none"))
    one = keras.Sequential([keras.Input((16, 8, 1)), keras.layers.Conv2D(1, 1)])
    assert exporting.input_and_output(resizing.resize(one, None)) == (
        "image: float32 (batch, 16, 8, 1), grey in [0, 1]. "
        "logits: float32 (batch, 16, 8, 1), above 0 for class 1, else class 0."
    )
    assert exporting.input_and_output(resizing.resize(one, None), ("background", "crack")).endswith(
        "logits: float32 (batch, 16, 8, 1), above 0 for crack, else background."
    )


def test_weights_and_logits_that_are_no_numbers_are_refused(small, tmp_path, rng):
    small.set_weights([np.full(weight.shape, np.finfo("float32").max) for weight in small.get_weights()])
    path = exporting.export(small, tmp_path, "saved_model")
    with pytest.raises(ValueError, match="`model` must give finite logits"):
        formats.compare(path, resizing.resize(small, None), rng.random((1, 16, 16, 3), "float32"))
    small.set_weights([np.full(weight.shape, np.nan) for weight in small.get_weights()])
    with pytest.raises(ValueError, match="`model` must have finite weights"):
        exporting.export(small, tmp_path, "litert")
    assert [entry.name for entry in tmp_path.iterdir()] == ["small"]


@pytest.mark.parametrize("name", ["my.onnx", "my.tflite"])
def test_a_folder_with_the_ending_of_a_file_is_opened_as_what_it_is(name, small, tmp_path, rng):
    path = exporting.export(small, tmp_path, "saved_model", name=name)
    images = rng.random((1, *small.input_shape[1:]), "float32")
    np.testing.assert_allclose(formats.open_exported(path)(images), small.predict_on_batch(images), atol=1e-5)


def test_layers_that_augment_do_not_in_an_exported_model(tmp_path, rng):
    images = keras.Input((16, 16, 3), name="pictures")
    mirrored = keras.layers.RandomFlip()(keras.layers.RandomBrightness(0.5, (0, 1))(images))
    model = keras.Model(images, keras.layers.Conv2D(3, 1, name="image")(mirrored), name="image")
    answer = formats.open_exported(exporting.export(model, tmp_path, "saved_model"))
    photo = rng.random((1, 16, 16, 3), "float32")
    for _ in range(6):
        np.testing.assert_allclose(answer(photo), model.predict_on_batch(photo), atol=1e-5)


def test_a_failing_converter_leaves_the_old_file(small, tmp_path, monkeypatch):
    def fail(model, path, *arguments):
        path.write_text("half")
        raise RuntimeError("the converter fails")

    (tmp_path / "small.onnx").write_text("old")
    monkeypatch.setitem(formats.FORMATS, "onnx", (".onnx", fail, (3, 8)))
    with pytest.raises(RuntimeError, match="the converter fails"):
        exporting.export(small, tmp_path, "onnx", overwrite=True)
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old"]


def test_leftovers_of_another_run_do_not_end_up_in_the_result(small, tmp_path):
    for name in ("unfinished.small", ".unfinished.small"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stranger").touch()
    path = exporting.export(small, tmp_path, "saved_model")
    assert not list(path.rglob("stranger"))


def test_the_command_names_files_after_what_was_given(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 2, "validation": 2, "test": 2})
    wide = keras.Sequential([keras.Input((16, 32, 3)), keras.layers.Conv2D(3, 1)], name="small")
    wide.save(tmp_path / "own5.keras")
    command = ["export", str(tmp_path / "own5.keras"), "--dataset", "synthetic_pets", "--out", str(tmp_path / "out")]
    __main__.main(command)
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["own5.onnx"]
    assert "pet" not in capsys.readouterr().out.replace("synthetic_pets", "")
    with pytest.raises(SystemExit, match=r"own5\.onnx is there already"):
        __main__.main(command)
    monkeypatch.setattr("zoo.formats.open_exported", lambda path: lambda images: images * np.nan)
    with pytest.raises(SystemExit, match="finite logits"):
        __main__.main([*command, "--format", "litert"])
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["own5.onnx"]
    monkeypatch.undo()
    monkeypatch.setattr(synthetic_pets, "EXAMPLES", {"train": 2, "validation": 2, "test": 2})
    __main__.main([*command, "--format", "litert", "--quantize", "int8"])  # its photos are squeezed to 16 x 32, too
    assert {entry.name for entry in (tmp_path / "out").iterdir()} == {"own5.onnx", "own5_int8.tflite"}
