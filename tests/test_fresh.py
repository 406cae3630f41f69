import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

PARENT = """
import os, time
from zoo import fresh

def report():
    print(os.getpid(), flush=True)

if __name__ == "__main__":
    with fresh.process(report) as process:
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
