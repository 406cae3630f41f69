"""The one reader of photos and masks.

Pictures are rows of numbers in many forms, and these are the rules. Files are opened only in the raster
formats of `ENDINGS`: others run programs (PostScript) or hold several layers. Of several frames or pages the
first counts. A turned picture (EXIF) is turned upright. A photo becomes 8-bit RGB: sixteen bits of grey are scaled,
of sixteen in colours Pillow keeps the upper eight, transparency is ignored, colour profiles are not applied.
A mask keeps its numbers. What cannot be read rightly is refused by name.
"""

import contextlib
import math
import os
from pathlib import Path

import numpy as np
from PIL import Image

from zoo import quiet
from zoo.data.modes import MAX_PIXELS, check_array, check_size, numbers, rgb_array
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
READABLE = tuple(ending for endings in ENDINGS.values() for ending in endings)
MASK_FORMATS = ("BMP", "PNG", "TIFF")  # JPEG and WebP change numbers, Pillow scales those of PPM and counts GIF's anew


def read_image(source: str | bytes | os.PathLike | Image.Image | np.ndarray) -> np.ndarray:
    """Reads a photo.

    Args:
        source: path of a file; or `PIL.Image.Image`, new or opened from a file of these formats; or array of shape
            (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), uint8 in [0, 255] or floating point in [0, 1].

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
        return read_opened(source, tuple(ENDINGS), rgb_array)
    return check_array(np.asarray(source))


def read_mask(source: str | bytes | os.PathLike | Image.Image) -> np.ndarray:
    """Reads a mask by its numbers: those of a palette, not its colours.

    Args:
        source: path of a file, in one of `MASK_FORMATS`; or `PIL.Image.Image`, new or opened from such a file; both
            in grey of up to 16 bits, in 32-bit integers or with a palette. One bit counts as 0 and 1.

    Returns:
        NumPy array int32 (h, w).

    Raises:
        ValueError: if an image of Pillow is none of these.
        OSError: if a file is missing, is none of these, is broken or too large.
    """
    read = read_file if is_path(source) else read_opened
    return read(source, MASK_FORMATS, numbers)


def pixel_count(path, formats=tuple(ENDINGS)):
    """How many pixels a picture in a file has, which is not decoded; raises as `read_image`."""

    def count(image):
        check_size(*image.size)
        return math.prod(image.size)

    return read_file(path, formats, count)


def read_file(path, formats, convert):
    """Opens a file, and converts its picture; each error names the file."""
    path = Path(os.fsdecode(path))
    if not path.is_file():
        path.stat()  # says so if it is missing
        raise OSError(f"{path} must be a plain file. Received: a folder, a pipe or a device")
    try:
        # Pillow warns of tags and of size: what counts comes as an error, or is our own limit.
        with quiet.ignore_pillow(), Image.open(path, formats=formats) as file, silence(file):
            return convert(file)
    except Image.UnidentifiedImageError:
        if "JPEG" not in formats and begins_as_jpeg(path):
            raise OSError(f"{path} is JPEG, which changes the numbers of a mask: store it as PNG.") from None
        raise OSError(f"{path} is broken, or no picture in one of the formats {', '.join(formats)}.") from None
    except MemoryError:
        raise  # it is not the file's fault
    except Image.DecompressionBombError:
        raise OSError(f"{path}: a picture may have up to {MAX_PIXELS:,} pixels. Received: far more") from None
    except Exception as error:  # the decoders of broken files raise errors of many kinds
        if is_memory(error):
            raise MemoryError(f"{path}: {first_line(error)}") from error
        raise OSError(f"{path}: {first_line(error)}") from error


def read_opened(image, formats, convert):
    """Converts an image of Pillow that was handed over, by the rules of files: some formats run programs."""
    try:
        found = "JPEG" if image.format == "MPO" else image.format  # of several pictures, as phones write them
        if found not in (None, *formats):
            raise ValueError(
                f"an image of Pillow must be opened from {', '.join(formats)}, or be new. Received: {found}"
            )
        with quiet.ignore_pillow(), silence(image):
            return convert(image)
    except MemoryError:
        raise
    except Exception as error:  # as for files
        if is_memory(error):
            raise MemoryError(first_line(error)) from error
        raise ValueError(f"`source`: {first_line(error)}") from error


def is_memory(error):
    """Whether a decoder of Pillow had too little memory. (That of TIFF does not say so.)"""
    return isinstance(error, OSError) and error.errno is None and "out of memory" in str(error)


def begins_as_jpeg(path):
    """Whether a file has the first bytes of a JPEG, whatever its name says."""
    with open(path, "rb") as file:
        return file.read(2) == b"\xff\xd8"


def silence(file):
    """For a TIFF, whose library prints, `quiet.silence`: others leave stderr to the rest of the program."""
    return quiet.silence() if file.format == "TIFF" else contextlib.nullcontext()


def is_path(source):
    """Whether a photo was named, and not handed over."""
    return isinstance(source, str | bytes | os.PathLike)
