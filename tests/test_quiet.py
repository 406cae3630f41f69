import subprocess
import sys

NESTED = """
import os
from zoo import quiet

first, second = quiet.silence(), quiet.silence()
with quiet.silence():
    with quiet.silence():
        os.write(2, b"1")
    os.write(2, b"2")
os.write(2, b"3")
first.__enter__()
second.__enter__()
first.__exit__(None, None, None)  # as two threads may: the first leaves before the second
os.write(2, b"4")
second.__exit__(None, None, None)
os.write(2, b"5")
"""


def test_silence_may_be_entered_within_itself():
    done = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True, check=False)
    assert done.stderr == "35"


def test_without_a_stderr_there_is_nothing_to_silence():
    code = "import os\nfrom zoo import quiet\nos.close(2)\nwith quiet.silence():\n    print('within')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "within\n")
