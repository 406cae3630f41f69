"""What the numbers of a picture mean, in each of Pillow's modes."""

import re

import numpy as np
from PIL import ExifTags, ImageOps

GREY = np.array([0.299, 0.587, 0.114], "float32")  # shares of red, green and blue (ITU-R BT.601)
MAX_PIXELS = 100_000_000
MAX_SIDE = 65_535  # of a JPEG
MAX_SCANS = 200  # of a JPEG, which may come in several passes: ten are usual
MAX_COMMENTS = 100  # of a PNM in letters: for each one Pillow copies what follows
SCAN = re.compile(rb"\xff\xda\x00(?:\x06\x00|\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")  # its length tells its components
STRIP = 1 << 18  # pixels that are worked on at once, so that no whole picture is held in a wider type


def check_size(width, height):
    """Refuses what is empty, or would exhaust the memory, before it is decoded."""
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE or min(width, height) < 1:
        limits = f"{MAX_PIXELS:,} pixels, and 1 to {MAX_SIDE:,} a side"
        raise ValueError(f"a picture may have up to {limits}. Received: {width} x {height}")


def upright(image):
    """Decodes a picture, and turns it as its orientation tag (EXIF) says."""
    check_size(*image.size)
    check_bits(image)
    load(image)
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    return ImageOps.exif_transpose(image) if turned else image  # which would copy it


def load(image):
    """Decodes a picture, without mapping its file into memory: Pillow would take the pixels of an uncompressed TIFF
    that is to be turned for those of the turned one.
    """
    name = getattr(image, "filename", "")
    image.filename = ""
    try:
        image.load()
    finally:
        image.filename = name


def check_bits(image):
    """Refuses what Pillow would decode wrongly, among it a BMP: with a palette of black and white it is taken for one
    bit, and with other greys in their order for eight, however many bits it has.
    """
    tags = getattr(image, "tag_v2", {})
    tile = [int(np.max(np.atleast_1d(tags.get(side, 0)))) for side in (322, 323)]
    if tile[0] * tile[1] > max(4 * image.width * image.height, 1 << 22):  # each is decoded as a whole
        raise ValueError(f"a TIFF may have no tiles far larger than its picture. Received: {tile[0]} x {tile[1]}")
    if image.format in ("JPEG", "MPO") and image.tile:  # it is not decoded yet
        image.fp.seek(0)
        if (scans := len(SCAN.findall(image.fp.read()))) > MAX_SCANS:  # each is decoded over the whole picture
            raise ValueError(f"a JPEG may have up to {MAX_SCANS} scans. Received: {scans}")
    if image.format == "PPM" and image.tile and image.tile[0][0] == "ppm_plain":
        image.fp.seek(0)
        if (comments := image.fp.read().count(b"#")) > MAX_COMMENTS:
            raise ValueError(f"a PNM may have up to {MAX_COMMENTS} comments. Received: {comments}")
    if 2 in np.atleast_1d(tags.get(339, 1)) and not image.mode.startswith("I"):
        raise ValueError("Pillow reads a TIFF of signed 8-bit numbers as if they were from 0 to 255: store it as PNG.")
    if tags.get(284) == 2 and max(np.atleast_1d(tags.get(258, 8))) > 8 and image.tile and image.tile[0][0] == "raw":
        raise ValueError("Pillow reads a TIFF of 16 bits in separate planes as noise: store it as PNG.")
    expected = {"1": 1, "L": 8}.get(raw_mode(image))
    if image.format == "BMP" and expected and image.tile[0][0] == "raw":  # others are run-length encoded
        image.fp.seek(14)
        header = image.fp.read(16)
        start = 10 if header[0] == 12 else 14  # in the oldest kind, of 12 bytes, or in others
        bits = int.from_bytes(header[start : start + 2], "little")
        if bits != expected:
            raise ValueError(f"Pillow reads a BMP of {bits} bits with a palette of greys wrongly: store it as PNG.")


def rgb_array(image):
    """A picture in any mode that has a rule, as uint8 (h, w, 3), converted strip by strip."""
    depth, image = bit_depth(image), upright(image)
    array = np.empty((image.height, image.width, 3), "uint8")
    for rows in strips(image.height, image.width):
        array[rows] = rgb_strip(image.crop((0, rows.start, image.width, rows.stop)), depth)
    return array


