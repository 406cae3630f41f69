"""What takes time to make for the site is kept in `.cache/`, under a key of all that decides it."""

import hashlib
import shutil
from pathlib import Path

from zoo.files import write_whole

ROOT = Path(__file__).parents[2]


def kept(path, sources, make):
    """The path of a file or folder in a cache; `make(path)` writes it unless it is there from the same sources.

    What is there from others goes.

    Args:
        path: of it, but for a key of the sources, which it gets before the ending of its name.
        sources: texts, bytes, and paths of files that are read.
        make: function of a path.
    """
    digest = hashlib.sha256(path.name.encode())
    for source in sources:
        contents = source.read_bytes() if isinstance(source, Path) else source
        digest.update(contents if isinstance(contents, bytes) else contents.encode())
    stem, dot, ending = path.name.partition(".")
    found = path.with_name(f"{stem}-{digest.hexdigest()[:12]}{dot}{ending}")
    if not found.exists():
        with write_whole(found, overwrite=True) as unfinished:
            make(unfinished)
        for old in path.parent.glob(f"{stem}-????????????{dot}{ending}"):
            if old != found:
                # Another build may remove it, too.
                shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)
    return found
