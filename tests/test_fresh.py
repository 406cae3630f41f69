import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

# A script as people write it, without `if __name__ == "__main__"`: the fresh process must not run it once more.
PARENT = """
import time
from zoo import fresh

with fresh.process(exec, "import os; print(os.getpid(), flush=True)") as process:
    process.submit(time.sleep, 600).result()
"""


def is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{number}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="asks Linux's /proc")
@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_ends_with_the_one_that_started_it(kill, tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, tmp_path / "parent.py"]
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.send_signal(kill)
    parent.wait()
    deadline = time.monotonic() + 60
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    alive = is_alive(child)
    if alive:
        os.kill(child, signal.SIGKILL)
    assert not alive


# Ctrl-C in the very moment in which the fresh process loads what it calls first.
LOADS = """
import multiprocessing, signal
if multiprocessing.current_process().name != "MainProcess":
    signal.raise_signal(signal.SIGINT)

def nothing():
    pass
"""
INTERRUPTED = """
import loads
from zoo import fresh

with fresh.process(loads.nothing) as process:
    print(process.submit(pow, 2, 5).result())
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="holds signals back")
def test_ctrl_c_while_a_process_starts_is_for_the_one_that_started_it(tmp_path):
    (tmp_path / "loads.py").write_text(LOADS)
    (tmp_path / "parent.py").write_text(INTERRUPTED)
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    command = [sys.executable, tmp_path / "parent.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("32\n", "")


# A command as `python -m zoo` runs it, on few scenes.
COMMAND = """
import functools, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes away from what runs in its background
from zoo.data import synthetic_pets
synthetic_pets.EXAMPLES = dict.fromkeys(synthetic_pets.EXAMPLES, 16)
if sys.argv[1] == "train":  # a small network: what counts is how its costs are measured
    from zoo import models
    for name in ("build", "build_for_training"):
        setattr(models, name, functools.partial(getattr(models, name), filters=(4, 8)))
runpy.run_module("zoo", run_name="__main__", alter_sys=True)
"""


def processes_of(session):
    """The numbers of all processes of a session, and whether they are at work: a TensorFlow takes 100 MB."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, own = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            memory = int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            measures = b"spawn_main" in (folder / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if int(own) == session and state != "Z":
            found[int(folder.name)] = measures and memory > 1e8
    return found


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="asks Linux's /proc")
@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "arguments",
    [
        ["benchmark", "layers", "--out", "benchmark.json"],
        ["train", "unet", "--dataset", "synthetic_pets", "--image-size", "32", "--epochs", "1", "--out", "."],
    ],
    ids=["benchmark", "train"],
)
def test_a_command_that_is_stopped_while_it_measures_leaves_no_process(arguments, kill, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    options = {"env": environment, "cwd": tmp_path, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen([sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.DEVNULL, **options) as command:
        try:
            while not any(processes_of(command.pid).values()):
                assert command.poll() is None
                time.sleep(0.1)
            # The shell sends Ctrl-C to all processes of a command, and `kill` to the first alone.
            (os.killpg if kill == signal.SIGINT else os.kill)(command.pid, kill)
            _, errors = command.communicate(timeout=60)
            deadline = time.monotonic() + 60
            while processes_of(command.pid) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not processes_of(command.pid)
            assert "Traceback" not in errors
            assert kill == signal.SIGTERM or f"{arguments[0]}: stopped." in errors
        finally:
            for number in processes_of(command.pid):
                os.kill(number, signal.SIGKILL)
