"""The models, live in the page: they answer as `zoo.predict` does, and refuse in words what they cannot read."""

import functools
import importlib.util
import io
import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from caches import kept
from PIL import Image
from skimage.data import astronaut, camera, chelsea, coffee

import zoo
from zoo.data import CLASSES, read_image
from zoo.plots import COLOURS, TINTS
from zoo.prediction import squeeze

ROOT = Path(__file__).parents[1]
HOOK = ROOT / "tutorials" / "hooks" / "live.py"
CHELSEA = "Example: Chelsea"
in_browser = pytest.mark.slow

# Red, green, blue and opacity of each pixel of the answers.
READ = """(selector) => [...document.querySelectorAll(selector)].map((canvas) => {
    const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.height, canvas.width, Array.from(data, (value) => String.fromCharCode(value)).join("")];
})"""


@pytest.fixture
def live(visit, site):
    """Opens the page: live(watch, offline=True, ...)."""
    if missing := json.loads((site / "live" / "models.json").read_text()).get("missing"):
        pytest.skip(missing)

    def open_page(watch=None, **settings):
        page = visit("try/", watch, **settings)
        page.get_by_role("button", name=CHELSEA).wait_for()
        return page

    return open_page


@pytest.fixture
def started(live):
    """The page, on which the U-Net has answered to Chelsea."""
    page = live()
    press(page, CHELSEA)
    wait(page)
    return page


def press(page, name):
    page.get_by_role("button", name=name).press("Enter")


def wait(page, text="unet answered in"):
    """Waits for a sentence, and makes room for the next one."""
    sentence = page.locator(".live-status", has_text=text)
    sentence.wait_for()
    text = sentence.text_content()
    page.evaluate("document.querySelector('.live-status').textContent = ''")
    return text


def choose(page, label, option):
    page.get_by_label(label).select_option(option)


def give(page, name, content, kind="Photo"):
    """Chooses a file in the dialog."""
    accepted = {"Photo": "image/*", "Model": ".onnx"}[kind]
    page.locator(f"input[accept='{accepted}']").set_input_files({"name": name, "mimeType": "", "buffer": content})


def pictures(page, selector=".live-picture canvas:nth-of-type(2)"):
    """What canvases show: arrays uint8 (h, w, 4)."""
    return [
        np.frombuffer(text.encode("latin1"), "uint8").reshape(height, width, 4)
        for height, width, text in page.evaluate(READ, selector)
    ]


def class_maps(page):
    """What the answers show, in the colours of the classes, as class numbers (h, w)."""
    found = [(picture[:, :, None, :3] == COLOURS).all(-1) for picture in pictures(page)]
    assert all(one.any(-1).all() for one in found)
    return [one.argmax(-1) for one in found]


# Lets files go over an element, as if they came from a folder: `window.files` holds them.
BRING = """([type, target]) => {
    const transfer = new DataTransfer();
    for (const file of window.files) transfer.items.add(file);
    const event = { dataTransfer: transfer, clipboardData: transfer, bubbles: true, cancelable: true };
    const kind = type === "paste" ? ClipboardEvent : DragEvent;
    document.querySelector(target).dispatchEvent(new kind(type, event));
}"""


def bring(page, type, target=".live-invitation"):
    """Drops or pastes `window.files`."""
    page.evaluate(BRING, [type, target])


