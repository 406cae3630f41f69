from zoo import data
from zoo.errors import printable


def download(options):
    print(printable(f"Oxford-IIIT Pet is ready in {data.download()}"))


def choose(options):
    """The data set that was named, or the one that is there; says which."""
    name = options.dataset or data.default_dataset()
    print(f"Data set: {name}" + ("" if options.dataset else " (none was named with --dataset)"))
    return name