def rgb_strip(strip, depth):
    """A strip of a picture as uint8 (h, w, 3) or (h, w, 1)."""
    if depth == 16:
        return ((np.asarray(strip).astype("uint32") * 255 + 32767) // 65535)[..., None]  # rounded
    if depth == "float":
        return np.round(255 * check_array(np.asarray(strip)))
    if strip.mode in ("RGBa", "La"):  # transparency is multiplied in
        strip = strip.convert({"RGBa": "RGBA", "La": "LA"}[strip.mode])
    strip.info.pop("transparency", None)  # of which Pillow would warn
    return np.asarray(strip.convert("RGB"))


def bit_depth(image):
    """8, 16 or "float"; whatever has no known range is refused.

    Pillow forgets how 16-bit, 32-bit and floating TIFF files store black, and takes 12 bits for 16.
    """
    tags = getattr(image, "tag_v2", {})
    black_is_zero, whole = tags.get(262, 1) == 1, set(tags.get(258, (16,))) == {16}
    if image.mode.startswith("I;16") and black_is_zero and whole:
        return 16
    if image.mode == "I" and image.format in ("PNG", "PPM"):  # of 16 bits in Pillow 10.1, or scaled to 16
        return 16
    if image.mode == "F" and black_is_zero:
        return "float"
    if image.mode in ("1", "L", "P", "RGB", "RGBA", "RGBX", "RGBa", "LA", "La", "PA", "CMYK", "YCbCr", "HSV"):
        return 8
    raise ValueError(f"pictures in Pillow's mode {image.mode} (of this kind) have no rule for their colours.")


def numbers(image):
    """A mask as int32 (h, w): the numbers as the file stores them, before Pillow spreads or inverts them."""
    raw = raw_mode(image)
    if not raw and image.format and image.mode in ("1", "L"):
        raise ValueError("an image that was decoded before no longer tells how its file stores numbers: give its path.")
    lossy = image.info.get("compression") in ("jpeg", "tiff_jpeg", "webp")  # within a TIFF
    if lossy or (image.mode not in ("1", "L", "P", "I") and not image.mode.startswith("I;16")):
        raise ValueError(
            "a mask must be a grey picture, or one with a palette, that holds the numbers of classes, without loss. "
            f"Received: Pillow's mode {image.mode}{', compressed with loss' if lossy else ''}"
        )
    image = upright(image)
    mask = np.empty((image.height, image.width), "int32")  # changed in place, for it may be large
    for rows in strips(*mask.shape):
        mask[rows] = np.asarray(image.crop((0, rows.start, image.width, rows.stop)))
    if raw.startswith(("1;I", "L;I", "L;2I", "L;4I")):
        np.subtract(1 if image.mode == "1" else 255, mask, out=mask)
    mask //= {"L;2": 85, "L;4": 17}.get(raw[:3], 1)
    return mask


def raw_mode(image):
    """How the file of a picture that is not decoded yet stores its numbers, as Pillow calls it; else ""."""
    tiles = getattr(image, "tile", None) or [("", None, 0, "")]
    arguments = tiles[0][3]
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def check_array(image):
    """An array of one of the shapes and types of `read_image`, as (h, w, 3)."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or not image.size:
        raise ValueError(f"`image` must be of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4). Received: {image.shape}")
    if np.issubdtype(image.dtype, np.floating):
        if not (image.min() >= 0 and image.max() <= 1):
            raise ValueError(f"`image` of floating point must lie in [0, 1]. Received: {image.min()} to {image.max()}")
    elif image.dtype != np.uint8:
        raise ValueError(f"`image` must be uint8 or floating point. Received: {image.dtype}")
    check_size(image.shape[1], image.shape[0])
    return np.broadcast_to(image[:, :, :3], (*image.shape[:2], 3))


def strips(height, width):
    """Slices of rows, of at most `STRIP` pixels or one row, that cover a picture from top to bottom."""
    step = max(1, STRIP // width)
    return [slice(start, min(start + step, height)) for start in range(0, height, step)]
