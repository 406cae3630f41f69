# %% [markdown]
# # How fast is it?
#
# Max unpooling is said to be slow in Keras. **Is it? And what does each stage cost?** Two commands measured nearly all
# that stands here; they are at the end of the page. The next cell reads [what they wrote](benchmark.json).

# %%
import json

import zoo
from zoo import benchmark, tables
from zoo.benchmark import figures

results = json.loads(benchmark.RESULTS.read_text())
print(results["machine"])
print(", ".join(f"{package} {version}" for package, version in results["versions"].items()))

# %% [markdown]
# Machines are noisy. So all contenders take turns: each round calls each of them, in random order, and the **median**
# of the rounds counts. A contender's first call in a round is not timed, since the one before it has left the caches
# full of its own data. Ratios hold longer than milliseconds, but only on one kind of processor. All figures here come
# from one machine, but for those of the next cell that measures while this page is built.
#
# ## Pooling and unpooling
#
# Max pooling remembers where each maximum stood, and unpooling puts values there. How is that usually done? TensorFlow
# has `max_pool_with_argmax`, which gives the place of each maximum in the whole batch, and `scatter_nd`, which writes
# to such places. Does it give what [our layers](06_max_unpooling.md) give?

# %%
import inspect
import timeit

import tensorflow as tf

from zoo.benchmark import pooling

print(inspect.getsource(pooling.layers_of_the_zoo))
print(inspect.getsource(pooling.argmax_and_scatter))

# %%
pool_and_unpool = pooling.layers_of_the_zoo("float32")
ways = {
    "the zoo's layers": tf.function(pool_and_unpool),
    "the zoo's layers, XLA": tf.function(pool_and_unpool, jit_compile=True),
    "argmax and scatter": tf.function(pooling.argmax_and_scatter),
}
x = tf.random.stateless_normal((8, 128, 128, 32), seed=(0, 0))
for name, way in ways.items():
    assert (way(x) == ways["the zoo's layers"](x)).numpy().all()
    seconds = min(timeit.repeat(lambda way=way: way(x), number=1, repeat=10))
    print(f"{name:22} {1000 * seconds:5.1f} ms on the machine that built this page")

# %% [markdown]
# The same numbers, in another time. `scatter_nd` must be ready for any place, even for the same one twice. An offset
# cannot leave its window: four comparisons decide where a value goes, and no two values meet. The processor does that
# in long rows.
#
# Training needs the way back, too. Here it is with the gradient, and beside it PyTorch's own pair, `max_pool2d` with
# indices and `max_unpool2d`. A **copy** of the map is there as a yardstick: nothing that moves a map is much faster.

# %% Milliseconds of pooling and unpooling, with their gradients, for each contender tags=["picture"]
figures.draw_benchmark({"layers": results["layers"]})

# %%
rows = results["layers"]
case = {"shape": [8, 128, 128, 32], "dtype": "float32", "run": "forward and backward"}
chosen = [row for row in rows if case.items() <= row.items()]
times = {(row["contender"], row["backend"]): row.get("milliseconds") for row in chosen}

ours, plain = times["the zoo's layers, XLA", "tensorflow"], times["the zoo's layers", "tensorflow"]
usual, theirs = times["argmax and scatter", "tensorflow"], times["PyTorch's pair", "torch"]
print(f"with XLA:    {usual / ours:.1f} times as fast as argmax and scatter, {theirs / ours:.1f} times as PyTorch")
print(f"without XLA: {usual / plain:.1f} times as fast as argmax and scatter, {theirs / plain:.1f} times as PyTorch")
assert ours < plain < usual
assert ours < theirs

# A copy reads one map and writes one. Forward and backward read two maps and write two. The copy was timed twice.
same = {name: case[name] for name in ("shape", "dtype")}.items()
copies = [row["milliseconds"] for row in rows if row["contender"] == "copy of the map" and same <= row.items()]
print(f"with XLA, {2 * min(copies) / ours:.0%} to {2 * max(copies) / ours:.0%} of the speed of a copy")

