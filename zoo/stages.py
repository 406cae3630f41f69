"""The one list of stages, in the order in which the lecture mends one fault after the other.

Builders, command line, tables, tests, the site's navigation and its pages of models read it. With the standard library
alone, so that all of them can.
"""

import difflib
from typing import NamedTuple


class Stage(NamedTuple):
    """What the zoo knows of a stage beside its model.

    Args:
        name: of its module and builder, `zoo.models.<name>.build_<name>`, and of its saved model.
        page: the tutorial that explains it, under the heading "The stage `<name>`".
        does: what it does, half a sentence.
        fault: what is left to the next stage to mend; empty for the last.
    """

    name: str
    page: str
    does: str
    fault: str

    @property
    def link(self):
        """The place on its page, for Markdown beside the pages."""
        return f"{self.page}.md#the-stage-{self.name}"


REGISTRY = (  # name, page, what it does, its fault
    Stage(
        "sliding_window",
        "02_sliding_window",
        "classifies the patch around a pixel, then moves on",
        "the same features are computed again and again",
    ),
    Stage(
        "fully_convolutional",
        "03_fully_convolutional",
        "only convolves: all pixels in one pass",
        "every feature map is as large as the image",
    ),
    Stage("nearest_unpooling", "05_nearest_and_nails", "shrinks by pooling, grows by copying", "invents values"),
    Stage("bed_of_nails", "05_nearest_and_nails", "grows by putting each value into a corner", "invents places"),
    Stage(
        "index_unpooling",
        "06_max_unpooling",
        "copies, and marks where each maximum stood",
        "mark and copy stand apart: the copy still fills its window",
    ),
    Stage(
        "max_unpooling",
        "06_max_unpooling",
        "puts the feature where its maximum stood",
        "only the maxima come back: all else in a window is lost",
    ),
    Stage(
        "transposed_convolution",
        "07_transposed_convolution",
        "grows by one learned layer",
        "nothing comes across, and the layer that shrinks has no weights",
    ),
    Stage("strided_convolution", "04_downwards", "learns how to shrink, too", "fine detail is lost on the way down"),
    Stage("unet", "08_unet", "hands the low-level features across", ""),
)

STAGES = tuple(stage.name for stage in REGISTRY)


def check_stage(stage: str) -> None:
    """Raises a `ValueError` with the nearest name if `stage` is none of `STAGES`."""
    if stage not in STAGES:
        near = difflib.get_close_matches(str(stage), STAGES, n=1, cutoff=0.3)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"`stage` must be one of {', '.join(STAGES)}.{hint} Received: stage={stage!r}")
