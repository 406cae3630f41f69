"""The one reader of photos and masks.

Pictures are rows of numbers in many forms, and these are the rules. Files are opened only in the raster
formats of `ENDINGS`: others run programs (PostScript) or hold several layers. Of several frames or pages the
first counts. A turned picture (EXIF) is turned upright. A photo becomes 8-bit RGB: sixteen bits are scaled,
transparency is ignored, colour profiles are not applied. A mask keeps its numbers. What cannot be read
rightly is refused by name.
"""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from zoo import quiet
from zoo.errors import first_line

ENDINGS = {  # of the formats that are opened, by Pillow's name
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "PPM": (".pbm", ".pgm", ".ppm", ".pnm"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
MASK_FORMATS = ("BMP", "GIF", "PNG", "TIFF")  # JPEG and WebP change numbers, Pillow scales those of PPM
MAX_PIXELS = 100_000_000
MAX_SIDE = 65_535  # of a JPEG
STRIP = 1 << 18  # pixels that are worked on at once, so that no whole picture is held in a wider type


def read_image(source):
    """Reads a photo.

    Args:
        source: path of a file; or `PIL.Image.Image`; or array of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4),
            uint8 in [0, 255] or floating point in [0, 1].

    Returns:
        NumPy array (h, w, 3) of RGB: uint8 in [0, 255], or, of a floating array, the type that came.

    Raises:
        ValueError: if an array or an image of Pillow is none of these, or one that is refused in a file.
        OSError: if a file is missing, is no picture in these formats, is broken, has more than `MAX_PIXELS` pixels or
            a side of more than `MAX_SIDE`, or holds numbers whose range nobody knows: floating point outside of
            [0, 1], integers of 32 bits.
    """
    if is_path(source):
        return read_file(source, tuple(ENDINGS), rgb_array)
    if isinstance(source, Image.Image):
        return rgb_array(source)
    return check_array(np.asarray(source))


def read_mask(source, num_classes=None, ignored=None, size=None):
    """Reads a mask by its numbers: those of a palette, not its colours.

    Args:
        source: path of a file, in one of `MASK_FORMATS`; or `PIL.Image.Image`; both in grey of up to 16 bits, in
            32-bit integers or with a palette. One bit counts as 0 and 1.
        num_classes: if given, the numbers must lie below it.
        ignored: a number that is allowed besides.
        size: if given, the (height, width) of its photo, which must be the mask's too.

    Returns:
        NumPy array int32 (h, w).

    Raises:
        ValueError: if the numbers or the size are not as asked for, or an image of Pillow is none of these.
        OSError: if a file is missing, is none of these, is broken or too large.
    """
    name = source if is_path(source) else "`source`"
    mask = read_file(source, MASK_FORMATS, numbers) if is_path(source) else numbers(source)
    if size is not None and mask.shape != tuple(size):
        raise ValueError(f"{name} must be of the size of its photo, {tuple(size)}. Received: {mask.shape}")
    check_labels(mask, num_classes, ignored, name)
    return mask


def read_size(path):
    """The (height, width) of a photo in a file, which is not decoded; raises as `read_image`."""

    def size(image):
        check_size(*image.size)
        lying = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
        return image.size if lying else image.size[::-1]

    return read_file(path, tuple(ENDINGS), size)


def check_labels(mask, num_classes, ignored=None, name="`mask`"):
    """Raises a `ValueError` that names the numbers of an integer mask that are no class; `None` allows any."""
    limit = np.inf if num_classes is None else num_classes
    if mask.size and (mask.min() < 0 or mask.max() >= limit):
        wrong = [int(label) for label in np.unique(mask) if label != ignored and not 0 <= label < limit]
        if wrong:
            allowed = f"0 to {limit - 1}" if num_classes else "from 0"
            allowed += "" if ignored is None else f", or {ignored} (ignored)"
            raise ValueError(f"The numbers of {name} must be classes, {allowed}. Received: {str(wrong[:8])[1:-1]}")


def read_file(path, formats, convert):
    """Opens a file, and converts its picture; each error names the file."""
    path = Path(os.fsdecode(path))
    if not path.is_file():
        path.stat()  # says so if it is missing
        raise OSError(f"{path} must be a file, and is none but a folder, a pipe or a device.")
    try:
        with quiet.silence(), warnings.catch_warnings():  # libtiff prints, and Pillow warns of tags and of size:
            warnings.simplefilter("ignore")  # what counts comes as an error, or is our own limit
            with Image.open(path, formats=formats) as file:
                return convert(file)
    except Image.UnidentifiedImageError:
        raise OSError(f"{path} is broken, or no picture in one of the formats {', '.join(formats)}.") from None
    except MemoryError:
        raise  # it is not the file's fault
    except Image.DecompressionBombError:
        raise OSError(f"{path}: a picture may have up to {MAX_PIXELS:,} pixels. Received: far more") from None
    except Exception as error:  # the decoders of broken files raise errors of many kinds
        raise OSError(f"{path}: {first_line(error)}") from error


def check_size(width, height):
    """Refuses what would exhaust the memory before it is decoded."""
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        limits = f"{MAX_PIXELS:,} pixels, and {MAX_SIDE:,} a side"
        raise ValueError(f"a picture may have up to {limits}. Received: {width} x {height}")


def upright(image):
    """Decodes a picture, and turns it as its orientation tag (EXIF) says."""
    check_size(*image.size)
    image.load()
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    return ImageOps.exif_transpose(image) if turned else image  # which would copy it


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
    if image.mode == "I" and image.format == "PPM":  # whose grey beyond 8 bits Pillow scales to 16
        return 16
    if image.mode == "F" and black_is_zero:
        return "float"
    if image.mode in ("1", "L", "P", "RGB", "RGBA", "RGBX", "RGBa", "LA", "La", "PA", "CMYK", "YCbCr", "HSV"):
        return 8
    raise ValueError(f"pictures in Pillow's mode {image.mode} (of this kind) have no rule for their colours.")


def numbers(image):
    """A mask as int32 (h, w): the numbers as the file stores them, before Pillow spreads or inverts them."""
    raw = raw_mode(image)
    lossy = image.info.get("compression") in ("jpeg", "tiff_jpeg", "webp")  # within a TIFF
    if lossy or (image.mode not in ("1", "L", "P", "I") and not image.mode.startswith("I;16")):
        raise ValueError(
            "a mask must be a grey picture, or one with a palette, that holds the numbers of classes, without loss. "
            f"Received: Pillow's mode {image.mode}{', compressed with loss' if lossy else ''}"
        )
    mask = np.asarray(upright(image)).astype("int32")  # changed in place, for it may be large
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


def is_path(source):
    """Whether a photo was named, and not handed over."""
    return isinstance(source, str | bytes | os.PathLike)
