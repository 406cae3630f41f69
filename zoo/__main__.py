"""The command line: `python -m zoo --help`."""

import io
import os
import pkgutil
import signal
import sys
import threading

from zoo import backend, quiet
from zoo.commands.arguments import check_writable
from zoo.commands.parser import parser
from zoo.errors import explain, printable
from zoo.stages import STAGES, check_stage

STOPPED = threading.Event()  # an import may lose the SystemExit on its way, and fail by another error
WRITE_FILES = ("benchmark", "compare", "inspect")  # of the commands with --out; the others write into a folder


def main(arguments=None):
    """Parses the arguments and runs a command; an expected error ends it with one line."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:  # it is closed, and its number would be that of the next file
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show loses no table
    try:
        run(parser().parse_args(arguments))
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # nobody takes it: Python would try once more at its end
            write_no_more()


def run(options):
    """Runs the command of the parsed options."""
    try:
        if "stage" in options:
            check_stage(options.stage)
        if "model" in options and not options.model.endswith(".keras"):
            check_model_name(options.model)
        if "out" in options:
            check_writable(options.out, options.command in WRITE_FILES)
        if options.command != "list":  # which answers at once
            backend.check()
            quiet.import_tensorflow()
        pkgutil.resolve_name(options.run)(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads, `head` for one, has enough
        sys.exit(1)
    except KeyboardInterrupt:
        goes_on = options.command in ("train", "grid", "trials")
        resume = " The same command goes on from the last whole epoch." if goes_on else ""
        sys.exit(f"\n{options.command}: stopped.{resume}")
    except Exception as error:
        if STOPPED.is_set():
            sys.exit(143)
        line = explain(error)
        if line is None or options.traceback:
            raise
        sys.exit(printable(f"{options.command}: {line}"))


def check_model_name(name):
    """Refuses what is no stage; what looks like a file must be called so, lest a model of pets answer in its place."""
    there = os.path.exists(f"{name}.keras")
    if name not in STAGES and (there or os.path.basename(name) != name or os.path.splitext(name)[1]):
        hint = f" Did you mean {name}.keras?" if there else ""
        raise ValueError(f"STAGE|FILE must be a saved stage, such as unet, or a .keras file.{hint} Received: {name}")
    check_stage(name)


def stop(*_):
    """Ends the program as `kill` does, but what is unfinished is removed."""
    STOPPED.set()
    sys.exit(143)


def write_no_more():
    """Drops what was printed and cannot be written."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    main()
