import os

import zoo.benchmark
from zoo import data, files, lettering, machine, tables
from zoo.benchmark import figures
from zoo.commands.arguments import BENCHMARKS
from zoo.errors import printable
from zoo.stages import STAGES


def benchmark(options):
    if options.out.suffix != ".json":
        raise ValueError(f"--out must be a .json file; the picture beside it is a .png. Received: {options.out}")
    picture = options.out.with_suffix(".png")
    for path in (options.out, picture):
        if os.path.lexists(path):
            raise FileExistsError(f"{path} is there already. Move it, or name another --out.")
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # several processes share the GPU, if there is one
    packages = machine.versions("jax", "torch", "onnxruntime", "ai-edge-litert")
    results = {"machine": machine.hardware(), "versions": packages}
    for name in options.names or BENCHMARKS:
        measure = getattr(zoo.benchmark, name)
        results[name] = measure(data.default_dataset()) if name == "pipeline" else measure()
        files.write_json(options.out, results)
        print_results(name, results[name])
    lettering.save(figures.draw_benchmark(results), picture)
    print(printable(f"Wrote {options.out} and {picture}"))


def print_results(name, results):
    """Prints what one benchmark has measured."""
    if name == "pipeline":
        rows = [[rate, f"{images:.0f}"] for rate, images in results.items()]
        print(tables.format_table(["pipeline", "images a second"], rows) + "\n")
    else:
        print(tables.format_benchmark(results) + "\n")
    if name == "stages":
        growth = [[stage, f"{zoo.benchmark.exponent(results, stage):.2f}"] for stage in STAGES]
        print(tables.format_table(["time of a prediction", "grows as pixels to the power of"], growth) + "\n")
