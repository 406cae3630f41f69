"""Fresh processes for measurements, which end when the one that started them does, and what they need in memory."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import types
from pathlib import Path


@contextlib.contextmanager
def process(prepare, *arguments):
    """A fresh process, as an executor, for a `with` statement; an error or Ctrl-C within it ends the process at once.

    It knows nothing of the program that runs: what it calls must be in a module.

    Args:
        prepare: what it calls first, with the arguments.
    """
    context = multiprocessing.get_context("spawn")
    parent, hold = context.Pipe(duplex=False)
    with concurrent.futures.ProcessPoolExecutor(1, context, start, (parent, prepare, *arguments)) as executor:
        try:
            # It would run the program once more, which may be a script without `if __name__ == "__main__"`.
            program, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
            try:
                with without_interrupts():
                    executor.submit(int)  # the first call starts the process
            finally:
                sys.modules["__main__"] = program
            yield executor
        except BaseException:
            hold.close()  # else the executor would wait until the process has done what it is doing
            raise
    hold.close()


@contextlib.contextmanager
def without_interrupts():
    """A process that starts within a `with` statement never sees a Ctrl-C; this one may see it later.

    A terminal sends Ctrl-C to the process that measures and to its parent, which decides. Windows has no such mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(parent, prepare, *arguments):
    """What a fresh process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for Windows, see `without_interrupts`
    threading.Thread(target=end_with_parent, args=(parent,), daemon=True).start()
    prepare(*arguments)


def end_with_parent(parent):
    """Waits until the parent lets go, or is gone, even if killed, and then ends this process, whatever it is doing."""
    with contextlib.suppress(EOFError):
        parent.recv()
    os._exit(1)


def peak_growth(make, *arguments):
    """Bytes that the next call takes in this process at its peak, beside what it was made from.

    Args:
        make: what makes the call, a function without arguments, from the arguments.

    Returns:
        The bytes; `None` where the system does not tell, for it has no /proc of Linux.
    """
    call = make(*arguments)
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    except OSError:
        return None
    before = memory_in_use("VmRSS")
    call()
    return memory_in_use("VmHWM") - before


def memory_in_use(kind):
    """Bytes of this process in memory: now (VmRSS), or at most (VmHWM)."""
    return 1024 * int(Path("/proc/self/status").read_text().split(f"{kind}:")[1].split()[0])