def encode(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def interlaced(image):
    """An RGBA picture as a PNG that comes in seven passes, by the table of its specification."""
    pixels, lines = np.asarray(image), b""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    for top, left, down, across in passes:
        lines += b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::across])
    header = struct.pack(">IIBBBBB", *image.size, 8, 6, 0, 0, 1)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    framed = [struct.pack(">I", len(of)) + name + of + struct.pack(">I", zlib.crc32(name + of)) for name, of in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def photos_of_all_kinds():
    """Files by their names: of different size, mode and orientation."""
    cat, cup, face = (Image.fromarray(array()) for array in (chelsea, coffee, astronaut))
    turned, mirrored = Image.Exif(), Image.Exif()
    turned[0x0112], mirrored[0x0112] = 6, 5
    faded = cat.copy()
    faded.putalpha(Image.linear_gradient("L").resize(cat.size))
    sixteen = Image.fromarray(camera().astype("uint16") * 251 + 97)
    return {
        "tiny.bmp": encode(face.resize((60, 40)), "BMP"),
        "chroma.jpg": encode(cat, "JPEG", quality=75),
        "turned.jpg": encode(cup.crop((50, 0, 450, 300)), "JPEG", exif=turned),
        "mirrored.jpg": encode(cup.crop((50, 0, 450, 300)), "JPEG", exif=mirrored),
        "ink.jpg": encode(face.convert("CMYK"), "JPEG"),
        "large.jpg": encode(cat.resize((2000, 1330)), "JPEG"),
        "grey.png": encode(Image.fromarray(camera()), "PNG"),
        "palette.png": encode(cat.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        "transparent.png": encode(faded, "PNG"),
        "sixteen.png": encode(sixteen, "PNG"),
        "lossy.webp": encode(cat, "WEBP"),
        "narrow.png": encode(cat.crop((200, 0, 201, 300)), "PNG"),
        "interlaced.png": interlaced(faded),
        "turned.png": encode(faded, "PNG", exif=turned),
        "mirrored.png": encode(faded, "PNG", exif=mirrored),
        "film.png": encode(faded, "PNG", save_all=True, append_images=[face.resize(cat.size)], default_image=True),
        "faded.webp": encode(faded, "WEBP", lossless=True, exact=True),
        "turned.webp": encode(cup.crop((50, 0, 450, 300)), "WEBP", exif=turned),
    }


@in_browser
def test_all_stages_answer_as_zoo_predict(started, tmp_path):
    """All of them of a few photos, and one of all kinds: each photo is decoded once, for whatever stage."""
    models = {stage: zoo.load(stage) for stage in zoo.STAGES}
    choose(started, "Stage", "all")
    wait(started)
    choose(started, "Show", "classes")
    kinds = photos_of_all_kinds()
    few = ["tiny.bmp", "large.jpg", "narrow.png"]
    for name in [*few, *(name for name in kinds if name not in few)]:
        if len(models) > 1 and name not in few:
            models = {"unet": models["unet"]}
            choose(started, "Stage", "unet")
            wait(started)
        (tmp_path / name).write_bytes(kinds[name])
        give(started, name, kinds[name])
        wait(started)
        found = class_maps(started)
        assert len(found) == len(models)
        for (stage, model), classes in zip(models.items(), found, strict=True):
            expected = zoo.predict(model, tmp_path / name)
            rows, columns = (
                ((np.arange(shown) + 0.5) * side / shown).astype(int)
                for shown, side in zip(classes.shape, expected.shape, strict=True)
            )
            assert max(classes.shape) == min(1024, max(expected.shape))
            assert (classes == expected[np.ix_(rows, columns)]).mean() >= 0.999, (name, stage)


@in_browser
def test_the_chinese_page_answers_the_same_and_speaks_chinese(visit, live):
    page = live()
    press(page, CHELSEA)
    wait(page)
    english = pictures(page)
    page = visit("zh/try/")
    page.get_by_role("button", name="例子：Chelsea").press("Enter")
    assert "宠物" in wait(page, "毫秒作答")
    np.testing.assert_array_equal(pictures(page), english)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "text.jpg", "mimeType": "", "buffer": b"no picture"}
    )
    assert wait(page, "text.jpg").startswith("text.jpg：文件坏了")  # the worker's words


@in_browser
def test_the_cut_out_is_transparent_where_the_background_is(started, tmp_path):
    content = encode(Image.fromarray(chelsea()).resize((1500, 1000)), "PNG")
    give(started, "cat.png", content)
    wait(started)
    with started.expect_download() as download:
        press(started, "Download the cut-out")
    assert download.value.suggested_filename == "cat.png.cutout.png"
    with Image.open(download.value.path()) as file:
        found = np.asarray(file)
    photo = np.asarray(Image.open(io.BytesIO(content)))
    background = zoo.predict(zoo.load("unet"), photo) == CLASSES.index("background")
    assert ((found[:, :, 3] == 0) == background).mean() >= 0.999
    seen = found[:, :, 3] == 255
    assert (found[seen][:, :3] == photo[seen]).all()


