"""The cards of the stages on the home page: what each does, what it remembers, and what it scores."""

import drawings
from translation import say

from zoo.cards import cards
from zoo.stages import REGISTRY

MARK = "<!-- cards of stages -->"


def on_page_markdown(markdown, page, config, files):
    """Replaces what stands for the cards."""
    if MARK not in markdown:
        return markdown
    known = cards()
    small = "".join(card_of(stage, known[stage.name]) for stage in REGISTRY)
    counts = sorted({card["dataset"]["test"]["examples"] for card in known.values()})
    count = say(" or ").join(f"{count:,}" for count in counts)
    photos = say("Scores on {count} test photos, one training each.", count=count)
    return markdown.replace(MARK, f'<div class="zoo-cards">{small}</div>\n\n{photos}')


def card_of(stage, known):
    """A stage as a link to the page of its model."""
    score, costs = known["scores"]["at_network_size"]["mean_iou"], known["costs"]
    remembers = say("remembers <em>{what}</em>", what=say(drawings.memory(stage.name)))
    numbers = say("mean IoU {score:.3f} · {parameters:,} parameters · {milliseconds:.0f} ms", score=score, **costs)
    return (
        f'<a class="zoo-card" href="models/{stage.name}/">{drawings.sketches(stage.name)}'
        f"<strong>{stage.name}</strong> <span>{say(stage.does)}</span> <span>{remembers}</span> "
        f'<span class="zoo-score" style="--share: {score:.3f}">{numbers}</span></a>'
    )
