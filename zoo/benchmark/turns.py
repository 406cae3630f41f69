"""Contenders that take turns, each in a process of its backend."""

import concurrent.futures
import contextlib
import functools
import os
import random
import statistics
import time

from zoo import fresh, quiet


@contextlib.contextmanager
def processes(backends, first=quiet.import_tensorflow):
    """A fresh process for each backend, in a dictionary; `first` is what they begin with."""
    with contextlib.ExitStack() as stack:
        yield {backend: stack.enter_context(fresh.process(start_backend, backend, first)) for backend in backends}


def start_backend(backend, first):
    """What a fresh process does first."""
    os.environ["KERAS_BACKEND"] = backend
    first()


def take_turns(calls, rounds):
    """Lets contenders run in turn, in random order.

    Args:
        calls: dictionary from a contender to (process, function, *arguments). In that process, the
            function makes what is to be timed: a function without arguments.
        rounds: how often each is timed, after a warm-up; twice or more, for the quartiles.

    Returns:
        A dictionary from a contender to `milliseconds` (median) and `quartiles` (the first and the
        third), or to `error`, where it cannot do what is asked, or the process that it shares was stopped.
    """
    if not isinstance(rounds, int) or rounds < 2:
        raise ValueError(f"`rounds` must be a whole number from 2. Received: rounds={rounds!r}")
    times, errors = {contender: [] for contender in calls}, {}
    order = random.Random(0)
    for _ in range(rounds):
        for contender in order.sample(list(calls), len(calls)):
            if contender in errors:
                continue
            process, *call = calls[contender]
            try:
                times[contender].append(process.submit(timed, *call).result())
            except Exception as error:  # also if its process was stopped
                errors[contender] = failure(error)
    return {contender: errors.get(contender) or spread(times[contender]) for contender in calls}


def failure(error):
    """What stands in the place of a measurement: the kind of the error and its first line."""
    return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}


def spread(seconds):
    """Median and quartiles in milliseconds."""
    first, median, third = (1000 * time for time in statistics.quantiles(seconds, n=4))
    return {"milliseconds": median, "quartiles": [first, third]}


def timed(make, *arguments):
    """Seconds that a contender takes in this process, on its second call in a row."""
    call = warmed_up(make, *arguments)
    call()  # not timed: the contender before it has left the caches full of its own data
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@functools.cache
def warmed_up(make, *arguments):
    """A contender that was called a few times."""
    call = make(*arguments)
    for _ in range(3):
        call()
    return call


def peak_megabytes(backend, small, large):
    """Memory that a call takes at its peak, beside what it was made from, in a fresh process on the CPU.

    Args:
        backend: of Keras.
        small: (function, *arguments), as for `take_turns`: called first, to load what all calls need.
        large: likewise: what is measured.

    Returns:
        A dictionary: `peak_megabytes` (10^6 bytes; `None` where the system does not tell), or `error`.
    """
    with processes([backend], quiet.import_tensorflow_without_gpu) as process:
        try:
            process[backend].submit(timed, *small).result()
            growth = process[backend].submit(fresh.peak_growth, *large).result()
            return {"peak_megabytes": None if growth is None else growth / 1e6}
        except concurrent.futures.process.BrokenProcessPool:
            return {"error": "its process was stopped: out of memory?"}
        except Exception as error:
            return failure(error)