@in_browser
def test_probabilities_are_shown_and_said(started):
    expected = zoo.predict(zoo.load("unet"), chelsea(), probabilities=True)
    for number in range(3):
        choose(started, "Show", f"probability {number}")
        give(started, "cat.png", encode(Image.fromarray(chelsea()), "PNG"))
        wait(started)  # which is said when the answer is drawn
        (shown,) = pictures(started)
        assert np.abs(shown[:, :, 0] / 255 - expected[:, :, number]).max() < 0.01
    picture = started.get_by_role("application")
    picture.press("ArrowDown")
    said = started.locator(".live-status").text_content()
    row, column = map(int, re.findall(r"\d+", said)[:2])
    assert [row, column] == [150 + 11, 225]  # from the middle, a fortieth of the longer side
    order = expected[row, column].argsort()[::-1]
    told = ", ".join(f"{CLASSES[number]} {100 * expected[row, column, number]:.0f} %" for number in order)
    assert said == started.locator(".live-pointed").text_content() == f"Row {row}, column {column}: {told}."


@in_browser
def test_the_step_inside_shows_the_offsets_of_the_layer(started):
    import keras

    from zoo.layers import MaxPoolingWithOffsets2D, MaxUnpooling2D

    model = zoo.load("max_unpooling")
    down = next(layer for layer in model.layers if isinstance(layer, MaxPoolingWithOffsets2D))
    up = next(layer for layer in reversed(model.layers) if isinstance(layer, MaxUnpooling2D))
    give(started, "cat.png", encode(Image.fromarray(chelsea()), "PNG"))
    wait(started)
    choose(started, "Stage", "max_unpooling")
    wait(started, "max unpooling answered in")
    inside = keras.Model(model.input, [down.output[1], up.output])
    offsets, unpooled = inside.predict(squeeze(read_image(chelsea()), (128, 128, 3))[None], verbose=0)
    started.locator(".live-inside").evaluate("details => details.open = true")
    started.locator(".live-panels figure").nth(3).wait_for()
    _, shown, _, grown = pictures(started, ".live-panels canvas")
    channel = int(started.locator(".live-inside output").text_content())
    expected = (255 * TINTS).round()[offsets[0, :, :, channel]]
    assert (np.abs(shown[:, :, :3] - expected).max(-1) < 2).mean() > 0.999
    white = (grown[:, :, :3] == grown[0, :, :3].max()).all(-1)
    assert (
        white == (np.abs(unpooled[0, :, :, channel]) < np.abs(unpooled[0, :, :, channel]).max() / 500)
    ).mean() > 0.99


# Of a pixel's colours the logits of its classes: size, classes, kernel and bias of a 1 x 1 convolution.
COLOUR_MODELS = {
    "colours": ((48, 64, 3), ["red, or so", "green", "blue", "dark"], np.eye(3, 4) * [1, 1.25, 1.7, 0], [0, 0, 0, 0.4]),
    "grey": ((32, 32, 1), ["background", "light"], [[1.0]], [-0.45]),
}


