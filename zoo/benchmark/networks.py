"""Whole networks: the stages, the two ways to evaluate a patch classifier, and the U-Net in other runtimes."""

import importlib.util
import itertools
import math
import tempfile

import numpy as np

from zoo.benchmark.turns import peak_megabytes, processes, take_turns
from zoo.stages import STAGES

SIZES = (64, 128, 256, 512, 1024)  # sides of photos, in pixels
STRIDES = (1, 2, 4, 8, 16)

# What runs the U-Net: (name, backend of Keras or package).
RUNTIMES = (
    ("Keras on TensorFlow", "tensorflow"),
    ("Keras on TensorFlow, XLA", "tensorflow"),
    ("Keras on JAX", "jax"),
    ("Keras on PyTorch", "torch"),
    ("PyTorch, eager", "torch"),
    ("ONNX Runtime", "onnxruntime"),
    ("LiteRT", "ai_edge_litert"),
    ("LiteRT, int8", "ai_edge_litert"),
)


def stages(sizes=SIZES, rounds=9):
    """Times predictions and training steps of all stages on TensorFlow.

    Args:
        sizes: sides of the photos in pixels.
        rounds: how often each stage is timed.

    Returns:
        A list of dictionaries: `stage`, `size`, `batch`, `run` ("predict" or "train") and what
        `take_turns` measures for a batch. Predictions take one photo of each size, and 16 of 128 x
        128; a step of training takes 16 of 128 x 128.
    """
    rows = []
    cases = [(size, 1, "predict") for size in sizes] + [(128, 16, "predict"), (128, 16, "train")]
    for size, batch, run in cases:
        with processes(["tensorflow"]) as process:  # a fresh one, for all models of all sizes take 10 GB
            calls = {stage: (process["tensorflow"], run_stage, stage, size, batch, run) for stage in STAGES}
            for stage, measured in take_turns(calls, rounds).items():
                rows.append({"stage": stage, "size": size, "batch": batch, "run": run, **measured})
    return rows


def exponent(rows, stage):
    """How the time of a prediction grows with the number of pixels from 256 x 256 on: 1 is linear, NaN unknown."""
    own = [row for row in rows if row["stage"] == stage and row["batch"] == 1 and "error" not in row]
    times = {row["size"]: row["milliseconds"] for row in own}
    large = [size for size in times if size >= 256]
    if len(large) < 2:
        return math.nan
    return float(np.polyfit(np.log(np.square(large)), np.log([times[size] for size in large]), 1)[0])


def stages_memory(sizes=(128, 256, 512, 1024)):
    """Measures the memory that a prediction for one photo takes, beside weights and photo.

    Args:
        sizes: sides of the photos in pixels.

    Returns:
        A list of dictionaries: `stage`, `size`, and what `peak_megabytes` measures.
    """
    return [
        {
            "stage": stage,
            "size": size,
            **peak_megabytes(
                "tensorflow", (run_stage, stage, 32, 1, "predict"), (run_stage, stage, size, 1, "predict")
            ),
        }
        for stage in STAGES
        for size in sizes
    ]


def windows(strides=STRIDES, rounds=5):
    """Times the patch classifier of `sliding_window` on a photo of 128 x 128: cut into patches, and dense.

    Args:
        strides: steps from patch to patch in pixels.
        rounds: how often each contender is timed.

    Returns:
        A list of dictionaries: `stride`, `contender` ("sliding" or "dense"), `multiply_adds`, and what
        `take_turns` measures. The ratio of multiply-adds is the most that dense evaluation can gain.
    """
    contenders = [(stride, name) for stride in strides for name in ("sliding", "dense")]
    with processes(["tensorflow"]) as process:
        counts = [
            process["tensorflow"].submit(count_multiply_adds, name, stride).result() for stride, name in contenders
        ]
        calls = {(stride, name): (process["tensorflow"], run_windows, name, stride) for stride, name in contenders}
        measured = take_turns(calls, rounds)
    return [
        {"stride": stride, "contender": name, "multiply_adds": count, **measured[stride, name]}
        for (stride, name), count in zip(contenders, counts, strict=True)
    ]


def runtimes(batches=(1, 16), rounds=21):
    """Times predictions of the U-Net, 128 x 128, in the runtimes that are installed.

    Args:
        batches: numbers of images.
        rounds: how often each runtime is timed.

    Returns:
        A list of dictionaries: `runtime`, `batch`, and what `take_turns` measures.
    """
    rows = []
    found = [(name, package) for name, package in RUNTIMES if importlib.util.find_spec(package)]
    backends = {name: package if name.startswith(("Keras", "PyTorch")) else "tensorflow" for name, package in found}
    with tempfile.TemporaryDirectory() as folder, processes(set(backends.values())) as process:
        for batch in batches:
            calls = {name: (process[backend], run_runtime, name, batch, folder) for name, backend in backends.items()}
            for name, measured in take_turns(calls, rounds).items():
                rows.append({"runtime": name, "batch": batch, **measured})
    return rows


