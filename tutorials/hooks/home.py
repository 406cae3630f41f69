"""The cards of the stages on the home page: what each does, what it remembers, and what it scores."""

import drawings

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
    photos = f"Scores on {' or '.join(f'{count:,}' for count in counts)} test photos, one training each."
    return markdown.replace(MARK, f'<div class="zoo-cards">{small}</div>\n\n{photos}')


def card_of(stage, known):
    """A stage as a link to the page of its model."""
    score, costs = known["scores"]["at_network_size"]["mean_iou"], known["costs"]
    return (
        f'<a class="zoo-card" href="models/{stage.name}/">{drawings.sketches(stage.name)}'
        f"<strong>{stage.name}</strong> <span>{stage.does}</span> "
        f"<span>remembers <em>{drawings.memory(stage.name)}</em></span> "
        f'<span class="zoo-score" style="--share: {score:.3f}">mean IoU {score:.3f} · '
        f"{costs['parameters']:,} parameters · {costs['milliseconds']:.0f} ms</span></a>"
    )