@in_browser
@pytest.mark.parametrize("name", COLOUR_MODELS)
def test_a_model_of_ones_own(live, tmp_path, name):
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed (extra `export`)")
    import keras

    from zoo import exporting
    from zoo.plots import palette

    size, classes, kernel, bias = COLOUR_MODELS[name]
    image = keras.Input(size)
    model = keras.Model(image, keras.layers.Conv2D(len(bias), 1)(image))
    model.set_weights([np.array(kernel, "float32")[None, None], np.array(bias, "float32")])
    path = exporting.export(model, tmp_path, "onnx", name="mine", classes=classes)
    page = live()
    wrong = path.read_bytes().replace(b"%d, %d, %d), one" % (*size[:2], len(bias)), b"%d, %d, 9), one" % size[:2])
    if len(bias) > 1:
        give(page, path.name, wrong, kind="Model")
        wait(page, f"mine.onnx cannot be opened: {len(bias)} logits")
    give(page, path.name, path.read_bytes(), kind="Model")
    assert f"{size[0]} x {size[1]}" in wait(page, "mine.onnx knows")
    for view in ("overlay", "classes"):
        if view == "classes":
            choose(page, "Show", view)
        give(page, "cat.png", encode(Image.fromarray(chelsea()), "PNG"))
        wait(page, "mine.onnx answered in")
    (shown,) = pictures(page)
    expected = zoo.predict(model, chelsea()).astype(int)
    assert np.bincount(expected.ravel(), minlength=len(classes)).min() > 100
    assert (shown[:, :, :3] == palette(4)[expected]).all(-1).mean() >= 0.999
    named = page.locator(".live-legend .live-class").all_text_contents()
    assert named == classes
    cut_out = page.get_by_role("button", name="Download the cut-out")
    assert cut_out.is_visible() == ("background" in classes)


BROKEN = {
    "text.jpg": (b"This is a text.", "text.jpg is broken, or no picture"),
    "half.jpg": (encode(Image.fromarray(chelsea()), "JPEG")[:200], "half.jpg is broken, or no picture"),
    "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "phone.heic is a HEIC file"),
    "huge.png": (encode(Image.new("1", (11_000, 10_000)), "PNG"), "up to 100 million pixels"),
    "long.png": (encode(Image.new("1", (70_000, 3)), "PNG"), "up to 65,535 on a side. long.png has 70000 x 3"),
    "empty.png": (b"", "empty.png is broken, or no picture"),
    "text.onnx": (b"This is a text.", "text.onnx is no ONNX file"),
    "empty.onnx": (b"", "empty.onnx is no ONNX file"),
    "foreign.onnx": (b"\x08\x08\x32\x05hello", "foreign.onnx was not written by"),
    "unet.keras": (b"PK\x03\x04", "unet.keras is no ONNX file"),
}


@in_browser
def test_what_cannot_be_read_is_refused_in_words(started):
    faults = []
    started.on("pageerror", lambda error: faults.append(error.message))
    for name, (content, sentence) in BROKEN.items():
        give(started, name, content, kind="Model" if name.endswith((".onnx", ".keras")) else "Photo")
        assert wait(started, sentence).endswith(".")
        press(started, CHELSEA)  # the page stays usable
        wait(started)
    assert not faults


@in_browser
def test_a_stage_that_does_not_come_stops_no_other(started):
    on_their_way = []
    started.route("**/max_unpooling-*.onnx", lambda route: on_their_way.append(route))
    with started.expect_request("**/max_unpooling-*.onnx"):
        choose(started, "Stage", "max_unpooling")
    choose(started, "Stage", "unet")
    wait(started)
    give(started, "cat.png", encode(Image.fromarray(chelsea()[:200]), "PNG"))
    wait(started)
    assert pictures(started)[0].shape[0] == 200
    choose(started, "Stage", "max_unpooling")
    choose(started, "Stage", "all")
    wait(started, "index unpooling answered in")
    bar = started.get_by_label("Loading").evaluate("bar => [bar.hidden, bar.value, bar.max]")
    assert not bar[0]
    assert bar[2] > 15e6  # what the other stages need, and not max unpooling alone
    on_their_way[0].continue_()
    wait(started, "unet answered in")
    assert len(on_their_way) == 1


