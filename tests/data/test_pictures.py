import ast
import os
import pathlib
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import EpsImagePlugin, ExifTags, Image
from skimage import color

from zoo import data
from zoo.data import pictures

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def ramp():
    """Sixteen bits from black to white."""
    return np.linspace(0, 65535, 40 * 50).reshape(40, 50).round().astype("uint16")


@pytest.fixture
def colours(rng):
    return rng.integers(0, 256, (40, 50, 3), "uint8")


def test_postscript_does_not_run(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *arguments, **options: started.append(arguments))
    (tmp_path / "photo.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{ } loop\n")
    for read in (data.read_image, data.read_mask):
        with pytest.raises(OSError, match=r"photo\.jpg"):
            read(tmp_path / "photo.jpg")
        with pytest.raises(ValueError, match=r"`source`: an image of Pillow must .* or be new. Received: EPS"):
            read(Image.open(tmp_path / "photo.jpg"))
    assert not started


def test_every_place_names_the_formats_that_it_opens():
    for path in [*(ROOT / "zoo").rglob("*.py"), *(ROOT / "tutorials").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Image.open"):
                assert "formats" in {keyword.arg for keyword in node.keywords}, f"{path}:{node.lineno}"


@pytest.mark.parametrize("format", pictures.ENDINGS)
def test_every_known_format_is_read(format, colours, tmp_path):
    for ending in pictures.ENDINGS[format]:
        path = tmp_path / f"photo{ending}"
        Image.fromarray(colours).save(path, format, lossless=True)
        expected = np.asarray(Image.open(path).convert("RGB"))
        np.testing.assert_array_equal(data.read_image(path), expected)
        np.testing.assert_array_equal(data.read_image(Image.open(path)), expected)


def test_a_photo_of_several_pictures_handed_over(tmp_path):
    Image.new("RGB", (4, 4), "white").save(
        tmp_path / "a.jpg", "MPO", save_all=True, append_images=[Image.new("L", (9, 9))]
    )
    for source in (tmp_path / "a.jpg", Image.open(tmp_path / "a.jpg")):
        assert (data.read_image(source) == np.full((4, 4, 3), 255)).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_sixteen_bits_are_scaled(ramp, tmp_path, name):
    Image.fromarray(ramp).save(tmp_path / name)
    expected = np.repeat(np.round(ramp / 257)[..., None], 3, -1)
    np.testing.assert_array_equal(data.read_image(tmp_path / name), expected)


def test_sixteen_bits_of_a_png_in_pillows_oldest_way(ramp):
    image = Image.fromarray(ramp.astype("int32"))
    assert image.mode == "I"
    image.format = "PNG"  # as Pillow 10.1 opens it
    np.testing.assert_array_equal(data.read_image(image)[..., 0], np.round(ramp / 257))


def test_floating_tiff_is_read_as_a_floating_array_is(ramp, tmp_path):
    Image.fromarray(ramp.astype("float32") / 65535).save(tmp_path / "unit.tif")
    assert abs(data.read_image(tmp_path / "unit.tif")[..., 0] - ramp / 257).max() <= 0.5
    for number, wrong in enumerate([ramp.astype("float32"), np.full((4, 4), np.nan, "float32")]):
        Image.fromarray(wrong).save(tmp_path / f"{number}.tif")
        with pytest.raises(OSError, match=rf"{number}\.tif.*must lie in \[0, 1\]"):
            data.read_image(tmp_path / f"{number}.tif")


def test_what_has_no_known_range_is_refused(ramp, tmp_path):
    Image.fromarray(ramp.astype("int32")).save(tmp_path / "wide.tif")
    Image.fromarray(ramp).save(tmp_path / "inverted.tif", tiffinfo={262: 0})  # black is 65535, which Pillow forgets
    Image.new("LAB", (4, 4)).save(tmp_path / "lab.tif")
    for name in ("wide.tif", "inverted.tif", "lab.tif"):
        with pytest.raises(OSError, match=rf"{name}.*no rule"):
            data.read_image(tmp_path / name)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "RGBA", "RGBX", "RGB"])
def test_images_of_pillow_in_other_colours(mode, colours):
    read = data.read_image(Image.fromarray(colours).convert(mode)).astype(int)
    assert abs(read - colours).mean() < {"HSV": 3, "YCbCr": 3}.get(mode, 1)


def test_hue_is_read_as_scikit_image_reads_it(colours):
    hue = Image.merge("HSV", [Image.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(colours, -1, 0)])
    expected = 255 * color.hsv2rgb(np.asarray(hue) / 255)
    assert abs(data.read_image(hue) - expected).mean() < 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "I;16", "I;16B"])