(refused,) = [row["error"] for row in chosen if row["contender"] == "argmax and scatter, XLA"]
print("argmax and scatter with XLA:", refused.partition(" __inference")[0])

# %% [markdown]
# Argmax and scatter do not compile with XLA at all, and they are TensorFlow's alone. (The lead without XLA is one of
# this kind of processor: on an Intel one with AMX, an earlier version of our layers had none.) **Where we lose**: on
# the PyTorch backend of Keras our layers are slower than PyTorch's own pair, two functions in C++. Ours are many small
# operations, and without a compiler each of them writes its result to memory.

# %%
on_pytorch = times["the zoo's layers", "torch"]
print(f"on PyTorch, ours take {on_pytorch / theirs:.1f} times as long as its own")
assert on_pytorch > theirs

# %% [markdown]
# All maps in both precisions, in milliseconds, with the gradient and then without:

# %%
from IPython.display import Markdown


def arrange(rows, name_line, name_column):
    """A table of milliseconds: a line and a column for each name."""
    cells = {(name_line(row), name_column(row)): row for row in rows}
    columns = list(dict.fromkeys(column for _, column in cells))
    lines = []
    for line in dict.fromkeys(line for line, _ in cells):
        found = [cells[line, column] for column in columns]
        lines.append(
            [line, *("fails" if "error" in row else tables.format_number(row["milliseconds"]) for row in found)]
        )
    return Markdown(tables.format_table(["", *columns], lines))


def map_and_precision(row):
    return f"{tables.format_case(row['shape'])}, {row['dtype']}"


arrange([row for row in rows if row["run"] == "forward and backward"], figures.name_contender, map_and_precision)

# %%
arrange([row for row in rows if row["run"] == "forward"], figures.name_contender, map_and_precision)

# %% [markdown]
# ### Memory
#
# The offset that pooling hands to unpooling takes one byte. TensorFlow and PyTorch hand on a place in the whole map, of
# eight bytes. Here is what both steps take at their peak, with gradients. The map and the gradient that comes in are
# not counted. The unpooled map and the gradient of the map are: twice the map is the least that is possible.

# %% Megabytes that pooling and unpooling take at their peak, for each contender tags=["picture"]
figures.draw_benchmark({"layers_memory": results["layers_memory"]})

# %%
print(f"twice the map: {2 * results['layers_memory'][0]['map_megabytes']:.0f} MB")
peaks = {(row["contender"], row["backend"]): row.get("peak_megabytes") for row in results["layers_memory"]}
assert peaks["the zoo's layers, XLA", "tensorflow"] < peaks["PyTorch's pair", "torch"]
assert peaks["PyTorch's pair", "torch"] < peaks["argmax and scatter", "tensorflow"]
assert peaks["argmax and scatter", "tensorflow"] < peaks["the zoo's layers", "tensorflow"]

# %% [markdown]
# Compiled, ours take the least. **Without a compiler they take the most**: again the results of the small operations.
#
# ## The sliding window, cut and dense
#
# The [sliding window](02_sliding_window.md) computes the same features again for every patch. The dense evaluation
# computes each once and gives the same logits. How much of what it saves on paper does it save in time?

# %% How many times faster the dense evaluation is, and how many times fewer multiply-adds it needs tags=["picture"]
figures.draw_benchmark({"patches": results["patches"]})

# %%
first = {row["contender"]: row for row in results["patches"] if row["stride"] == 1}
fewer = first["sliding"]["multiply_adds"] / first["dense"]["multiply_adds"]
faster = first["sliding"]["milliseconds"] / first["dense"]["milliseconds"]
print(f"at every pixel: {fewer:.0f} times fewer multiply-adds, {faster:.0f} times faster")
print(f"that is {faster / fewer:.0%} of what the multiply-adds allow")
assert faster > 0.6 * fewer

