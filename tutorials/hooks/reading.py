"""Folds long code on the pages, so that a page is read, not scrolled."""

import re
import textwrap

from translation import say

LONGEST = 25  # lines of code that stand open
BLOCK = re.compile(r"^```python\n(.*?)\n```$", re.MULTILINE | re.DOTALL)  # what is folded already is indented


def on_page_markdown(markdown, page, config, files):
    """Folds each block of more than `LONGEST` lines."""
    return BLOCK.sub(shorten, markdown)


def shorten(match):
    """The block, or a line that a click opens: it names what the code defines."""
    lines = match[1].count("\n") + 1
    if lines <= LONGEST:
        return match[0]
    names = re.findall(r"^(?:class|def) (\w+)", match[1], re.MULTILINE)
    title = say("Code, {lines} lines", lines=lines) + (f": {', '.join(names)}" if names else "")
    return fold("example", title, match[0])


def fold(kind, title, *blocks):
    """Markdown that a click opens, as a box of this kind."""
    return f'??? {kind} "{title}"\n\n' + textwrap.indent("\n\n".join(blocks), "    ")