@in_browser
def test_what_is_cut_off_on_its_way_is_no_broken_file(live, site):
    page, faults = live(), []
    page.on("pageerror", lambda error: faults.append(error.message))
    for name, what in (("ort-wasm-*.gz", "the runtime"), ("unet-*.onnx", "unet")):
        (whole,) = (site / "live").glob(name)
        part = whole.read_bytes()[:50_000]
        page.route(f"**/{whole.name}", functools.partial(lambda part, route: route.fulfill(body=part), part))
        press(page, CHELSEA)
        wait(page, f"There is no connection to load {what} from.")
        page.unroute(f"**/{whole.name}")
    press(page, CHELSEA)
    wait(page)
    assert not faults


@in_browser
def test_photos_of_one_line_can_be_seen(live):
    page = live(viewport={"width": 320, "height": 568})
    for size in ((1, 2000), (2000, 1)):
        give(page, "line.png", encode(Image.new("RGB", size), "PNG"))
        wait(page)
        box = page.locator(".live-picture").bounding_box()
        assert min(box["width"], box["height"]) >= 2
        assert box["height"] <= 0.7 * 568 + 1


def test_no_server_has_to_know_another_ending(site):
    listed = json.loads((site / "live" / "models.json").read_text())
    if "missing" in listed:
        pytest.skip(listed["missing"])
    assert listed["runtime"]["script"].endswith(".js")  # browsers refuse a module that comes as something else


@in_browser
def test_nothing_is_loaded_before_the_first_click_and_then_what_was_said(live, address):
    sizes, faults = {}, []

    def watch(page):
        page.on("response", lambda response: sizes.update({response.url: int(response.headers["content-length"])}))
        page.on("request", lambda request: request.url.startswith((address, "blob:")) or faults.append(request.url))
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(error.message))

    page = live(watch)
    large = re.compile(r"(\.onnx|\.wasm\.gz|\.wasm|/ort-\w+\.js)$")
    assert not [url for url in sizes if large.search(url)]
    said = float(re.search(r"loads ([\d.]+) MB", page.locator(".live-note").text_content())[1])
    press(page, CHELSEA)
    wait(page)
    assert sum(size for url, size in sizes.items() if large.search(url)) / 1e6 == pytest.approx(said, abs=0.06)
    page.context.set_offline(True)
    give(page, "cat.png", encode(Image.fromarray(chelsea()), "PNG"))
    wait(page)
    choose(page, "Stage", "max_unpooling")
    wait(page, "There is no connection to load max unpooling from.")
    page.context.set_offline(False)
    choose(page, "Stage", "unet")
    wait(page)
    assert not [fault for fault in faults if "ERR_INTERNET_DISCONNECTED" not in fault]


@in_browser
def test_photos_are_dropped_pasted_and_filmed(live):
    page = live(permissions=["camera"])
    page.evaluate("""async () => {
        const canvas = new OffscreenCanvas(30, 20);
        canvas.getContext("2d").fillRect(0, 0, 30, 20);
        window.files = [new File([await canvas.convertToBlob()], "black.png", { type: "image/png" })];
    }""")
    for way in (["drop"], ["paste", "body"]):
        bring(page, *way)
        wait(page)
        assert pictures(page)[0].shape == (20, 30, 4)
    press(page, "Use the camera")
    rate = page.get_by_text("pictures a second")
    rate.wait_for()
    assert rate.get_attribute("aria-live") == "off"  # else it would be read each second
    press(page, "Keep this picture")
    wait(page)
    assert not rate.count()
    assert pictures(page)[0].shape[:2] != (20, 30)
    assert page.get_by_role("button", name="Use the camera").is_visible()


@in_browser
def test_a_camera_that_is_unplugged_is_told(live):
    page = live(permissions=["camera"])
    page.evaluate("""() => {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => (window.stream = await open(wanted));
    }""")
    press(page, "Use the camera")
    page.get_by_text("pictures a second").wait_for()
    page.evaluate("stream.getTracks().forEach((track) => track.stop())")
    wait(page, "The camera gives no more pictures.")
    assert page.get_by_role("button", name="Use the camera").is_visible()