last = {row["contender"]: row for row in results["patches"] if row["stride"] == 16}
faster = last["sliding"]["milliseconds"] / last["dense"]["milliseconds"]
print(f"at every 16th pixel: {faster:.2f} times as fast")
assert faster < 1

# %% [markdown]
# **Where we lose**: 16 pixels apart, patches share little, and to cut them is faster.
#
# ## Larger photos
#
# A photo of twice the side has four times the pixels. Does a prediction take four times as long? We ask from 256 x 256
# on, since small photos take little but the fixed cost of a call.

# %% Milliseconds of a prediction for one photo, by its side, for the nine stages tags=["picture"]
figures.draw_benchmark({"stages": results["stages"]})

# %%
growth = {stage: benchmark.exponent(results["stages"], stage) for stage in zoo.STAGES}
for stage, power in growth.items():
    print(f"{stage:24} time grows as pixels to the power of {power:.2f}")
    assert 0.9 < power < 1.1

# %% [markdown]
# A power of 1 means: twice the pixels, twice the time. Below 1, a fixed cost is shared among more pixels. What no stage
# shows is the square, which attention over all pixels would.
#
# The numbers of the picture, and what 16 photos and a training step take, in milliseconds:


# %%
def size_and_batch(row):
    photos = f"{row['batch']} x {row['size']} x {row['size']}"
    return photos if row["run"] == "predict" else f"training step, {photos}"


arrange(results["stages"], lambda row: row["stage"], size_and_batch)

# %% [markdown]
# (The sliding window trains in its dense form, so that a step takes less than a prediction.)
#
# And the memory that a prediction takes at its peak, beside the weights and the photo:

# %% Megabytes that a prediction for one photo takes at its peak, by its side, for the nine stages tags=["picture"]
figures.draw_benchmark({"stages_memory": results["stages_memory"]})

# %% [markdown]
# ## The U-Net elsewhere
#
# Keras is not the only one that can run the U-Net. PyTorch runs the same network with the same weights, and `python -m
# zoo export` takes it to ONNX Runtime and LiteRT. The picture is for one photo, the table also for sixteen:

# %% Milliseconds of a prediction of the U-Net for one photo in each runtime tags=["picture"]
figures.draw_benchmark({"runtimes": results["runtimes"]})

# %%
arrange(results["runtimes"], lambda row: row["runtime"], lambda row: f"batch {row['batch']}")

# %%
runtimes = {(row["runtime"], row["batch"]): row["milliseconds"] for row in results["runtimes"]}
for batch in (1, 16):
    pytorch = runtimes["PyTorch, eager", batch]
    print(f"batch {batch}, with the speed of PyTorch as 1:")
    for name in ("Keras on TensorFlow", "Keras on TensorFlow, XLA", "ONNX Runtime", "LiteRT", "LiteRT, int8"):
        print(f"  {name:26}{pytorch / runtimes[name, batch]:5.2f}")
    assert runtimes["LiteRT", batch] < pytorch
    for exported in ("ONNX Runtime", "LiteRT, int8"):
        assert runtimes[exported, batch] < min(pytorch, runtimes["Keras on TensorFlow", batch])
spread = {(row["runtime"], row["batch"]): row["quartiles"] for row in results["runtimes"]}
first, third = spread["LiteRT, int8", 1]
print(f"batch 1, LiteRT, int8: half of the rounds took {first:.1f} to {third:.1f} ms")
assert third > 2 * runtimes["LiteRT, int8", 1]

# %% [markdown]
# So for one photo Keras on TensorFlow and PyTorch are about equally fast; for sixteen, Keras leads. ONNX Runtime is
# faster than both, for one photo and for sixteen. The 8-bit LiteRT file has the smallest median in both, but for one
# photo its rounds differ widely. And its logits are rounded, so that some pixels get another class. For one photo
# LiteRT in floats is faster than Keras and PyTorch, and slower than ONNX Runtime; for sixteen it is level with Keras.
# Keras *on* PyTorch is the slowest in both. (The U-Net on TensorFlow stands in more than one table of this page, each
# time beside other contenders, and its times differ. Compare within a table.)
#
# ## Other U-Nets
#
# Two well-known networks for the same photos are larger than ours: the U-Net of keras.io and that of TensorFlow's
# tutorial. `python -m zoo.benchmark.peers` trains them beside ours, and times them: first beside ours as it is, then
# beside ours with so many filters that it has as many parameters. (*First 42 filters*: 42 in the first level and not
# 16, and all others in proportion.)


