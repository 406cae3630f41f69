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


REGISTRY = (
    Stage(
        name="sliding_window",
        page="02_sliding_window",
        does="classifies the patch around a pixel, then moves on",
        fault="the same features are computed again and again",
    ),
    Stage(
        name="fully_convolutional",
        page="03_fully_convolutional",
        does="only convolves: all pixels in one pass",
        fault="every feature map is as large as the image",
    ),
    Stage(
        name="nearest_unpooling",
        page="05_nearest_and_nails",
        does="shrinks by pooling, grows by copying",
        fault="invents values",
    ),
    Stage(
        name="bed_of_nails",
        page="05_nearest_and_nails",
        does="grows by putting each value into a corner",
        fault="invents places",
    ),
    Stage(
        name="index_unpooling",
        page="06_max_unpooling",
        does="copies, and marks where each maximum stood",
        fault="mark and copy stand apart: the copy still fills its window",
    ),
    Stage(
        name="max_unpooling",
        page="06_max_unpooling",
        does="puts the feature where its maximum stood",
        fault="how to grow is fixed, not learned",
    ),
    Stage(
        name="transposed_convolution",
        page="07_transposed_convolution",
        does="learns how to grow",
        fault="how to shrink is still fixed",
    ),
    Stage(
        name="strided_convolution",
        page="04_downwards",
        does="learns how to shrink, too",
        fault="fine detail is lost on the way down",
    ),
    Stage(
        name="unet",
        page="08_unet",
        does="hands the low-level features across",
        fault="",
    ),
)

STAGES = tuple(stage.name for stage in REGISTRY)


def check_stage(stage):
    """Raises a `ValueError` with the nearest name if `stage` is none of `STAGES`."""
    if stage not in STAGES:
        near = difflib.get_close_matches(str(stage), STAGES, n=1, cutoff=0.3)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"`stage` must be one of {', '.join(STAGES)}.{hint} Received: stage={stage!r}")
