import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from zoo import files
from zoo.errors import Parser, printable


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "kept").write_text("old")
    return tmp_path / "kept"


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def disk(request, monkeypatch):
    """A disk that knows links, and one that does not."""

    def refuse(*arguments):
        raise PermissionError("no links")

    if not request.param:
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("disk")
def test_what_is_whole_gets_its_name(tmp_path):
    with files.write_whole(tmp_path / "folder" / "new") as unfinished:
        unfinished.write_text("new")
        assert not (tmp_path / "folder" / "new").exists()
    assert (tmp_path / "folder" / "new").read_text() == "new"
    assert os.listdir(tmp_path / "folder") == ["new"]


def test_nothing_is_replaced_unless_asked_for(kept):
    with pytest.raises(FileExistsError, match="--overwrite"), files.write_whole(kept):
        pytest.fail("it should not come so far")
    assert kept.read_text() == "old"
    with files.write_whole(kept, overwrite=True) as unfinished:
        unfinished.write_text("new")
        assert kept.read_text() == "old"
    assert kept.read_text() == "new"


@pytest.mark.usefixtures("disk")
def test_what_another_program_wrote_meanwhile_is_kept(tmp_path):
    def write_both():
        with files.write_whole(tmp_path / "new") as unfinished:
            unfinished.write_text("ours")
            (tmp_path / "new").write_text("theirs")

    with pytest.raises(FileExistsError):
        write_both()
    assert (tmp_path / "new").read_text() == "theirs"


def test_what_fails_leaves_all_as_it_was(kept):
    def write_half():
        with files.write_whole(kept, overwrite=True) as unfinished:
            unfinished.write_text("half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_half()
    assert kept.read_text() == "old"
    assert os.listdir(kept.parent) == ["kept"]


def test_a_link_is_not_followed(kept, tmp_path):
    for target in (kept, tmp_path / "nothing"):
        link = tmp_path / "link"
        link.symlink_to(target)
        with pytest.raises(FileExistsError), files.write_whole(link):
            pytest.fail("it should not come so far")
        with files.write_whole(link, overwrite=True) as unfinished:
            unfinished.write_text("new")
        assert not link.is_symlink()
        link.unlink()
    assert kept.read_text() == "old"
    assert not (tmp_path / "nothing").exists()


def test_a_folder_is_replaced_as_a_whole_and_by_no_file(tmp_path):
    folder = tmp_path / "folder"
    for content in ("old", "new"):
        with files.write_whole(folder, overwrite=True) as unfinished:
            unfinished.mkdir()
            (unfinished / content).touch()
    assert os.listdir(folder) == ["new"]
    for kind in (Path.touch, lambda path: path.symlink_to("folder"), lambda path: path.symlink_to("nowhere")):
        kind(tmp_path / "other")
        with files.write_whole(tmp_path / "other", overwrite=True) as unfinished:
            unfinished.mkdir()
            (unfinished / "inner").touch()
        assert not (tmp_path / "other").is_symlink()
        assert os.listdir(tmp_path / "other") == ["inner"]
        shutil.rmtree(tmp_path / "other")
    assert os.listdir(folder) == ["new"]
    with pytest.raises(FileExistsError, match="is a folder"), files.write_whole(folder, overwrite=True) as unfinished:
        unfinished.touch()
    assert os.listdir(tmp_path) == ["folder"]


def test_ctrl_c_in_a_moment_in_which_a_folder_has_no_name_brings_the_old_one_back(tmp_path, monkeypatch):
    folder, replace = tmp_path / "folder", os.replace
    folder.mkdir()
    (folder / "old").touch()

    def interrupt(source, target):
        replace(source, target)
        if source == folder:  # moved out of the way
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt), files.write_whole(folder, overwrite=True) as unfinished:
        unfinished.mkdir()
    assert os.listdir(folder) == ["old"]


def test_what_may_never_end_is_not_read_for_its_checksum(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path, kind in ((tmp_path / "fifo", "a fifo"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(OSError, match=f"must be a plain file. Received: {kind}"):
            files.checksum(path)


FOREIGN = {
    "[]": "must hold a JSON object. Received: list",
    "{": "is no JSON file",
    "[" * 100_000: "is no JSON file",
    '{"name": "other"}': "holds no results of a kind. Move it, or name another --out",
}


@pytest.mark.parametrize(("text", "words"), FOREIGN.items(), ids=range(len(FOREIGN)))
def test_earlier_results_are_read_and_what_is_none_is_refused(text, words, tmp_path):
    def read(name):
        return files.read_earlier(tmp_path / name, lambda found: "own" in found, "results of a kind")

    assert read("none") == {}
    (tmp_path / "own").write_text('{"own": 1}')
    assert read("own") == {"own": 1}
    (tmp_path / "foreign").write_text(text)
    with pytest.raises(ValueError, match=words):
        read("foreign")
    os.mkfifo(tmp_path / "fifo")  # reading it would never end
    with pytest.raises(OSError, match="must be a plain file"):
        read("fifo")


def test_control_characters_are_escaped():
    assert printable("a\x1b[2J\nb\udcff\u202ec.png") == r"a\x1b[2J\nb\udcff\u202ec.png"
    assert printable("Füße 猫.png") == "Füße 猫.png"


def test_a_command_line_that_is_not_understood_is_told_without_them(capsys):
    with pytest.raises(SystemExit):
        Parser("measure").parse_args(["\x1b[2J"])
    assert capsys.readouterr().err.splitlines()[-1] == r"measure: error: unrecognized arguments: \x1b[2J"


@pytest.mark.parametrize("is_folder", [False, True])
def test_all_is_on_the_disk_before_it_gets_its_name(is_folder, monkeypatch, tmp_path):
    """After a power cut, a name may otherwise stand for an empty file."""
    synced = []
    fsync, publish = os.fsync, files.publish

    def record(handle):
        fsync(handle)
        synced.append(os.fstat(handle).st_ino)

    def check(unfinished, path, overwrite):
        assert {file.stat().st_ino for file in (unfinished, *unfinished.rglob("*"))} <= set(synced)
        publish(unfinished, path, overwrite)

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(files, "publish", check)
    with files.write_whole(tmp_path / "result") as unfinished:
        if is_folder:
            unfinished.mkdir()
        (unfinished / "inner" if is_folder else unfinished).write_text("all")
    assert tmp_path.stat().st_ino in synced  # the name itself


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_disk_that_syncs_no_folders_takes_all_the_same(is_folder, monkeypatch, tmp_path):
    def refuse(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    with files.write_whole(tmp_path / "result") as unfinished:
        if is_folder:
            unfinished.mkdir()
        (unfinished / "inner" if is_folder else unfinished).write_text("all")
    assert (tmp_path / "result" / "inner" if is_folder else tmp_path / "result").read_text() == "all"

    def fail(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"), files.write_whole(tmp_path / "another") as unfinished:
        unfinished.write_text("all")
    assert not (tmp_path / "another").exists()


def test_a_picture_is_known_by_another_name_too(tmp_path):
    """A second name stands for another spelling on a disk that does not tell "a" from "A"."""
    (tmp_path / "photo.png").write_text("a photo")
    try:
        os.link(tmp_path / "photo.png", tmp_path / "PHOTO.png")
    except OSError:
        pytest.skip("a disk without links")
    with pytest.raises(FileExistsError, match="one of the pictures that were given"):
        files.refuse_own(tmp_path / "PHOTO.png", [tmp_path / "photo.png"])
    (tmp_path / "other.png").write_text("another")
    files.refuse_own(tmp_path / "other.png", [tmp_path / "photo.png"])