@in_browser
def test_the_camera_can_be_switched_off_before_it_is_allowed(live):
    page = live(permissions=["camera"])
    page.evaluate("""() => {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        const allowed = new Promise((allow) => (window.allow = allow));
        window.streams = [];
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            await allowed;
            window.streams.push(await open(wanted));
            return window.streams.at(-1);
        };
    }""")
    ended = "streams.length === {} && streams.every((stream) => !stream.active)"
    page.get_by_role("button", name="Use the camera").dblclick()
    page.get_by_role("button", name="Use the camera").press("Enter")
    give(page, "cat.png", encode(Image.fromarray(chelsea()), "PNG"))
    wait(page)
    page.evaluate("allow()")
    page.wait_for_function(ended.format(2))
    assert pictures(page)[0].shape[:2] == chelsea().shape[:2]
    page.evaluate("""() => {
        HTMLVideoElement.prototype.play = () => Promise.reject(new Error("It does not play."));
    }""")
    press(page, "Use the camera")
    wait(page, "It does not play.")
    assert page.evaluate(ended.format(3))
    page.evaluate("() => { HTMLVideoElement.prototype.play = () => new Promise(() => {}); }")  # as behind a shutter
    press(page, "Use the camera")
    page.wait_for_function("streams.length === 4")
    press(page, "Keep this picture")
    page.wait_for_function(ended.format(4))
    assert page.get_by_role("button", name="Use the camera").is_visible()


@in_browser
def test_what_fails_while_the_camera_is_switched_off_is_told(live):
    page, on_their_way = live(permissions=["camera"]), []
    page.route("**/*.wasm.gz", lambda route: on_their_way.append(route))
    with page.expect_request("**/*.wasm.gz"):
        press(page, "Use the camera")
    press(page, "Keep this picture")
    on_their_way[0].abort()
    wait(page, "There is no connection to load the runtime from.")


@in_browser
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotAllowedError", "The camera was not allowed to this page."),
        ("NotReadableError", "The camera cannot be read. Perhaps another program uses it."),
        ("NotFoundError", "No camera was found."),
    ],
)
def test_a_camera_that_does_not_open_is_told_in_words(live, name, sentence):
    page = live()
    page.evaluate(f"""() => {{
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "{name}"));
    }}""")
    press(page, "Use the camera")
    wait(page, sentence)


@in_browser
def test_what_is_shown_changes_without_needless_drawing_and_while_the_stage_changes(started):
    faults = []
    started.on("pageerror", lambda error: faults.append(error.message))
    choose(started, "Stage", "all")
    wait(started)
    asked = started.evaluate("""() => {
        const [post, asked] = [Worker.prototype.postMessage, []];
        Worker.prototype.postMessage = function (message, ...more) {
            asked.push(message.method);
            return post.call(this, message, ...more);
        };
        const strength = document.querySelector("input[type=range]");
        for (strength.value = 0; strength.value < 10; strength.value++) strength.dispatchEvent(new Event("input"));
        const [stage, view] = document.querySelectorAll("select");
        [view.value, stage.value] = ["probability 0", "unet"];
        for (const select of [view, stage]) select.dispatchEvent(new Event("change"));
        return asked;
    }""")
    assert asked.count("draw") <= 1  # of the change of what is shown
    wait(started)
    assert not started.locator(".live-error").count()
    assert not faults


@in_browser
def test_a_tap_tells_what_is_under_the_finger(live):
    page = live(has_touch=True)
    press(page, CHELSEA)
    wait(page)
    page.get_by_role("application").tap()
    assert re.match(r"Row 1[45]\d, column 2[23]\d: .* %", page.locator(".live-pointed").text_content())
    press(page, CHELSEA)
    wait(page)
    assert page.locator(".live-pointed").text_content() == ""  # of another photo it says nothing


@in_browser
def test_a_first_photo_that_is_broken_leaves_nothing_more_to_load(live):
    page = live()
    give(page, "text.png", b"text")
    wait(page, "text.png is broken")
    page.wait_for_function("!document.querySelector('.live-note').textContent.includes('loads')")


