"""The names of the stages, in the order in which the lecture mends one fault after the other."""

import difflib

STAGES = (
    "sliding_window",
    "fully_convolutional",
    "nearest_unpooling",
    "bed_of_nails",
    "index_unpooling",
    "max_unpooling",
    "transposed_convolution",
    "strided_convolution",
    "unet",
)


def check_stage(stage):
    """Raises a `ValueError` with the nearest name if `stage` is none of `STAGES`."""
    if stage not in STAGES:
        near = difflib.get_close_matches(str(stage), STAGES, n=1, cutoff=0.3)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"`stage` must be one of {', '.join(STAGES)}.{hint} Received: stage={stage!r}")