def run_stage(stage, size, batch, run):
    """A prediction or a step of training of a stage."""
    from zoo import models

    build = models.build if run == "predict" else models.build_for_training
    return run_network(build(stage, image_shape=(size, size, 3)), batch, run)


def run_network(model, batch, run):
    """A prediction or a step of training of a Keras model of fixed size."""
    import keras

    from zoo import training

    rng = np.random.default_rng(0)
    shape = (batch, *model.input_shape[1:])
    images = rng.random(shape, "float32")
    if run == "predict":
        return lambda: model.predict_on_batch(images)
    training.compile_model(model, keras.optimizers.AdamW(), training.Recipe("synthetic_pets"))
    masks = rng.integers(0, 3, shape[:-1]).astype("int32")
    return lambda: model.train_on_batch(images, masks)


def build_windows(name, stride):
    """The model of the patch classifier, cut into patches or dense."""
    from zoo.models.sliding_window import build_dense_window, build_sliding_window

    return (build_sliding_window if name == "sliding" else build_dense_window)(stride=stride)


def run_windows(name, stride):
    """A prediction for a photo by the patch classifier, cut into patches or dense."""
    return run_network(build_windows(name, stride), 1, "predict")


def count_multiply_adds(name, stride):
    """Multiply-adds for a photo: of the sliding window patch by patch, of the dense one in TensorFlow's graph."""
    import tensorflow as tf

    from zoo import costs

    model = build_windows(name, stride)
    if name == "sliding":
        return costs.multiply_adds(model)
    graph = tf.function(model).get_concrete_function(tf.TensorSpec((1, *model.input_shape[1:]))).graph
    convolutions = [operation for operation in graph.get_operations() if operation.type == "Conv2D"]
    return sum(
        math.prod(operation.outputs[0].shape) * math.prod(operation.inputs[1].shape[:3]) for operation in convolutions
    )


def run_runtime(name, batch, folder):
    """A prediction by the saved U-Net in a runtime."""
    from zoo import saved

    images = np.random.default_rng(0).random((batch, 128, 128, 3), "float32")
    model = saved.load("unet")
    if name == "PyTorch, eager":
        return run_on_torch(model, images)
    if name.startswith("Keras"):
        if name.endswith("XLA"):
            model.jit_compile = True
        return lambda: model.predict_on_batch(images)
    from zoo import exporting

    format = "onnx" if name == "ONNX Runtime" else "litert"
    path = exporting.export(model, folder, format, quantize_on=images if name.endswith("int8") else None)
    predict = exporting.open_exported(path)
    return lambda: predict(images)


def run_on_torch(model, images):
    """A prediction by the network of the Keras model, as one writes it in PyTorch."""
    import torch

    network = unet_of_pytorch(model)
    images = torch.tensor(images).permute(0, 3, 1, 2).contiguous()

    def predict():
        with torch.inference_mode():
            return network(images).numpy()

    return predict


def unet_of_pytorch(model):
    """The U-Net with the weights of the Keras model, written with `torch.nn` alone, channels first."""
    import torch
    from torch import nn

    from zoo.models.encoder_decoder import FILTERS

    def convolution(inputs, outputs):
        return (nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs, eps=1e-3), nn.ReLU())

    def double_convolution(inputs, outputs):
        return nn.Sequential(*convolution(inputs, outputs), *convolution(outputs, outputs))

    class UNet(nn.Module):
        def __init__(self, filters):
            super().__init__()
            self.down = nn.ModuleList(map(double_convolution, (3, *filters), filters))
            self.pool = nn.MaxPool2d(2)
            self.up = nn.ModuleList(
                nn.ModuleList([nn.ConvTranspose2d(low, high, 2, 2), double_convolution(2 * high, high)])
                for low, high in itertools.pairwise(reversed(filters))
            )
            self.logits = nn.Conv2d(filters[0], 3, 1)

        def forward(self, x):
            x, features = self.down[0](x), []
            for down in self.down[1:]:
                features.append(x)
                x = down(self.pool(x))
            for grow, convolve in self.up:
                x = convolve(torch.cat([grow(x), features.pop()], 1))
            return self.logits(x)

    network = UNet(FILTERS).eval()
    theirs = [tensor for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")]
    for tensor, weight in zip(theirs, model.get_weights(), strict=True):
        tensor.copy_(torch.tensor(weight.transpose(3, 2, 0, 1) if weight.ndim == 4 else weight))
    return network