@in_browser
def test_photos_that_come_while_others_are_answered(started):
    """A cut-out is of the last; two at once are closed once each; a broken one leaves the one before its answers."""
    choose(started, "Stage", "all")
    wait(started)
    with started.expect_download():
        give(started, "cat.png", encode(Image.fromarray(chelsea()[:200]), "PNG"))
        press(started, "Download the cut-out")
    wait(started)
    started.evaluate("""async () => {
        const draw = async (side) => {
            const canvas = new OffscreenCanvas(side, side);
            canvas.getContext("2d").fillRect(0, 0, side, side);
            return new File([await canvas.convertToBlob()], `${side}.png`);
        };
        window.photos = [await draw(20), await draw(30), new File(["text"], "text.png")];
        window.ended = [];
        ImageBitmap.prototype.close = function () {
            window.ended.push(this);
        };
    }""")
    started.evaluate(f"""() => {{
        for (window.files of [[photos[0]], [photos[1]]]) ({BRING})(["drop", ".live-invitation"]);
        window.files = [photos[2]];
    }}""")
    started.wait_for_function(
        "document.querySelector('canvas').width === 30 && document.querySelector('.live-time').textContent"
    )
    bring(started, "drop")
    started.wait_for_function("[...document.querySelectorAll('.live-time')].every((time) => time.textContent)")
    assert started.evaluate("ended.length") == started.evaluate("new Set(ended).size") >= 2
    assert {picture.shape[0] for picture in pictures(started)} == {30}
    assert started.locator(".live-error").text_content().startswith("text.png is broken")


@in_browser
def test_what_belongs_to_another_photo_or_stage_is_not_shown(started):
    picture = started.get_by_role("application")
    picture.press("ArrowDown")
    assert started.locator(".live-mark").is_visible()
    give(started, "face.png", encode(Image.fromarray(astronaut()[:100]), "PNG"))
    wait(started)
    assert not started.locator(".live-mark").is_visible()
    picture.press("ArrowDown")
    assert wait(started, "Row ").startswith("Row 63, column 256")  # from the middle
    for stage in ("all", "unet"):  # so that all of them are loaded
        choose(started, "Stage", stage)
        wait(started)
    started.locator(".live-inside").evaluate("details => details.open = true")
    started.locator(".live-panels figure").first.wait_for()
    started.get_by_label("Close up").check()
    started.evaluate("""() => {
        const [stage, level] = ["Stage", "Level"].map((label) => {
            const labels = [...document.querySelectorAll(".live label")];
            return labels.find((each) => each.textContent.startsWith(label)).querySelector("select");
        });
        level.dispatchEvent(new Event("change")); // its maps are computed, while the stage is left
        stage.value = "all";
        stage.dispatchEvent(new Event("change"));
    }""")
    wait(started)
    started.locator(".live-picture").first.press("ArrowDown")
    assert started.locator(".live-inside > p").text_content() == "Choose one stage to look inside."
    assert started.locator(".live-panels figure").count() == 0


@in_browser
def test_a_dropped_folder_is_refused_in_words(started, tmp_path):
    picture = started.get_by_role("application")
    picture.hover()  # the page scrolls to it
    box = picture.bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(tmp_path)], "dragOperationsMask": 1}
    session = started.context.new_cdp_session(started)
    for type in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": type, "data": data, **place})
    wait(started, f"{tmp_path.name} is broken, or no picture")


@in_browser
def test_text_can_be_dragged_over_the_page_and_files_do_not_replace_it(live):
    drag = """(type, isFile) => {
        const transfer = new DataTransfer();
        transfer.items.add(...(isFile ? [new File([""], "photo.png")] : ["text", "text/plain"]));
        const event = new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
        return document.querySelector("input.md-search__input").dispatchEvent(event);
    }"""
    page = live()
    for type in ("dragover", "drop"):
        assert page.evaluate(f"({drag})('{type}', false)")
        assert not page.evaluate(f"({drag})('{type}', true)")


