"""Files: what may be opened."""

import stat
from pathlib import Path


def check_file(path):
    """Refuses what is no plain file: reading a fifo or a device may never end.

    Raises:
        FileNotFoundError: if there is nothing of that name.
        OSError: if it is a folder, a fifo, a device or a socket.
    """
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}.") from None
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a fifo", stat.S_IFSOCK: "a socket"}
        raise OSError(f"{path} must be a plain file. Received: {kinds.get(stat.S_IFMT(mode), 'a device')}")
