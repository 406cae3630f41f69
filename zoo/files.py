"""Results get their names when they are whole, and nothing that was there before is lost."""

import contextlib
import errno
import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path

from zoo.errors import first_line

CANNOT_SYNC = (errno.EINVAL, errno.EBADF, errno.ENOTSUP)  # a folder on some disks; on Windows, what is only read


@contextlib.contextmanager
def write_whole(path, overwrite=False):
    """Lets a file or folder be written elsewhere, and gives it its name when it is whole.

    What fails or is killed on the way leaves `path` as it was. A link is replaced, not what it leads to.

    Examples:
        >>> with write_whole("notes.txt") as unfinished:  # doctest: +SKIP
        ...     unfinished.write_text("all or nothing")

    Args:
        path: the file or folder; the folder that it lies in is made if missing.
        overwrite: whether what has this name already is replaced.

    Yields:
        A path with the same name, in a folder of its own on the same disk, where nothing is yet.

    Raises:
        FileExistsError: before anything is written, if the name is taken and may not be replaced.
    """
    path = Path(path)
    refuse_taken(path, overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished.") as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        for file in (unfinished, *unfinished.rglob("*")):
            sync(file)
        publish(unfinished, path, overwrite)
    sync(path.parent)


def refuse_taken(path, overwrite=False):
    """Raises a `FileExistsError` if something has this name, a broken link included, and may not be replaced."""
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(
            f"{path} is there already. Move it, or allow it to be replaced (overwrite=True, --overwrite)."
        )


def refuse_folder(path):
    """Raises a `FileExistsError` if a folder has this name, which no file replaces."""
    if path.is_dir() and not path.is_symlink():
        raise FileExistsError(f"{path} is a folder, and is not replaced by a file. Move it.")


def refuse_own(path, pictures):
    """Raises a `FileExistsError` if a picture that is to be written has the name of one that was given."""
    if not marks(path).isdisjoint(own_marks(pictures)):
        raise FileExistsError(f"{path} is one of the pictures that were given, which are never replaced. Name another.")


def own_marks(paths):
    """The `marks` of files, and of those that links among them lead to."""
    # Unlike `Path.resolve`, `realpath` raises for no loop of links.
    return {mark for path in paths for one in (path, Path(os.path.realpath(path))) for mark in marks(one)}


def marks(path):
    """What tells a file: its absolute name and, since some disks do not tell "a" from "A", its place on the disk."""
    found = {absolute(path)}
    with contextlib.suppress(OSError, ValueError):  # nothing has that name yet
        status = os.lstat(path)
        found.add((status.st_dev, status.st_ino))
    return found


def absolute(path):
    """The one absolute name of a file; a link is a file of its own."""
    return Path(os.path.realpath(path.parent)) / path.name


def publish(unfinished, path, overwrite):
    """Gives what is finished its name."""
    if overwrite and not unfinished.is_dir():
        refuse_folder(path)
    if overwrite and os.path.lexists(path) and unfinished.is_dir():  # no folder can replace anything: that is moved
        old = unfinished.with_name(f"old.{path.name}")
        try:
            os.replace(path, old)
            os.replace(unfinished, path)
        except BaseException:  # Ctrl-C, too
            if os.path.lexists(old) and not os.path.lexists(path):
                os.replace(old, path)
            raise
    elif overwrite or unfinished.is_dir():
        os.replace(unfinished, path)  # a folder replaces none but an empty one
    else:
        try:
            os.link(unfinished, path)  # unlike renaming, this fails if another program has taken the name
        except FileExistsError:
            raise
        except OSError:  # a disk without links
            refuse_taken(path)
            os.replace(unfinished, path)


def sync(path):
    """Waits until a file or folder is on the disk, where the system can."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders, and a folder may not be ours to read
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in CANNOT_SYNC:
                raise
        finally:
            os.close(handle)


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


def checksum(path):
    """The SHA-256 of a file, in hexadecimal digits."""
    check_file(path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path, contents):
    """Writes a JSON file, which gets its name when it is whole.

    Raises:
        ValueError: if a number in it is not finite, which JSON does not know.
    """
    with write_whole(path, overwrite=True) as unfinished:
        unfinished.write_text(json.dumps(contents, indent=1, allow_nan=False) + "\n")


def read_object(path):
    """Reads a JSON file that holds an object, as a dictionary.

    Raises:
        ValueError: if it holds none.
        OSError: as `check_file`.
    """
    check_file(path)
    try:
        contents = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no JSON, no text, numbers of thousands of digits, endless brackets
        raise ValueError(f"{path} is no JSON file: {first_line(error)}") from error
    if not isinstance(contents, dict):
        raise ValueError(f"{path} must hold a JSON object. Received: {type(contents).__name__}")
    return contents


def read_earlier(path, is_own, what):
    """Results that an earlier call has written, as a dictionary; an empty one if there is no such file.

    Args:
        path: of a JSON file.
        is_own: function that says whether a dictionary has the form of such results.
        what: they are, in words.

    Raises:
        ValueError: if the file holds something else, which would be lost.
        OSError: as `check_file`.
    """
    if not Path(path).exists():
        return {}
    found = read_object(path)
    if not is_own(found):
        raise ValueError(f"{path} holds no {what}. Move it, or name another --out.")
    return found