@in_browser
def test_without_a_connection_a_click_can_be_tried_again(live):
    """First the worker's script does not come, then the program of the runtime, then its script."""
    page = live()
    content = encode(Image.fromarray(chelsea()), "PNG")
    for lost in ("**/live_worker.js", "**/*.wasm.gz", "**/ort-*.js"):
        page.route(lost, lambda route: route.abort())
        give(page, "cat.png", content)
        wait(page, "There is no connection to load the runtime from.")
        page.unroute(lost)
    give(page, "cat.png", content)
    wait(page)
    assert sum(worker.url.endswith("live_worker.js") for worker in page.workers) == 1


@in_browser
def test_without_a_connection_to_the_list_of_models_the_page_says_so(visit):
    page = visit("try/", lambda page: page.route("**/live/models.json", lambda route: route.abort()))
    page.get_by_text("There is no connection to load the models from.").wait_for()


@in_browser
def test_a_browser_without_webassembly_is_told_so(visit):
    page = visit("try/", lambda page: page.add_init_script("delete window.WebAssembly"))
    page.get_by_text("This browser has no WebAssembly").wait_for()


@in_browser
def test_a_site_without_the_runtime_says_what_is_missing(visit):
    def lack(page):
        page.route("**/live/models.json", lambda route: route.fulfill(json={"missing": "Install npm."}))

    visit("try/", lack).get_by_text("The live models are not part of this site. Install npm.").wait_for()


@in_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 375)])
def test_answers_can_be_read_by_everyone(live, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (extra `test`)")
    page = live(color_scheme=scheme, viewport={"width": width, "height": 700})
    press(page, CHELSEA)
    wait(page)
    choose(page, "Stage", "all")
    wait(page)
    choose(page, "Stage", "max_unpooling")
    wait(page, "max unpooling answered")
    page.locator(".live-inside").evaluate("details => details.open = true")
    page.locator(".live-panels figure").nth(3).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    faults = [
        (violation["id"], node["html"])
        for violation in axe.Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert not faults, faults


@pytest.fixture
def hook(tmp_path, monkeypatch):
    """The module that puts the live models into the site, with a cache of its own."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra `site`)")
    specification = importlib.util.spec_from_file_location("live_hook", HOOK)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "CACHE", tmp_path)
    return module


def test_the_builder_is_told_what_is_missing(hook, monkeypatch, tmp_path):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / hook.PROGRAM).touch()
    monkeypatch.setattr(hook, "RUNTIME", tmp_path)
    monkeypatch.setattr(hook, "NEEDED", {"json": "nothing"})
    assert hook.what_is_missing() == ""
    monkeypatch.setattr(hook, "NEEDED", {"no_such_package": "pip install it"})
    assert "no_such_package" in hook.what_is_missing()
    monkeypatch.setattr(hook, "RUNTIME", tmp_path / "nowhere")
    assert "npm" in hook.what_is_missing()


@pytest.mark.parametrize("name", ["model.onnx", "pictures"])
def test_what_is_in_the_cache_is_made_anew_only_when_its_sources_change(name, tmp_path):
    source, path, made = tmp_path / "source", tmp_path / "cache" / name, []

    def make(unfinished):
        made.append(unfinished)
        if name == "pictures":
            unfinished.mkdir()
        (unfinished / "one" if name == "pictures" else unfinished).write_text("made")

    source.write_text("first")
    first = kept(path, [source, "1.0"], make)
    other = kept(path.with_name(f"other_{name}"), [source], make)
    assert kept(path, [source, "1.0"], make) == first
    assert first.suffix == path.suffix
    assert len(made) == 2
    source.write_text("second")
    second = kept(path, [source, "1.0"], make)
    assert {*path.parent.iterdir()} == {second, other}
    third = kept(path, [source, "1.1"], make)
    assert third != second
    assert kept(path, [source, b"1.1"], make) == third
    assert len(made) == 4


def test_a_live_model_is_made_anew_when_a_layer_changes(hook):
    sources = hook.sources(hook.REGISTRY[0])
    assert {ROOT / "zoo" / "resizing.py", *ROOT.glob("zoo/layers/*.py")} <= {*sources}
