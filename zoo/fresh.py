"""Fresh processes for measurements, which end when the one that started them does."""

import concurrent.futures
import multiprocessing
import os
import threading


def process(prepare, *arguments):
    """A fresh process, as an executor, to be used in a `with` statement.

    Args:
        prepare: what it calls first, with the arguments.
    """
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(1, context, start, (prepare, *arguments))


def start(prepare, *arguments):
    """What a fresh process does first."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    prepare(*arguments)


def end_with_parent():
    """Waits until the parent is gone, even if it was killed, and then ends this process, whatever it is doing."""
    multiprocessing.parent_process().join()
    os._exit(1)