# %%
def network(row):
    millions = [f"{row[name] / 1e6:,.1f} M {name.replace('_', '-')}" for name in ("parameters", "multiply_adds")]
    return f"{row['network']}: {', '.join(millions)}"


arrange(results["peers"], network, lambda row: f"{row['run']}, batch {row['batch']}")

# %%
peers = {(row["network"], row["batch"], row["run"]): row["milliseconds"] for row in results["peers"]}
for other, widened in (("keras.io's U-Net", 24), ("TensorFlow's tutorial", 42)):
    for batch, run in ((1, "predict"), (16, "predict"), (16, "train")):
        theirs = peers[other, batch, run]
        as_it_is = theirs / peers["the zoo's U-Net", batch, run]
        equal = theirs / peers[f"the zoo's U-Net, first {widened} filters", batch, run]
        print(f"{run:7} batch {batch:2}: ours is {as_it_is:.2f} times as fast as {other},", end=" ")
        print(f"widened {equal:.2f} times")
        assert equal < 1 < as_it_is

# %% [markdown]
# As it is, ours is the fastest, with about as many multiply-adds as the others. **With as many parameters, it is the
# slowest.** The first layer of both others halves the photo; ours computes at full resolution, so that each parameter
# costs more multiply-adds. Parameters alone do not tell the time.
#
# ## Does the data keep up?
#
# A network that waits for photos is slow for no reason of its own. How many does tf.data deliver in a second, and how
# many does training the U-Net consume? The first epoch is **cold**: photos are read from disk and squeezed. Then they
# are **cached**, and only turned and lit anew. The **bare step** trains on one batch in memory again and again:
# training can hardly be faster.

# %% Images a second that tf.data delivers and that training consumes tags=["picture"]
figures.draw_benchmark({"pipeline": results["pipeline"]})

# %%
rates = results["pipeline"]
print(f"training reaches {rates['train'] / rates['bare_step']:.0%} of the bare step")
cold, cached = rates["cold"] / rates["train"], rates["cached"] / rates["train"]
print(f"tf.data alone delivers {cold:.0f} times as much, and once cached {cached:.0f} times")
assert rates["train"] > 0.95 * rates["bare_step"]

# %% [markdown]
# ## On your machine
#
# The same commands measure yours. All parts take about a quarter of an hour; a name after `benchmark` runs one alone.
#
# ```bash
# python -m zoo benchmark                                     # tables, benchmark.json, benchmark.png
# python -m zoo benchmark layers --out layers.json
# python -m zoo.benchmark.peers --benchmark benchmark.json    # adds the other U-Nets
# ```
#
# Four things can make it faster:
#
# - **A GPU.** The saved models learned on one, but no figure of this page comes from it. With JAX or TensorFlow on a
#   GPU, `train` compiles by XLA.
# - **Sixteen bits.** `train --mixed-precision` computes in bfloat16. Not everything gains on a CPU: our layers with XLA
#   on TensorFlow get slower, as the tables above show. On a GPU, the loss of `nearest_unpooling` and `bed_of_nails`
#   became NaN (not a number) in bfloat16: train these two in float32.
# - **Several GPUs or machines.** With JAX, `train --devices 8` shares each step among eight GPUs. The losses are those
#   of one but for rounding; we tried two virtual devices.
# - **A file without Keras.** `python -m zoo export unet` (after `pip install ".[export]"` in the clone) writes one, and
#   says how well it agrees with Keras. [Exporting](reference/exporting.md) tells how to run it.
