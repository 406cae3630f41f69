"""Fresh processes for measurements, which end when the one that started them does."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading


@contextlib.contextmanager
def process(prepare, *arguments):
    """A fresh process, as an executor, for a `with` statement; an error or Ctrl-C within it ends the process at once.

    Args:
        prepare: what it calls first, with the arguments.
    """
    context = multiprocessing.get_context("spawn")
    parent, hold = context.Pipe(duplex=False)
    with concurrent.futures.ProcessPoolExecutor(1, context, start, (parent, prepare, *arguments)) as executor:
        try:
            yield executor
        except BaseException:
            hold.close()  # else the executor would wait until the process has done what it is doing
            raise
    hold.close()


def start(parent, prepare, *arguments):
    """What a fresh process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, too, which decides
    threading.Thread(target=end_with_parent, args=(parent,), daemon=True).start()
    prepare(*arguments)


def end_with_parent(parent):
    """Waits until the parent lets go, or is gone, even if killed, and then ends this process, whatever it is doing."""
    with contextlib.suppress(EOFError):
        parent.recv()
    os._exit(1)