def test_grey_images_of_pillow(mode, ramp):
    grey = Image.fromarray((ramp // 257).astype("uint8"))
    image = {
        "1": lambda: grey.point(lambda value: value > 127, "1"),
        "La": lambda: grey.convert("LA").convert("La"),
        "I;16": lambda: Image.fromarray(ramp),
        "I;16B": lambda: Image.frombytes("I;16B", grey.size, ramp.astype(">u2").tobytes()),
    }.get(mode, lambda: grey.convert(mode))()
    assert image.mode == mode
    expected = 255 * (ramp // 257 > 127) if mode == "1" else ramp / 257
    for plane in np.moveaxis(data.read_image(image), -1, 0):
        assert abs(plane - expected).max() <= 1


def test_transparency_is_ignored(colours, rng):
    alpha = rng.integers(200, 256, (40, 50), "uint8")
    image = Image.fromarray(np.dstack([colours, alpha]))
    np.testing.assert_array_equal(data.read_image(image), colours)
    assert abs(data.read_image(image.convert("RGBa")).astype(int) - colours).max() <= 1


def test_palettes(colours, tmp_path, recwarn):
    image = Image.fromarray(colours).quantize(16)
    expected = np.reshape(image.getpalette(), (-1, 3))[np.asarray(image)]
    image.save(tmp_path / "clear.png", transparency=bytes(range(16)))
    for source in (image, image.convert("PA"), tmp_path / "clear.png"):
        np.testing.assert_array_equal(data.read_image(source), expected)
    assert not recwarn.list


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_turned_pictures(colours, tmp_path, name, orientation):
    turned = {
        1: lambda x: x,
        2: np.fliplr,
        3: lambda x: np.rot90(x, 2),
        4: np.flipud,
        5: lambda x: x.swapaxes(0, 1),
        6: lambda x: np.rot90(x, -1),
        7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
        8: np.rot90,
    }[orientation](colours)  # as the standard defines the numbers
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(colours).save(tmp_path / name, exif=exif, lossless=True)
    np.testing.assert_array_equal(data.read_image(tmp_path / name), turned)
    with Image.open(tmp_path / name) as image:
        np.testing.assert_array_equal(data.read_image(image), turned)


def test_a_small_tiff_does_not_unfold_to_a_gigabyte(tmp_path):
    side, packed = 32768, zlib.compress(bytes(1 << 16))
    tags = [(256, 3, 16), (257, 3, 16), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    tags += [(322, 4, side), (323, 4, side), (324, 4, 8), (325, 4, len(packed))]
    entries = b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in tags)
    start = 8 + len(packed)
    (tmp_path / "a.tif").write_bytes(
        struct.pack("<2sHI", b"II", 42, start) + packed + struct.pack("<H", len(tags)) + entries + bytes(4)
    )
    for read in (data.read_image, data.read_mask):
        with pytest.raises(OSError, match="no tiles far larger than its picture"):
            read(tmp_path / "a.tif")


def test_a_jpeg_of_endless_scans_is_refused(tmp_path, rng):
    path = tmp_path / "a.jpg"
    Image.fromarray(rng.integers(0, 256, (40, 50, 3), "uint8")).save(path, progressive=True)
    whole = path.read_bytes()
    decoded = Image.open(path)
    decoded.load()
    for source in (path, Image.open(path), decoded, decoded):
        assert data.read_image(source).shape == (40, 50, 3)
    path.write_bytes(whole + rng.bytes(20_000_000))  # as phones append a film, in which FF DA comes by chance
    assert data.read_image(path).shape == (40, 50, 3)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    path.write_bytes(whole[:-2] + 300 * last + whole[-2:])
    with pytest.raises(OSError, match="a JPEG may have up to 200 scans"):
        data.read_image(path)
    Image.fromarray(rng.integers(0, 256, (40, 50), "uint8")).save(path)  # not a progressive one
    whole = path.read_bytes()
    path.write_bytes(whole[:-2] + 300 * b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00" + whole[-2:])
    with pytest.raises(OSError, match=r"up to 200 scans\. Received: 301"):
        data.read_image(path)


def test_a_pnm_of_endless_comments_is_refused(tmp_path):
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P2 # of one pixel\n2 1 255\n# and another\n7 9\n")
    assert data.read_image(path)[0, :, 0].tolist() == [7, 9]
    path.write_bytes(b"P2 1 1 255\n" + 1000 * b"#\n" + b"7\n")
    with pytest.raises(OSError, match=r"a PNM may have up to 100 comments\. Received: 1000"):
        data.read_image(path)


def test_masks_keep_their_numbers(tmp_path, rng):
    mask = rng.integers(0, 4, (9, 7), "uint8")
    palette = Image.fromarray(mask).convert("P")
    palette.putpalette(rng.integers(0, 256, 768).tolist())
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "palette.bmp")
    Image.fromarray(mask).save(tmp_path / "grey.png")
    Image.fromarray(mask.astype("uint16")).save(tmp_path / "sixteen.png")
    Image.fromarray(mask.astype("int32")).save(tmp_path / "wide.tif")
    for path in tmp_path.iterdir():
        read = data.read_mask(path)
        np.testing.assert_array_equal(read, mask, err_msg=path.name)
        assert read.dtype == np.int32


def test_signed_numbers_are_refused(tmp_path, rng):
    Image.fromarray(rng.integers(0, 3, (6, 7), "uint8")).save(tmp_path / "signed.tif", tiffinfo={339: 2})
    for read in (data.read_image, data.read_mask):
        with pytest.raises(OSError, match="signed 8-bit numbers"):
            read(tmp_path / "signed.tif")


def test_sixteen_bits_in_separate_planes_are_refused(tmp_path):
    """A TIFF by hand: 2 x 1 pixels, each plane a strip of its own."""
    tags = [(256, 4, 1, 2), (257, 4, 1, 1), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 3, 140)]
    tags += [(277, 3, 1, 3), (278, 4, 1, 1), (279, 4, 3, 152), (284, 3, 1, 2)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    assert len(head) == 134
    body = struct.pack("<3H", 16, 16, 16) + struct.pack("<3I", 164, 168, 172) + struct.pack("<3I", 4, 4, 4)
    (tmp_path / "planes.tif").write_bytes(head + body + struct.pack("<6H", 0, 65535, 1, 2, 3, 4))
    with pytest.raises(OSError, match="16 bits in separate planes"):
        data.read_image(tmp_path / "planes.tif")


def test_an_image_that_was_decoded_tells_its_numbers_no_more(tmp_path, rng):
    mask = rng.integers(0, 4, (5, 8), "uint8")
    Image.fromarray(mask).save(tmp_path / "mask.png", bits=2)
    with Image.open(tmp_path / "mask.png") as image:
        first = data.read_mask(image)
        with pytest.raises(ValueError, match="was decoded before"):
            data.read_mask(image)
    np.testing.assert_array_equal(data.read_mask(tmp_path / "mask.png"), first)
    np.testing.assert_array_equal(data.read_mask(Image.fromarray(mask)), mask)  # a new one tells all


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_tiff_is_turned_as_its_orientation_says(dtype, compression, tmp_path):
    mask = np.array([[0, 1, 2], [3, 4, 5]], dtype)
    turns = [mask, mask[:, ::-1], np.rot90(mask, 2), mask[::-1], mask.T, np.rot90(mask, -1)]
    turns += [np.rot90(mask, 2).T, np.rot90(mask)]  # the seventh is mirrored along the other diagonal
    for orientation, expected in enumerate(turns, 1):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        path = tmp_path / f"{orientation}.tif"
        Image.fromarray(mask).save(path, exif=exif, compression=compression)
        np.testing.assert_array_equal(data.read_mask(path), expected)
        with Image.open(path) as opened:
            np.testing.assert_array_equal(data.read_mask(opened), expected)
            assert opened.filename == str(path)
        if dtype == "uint8":
            np.testing.assert_array_equal(data.read_image(path)[..., 0], expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_masks_of_few_bits_keep_their_numbers(bits, tmp_path, rng):
    mask = rng.integers(0, 2**bits, (5, 16), "uint8")
    packed = np.packbits(np.unpackbits(mask[..., None], axis=-1)[..., 8 - bits :].reshape(5, -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)  # no filter

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 16, 5, bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "mask.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    np.testing.assert_array_equal(data.read_mask(tmp_path / "mask.png"), mask)


@pytest.mark.parametrize(("bits", "colours"), [(1, 2), (8, 256), (8, 2), (4, 16)])
@pytest.mark.parametrize("core", [False, True])  # whether the header is the oldest one, of 12 bytes
def test_bmp_with_a_palette_of_greys(bits, colours, core, tmp_path, rng):
    colours = 2**bits if core else colours  # such a header does not tell
    mask = rng.integers(0, colours, (8, 32), "uint8")
    packed = np.packbits(np.unpackbits(mask[..., None], axis=-1)[::-1, :, 8 - bits :].reshape(8, -1), axis=1).tobytes()
    greys = [0, 255] if colours == 2 else range(colours)
    palette = b"".join(bytes([grey] * 3 + [0] * (not core)) for grey in greys)
    header = struct.pack("<IHHHH", 12, 32, 8, 1, bits)
    if not core:
        header = struct.pack("<IiiHHIIiiII", 40, 32, 8, 1, bits, 0, len(packed), 0, 0, colours, 0)
    start = 14 + len(header) + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(packed), 0, 0, start)
    path = tmp_path / "mask.bmp"
    path.write_bytes(head + header + palette + packed)
    if (bits, colours) in ((1, 2), (8, 256)):
        np.testing.assert_array_equal(data.read_mask(path), mask)
        np.testing.assert_array_equal(data.read_image(path)[..., 0], np.array(greys)[mask])
        return
    for read in (data.read_mask, data.read_image):
        with pytest.raises(OSError, match=rf"mask\.bmp: Pillow reads a BMP of {bits} bits"):
            read(path)
        with pytest.raises(ValueError, match=rf"`source`: Pillow reads a BMP of {bits} bits"):
            read(Image.open(path))


def test_masks_that_lost_their_numbers_are_refused(colours, tmp_path):
    grey = Image.fromarray(colours[..., 0])
    grey.save(tmp_path / "grey.jpg")
    grey.save(tmp_path / "lossy.tif", compression="jpeg")
    Image.fromarray(colours).save(tmp_path / "colours.png")
    grey.convert("LA").save(tmp_path / "clear.png")
    grey.convert("F").save(tmp_path / "float.tif")
    (tmp_path / "spread.pgm").write_bytes(b"P5 2 2 3\n\0\1\2\3")
    for path in tmp_path.iterdir():
        with pytest.raises(OSError, match=path.name):
            data.read_mask(path)
        with pytest.raises(ValueError, match="`source`: "):
            data.read_mask(Image.open(path))


@pytest.mark.parametrize("size", [(10_001, 10_000), (70_000, 1), (20_000, 20_000)])
def test_too_large_a_picture_is_named_before_it_is_decoded(size, tmp_path, recwarn):
    Image.new("1", size).save(tmp_path / "large.png")
    with pytest.raises(OSError, match=r"large\.png: a picture may have up to 100,000,000 pixels"):
        data.read_image(tmp_path / "large.png")
    assert not recwarn.list


def test_empty_and_broken_images_of_pillow(tmp_path, rng):
    for size in ((0, 5), (5, 0)):
        for read in (data.read_image, data.read_mask):
            with pytest.raises(ValueError, match=f"`source`: .* Received: {size[0]} x {size[1]}"):
                read(Image.new("L", size))
    Image.fromarray(rng.integers(0, 256, (200, 200, 3), "uint8")).save(tmp_path / "broken.png")
    whole = (tmp_path / "broken.png").read_bytes()
    last = whole.rindex(b"IDAT")  # of several parts
    for broken in (whole[:-40], whole[:last] + b"\0" + whole[last + 1 :]):
        (tmp_path / "broken.png").write_bytes(broken)
        with pytest.raises(ValueError, match="`source`: "):
            data.read_image(Image.open(tmp_path / "broken.png"))


def test_warnings_are_as_before_when_threads_have_read(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    within, ends = threading.Event(), threading.Event()
    before = warnings.filters[:]

    def read(convert):
        pictures.read_file(tmp_path / "a.png", ("PNG",), convert)

    with ThreadPoolExecutor() as pool:  # the second begins while the first reads, and ends after it
        first = pool.submit(read, lambda image: within.set() or ends.wait(9))
        assert within.wait(9)
        pool.submit(read, lambda image: ends.set() or first.result(9)).result(9)
    assert warnings.filters == before


def test_only_the_warnings_of_pillow_are_ignored(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match="of another thread"):
        pictures.read_file(tmp_path / "a.png", ("PNG",), lambda image: warnings.warn("of another thread", stacklevel=1))


def test_what_is_no_file_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for path in (tmp_path / "pipe.jpg", tmp_path / "folder.jpg", "/dev/zero", ""):
        with pytest.raises(OSError, match=r"must be a plain file\. Received: "):
            data.read_image(path)
    with pytest.raises(FileNotFoundError, match=r"nothing\.jpg"):
        data.read_image(tmp_path / "nothing.jpg")


@pytest.mark.skipif(not pathlib.Path("/proc/self/clear_refs").exists(), reason="the system does not tell the peak")
def test_reading_takes_eight_bytes_a_pixel(tmp_path):
    paths = [tmp_path / f"{mode}.png" for mode in ("1", "RGB")]
    for path in paths:
        Image.new(path.stem, (5000, 5000)).save(path)
    code = (
        "import sys; from zoo import fresh; from zoo.data import pictures;"
        "print(*(fresh.peak_growth(lambda: lambda: pictures.read_image(path)) / 5000**2 for path in sys.argv[1:]))"
    )
    run = subprocess.run([sys.executable, "-c", code, *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    used = [float(bytes) for bytes in run.stdout.split()]
    assert len(used) == 2, run.stderr
    assert max(used) < 8
