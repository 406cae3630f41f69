"""The U-Net in other runtimes."""

import importlib.util
import itertools
import tempfile
from collections.abc import Sequence

import numpy as np

from zoo.benchmark.turns import processes, take_turns

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


def runtimes(batches: Sequence[int] = (1, 16), rounds: int = 21) -> list[dict]:
    """Times predictions of the U-Net, 128 x 128, in the runtimes that are installed.

    Args:
        batches: numbers of images.
        rounds: how often each runtime is timed, twice or more.

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
    from zoo import exporting, formats

    format = "onnx" if name == "ONNX Runtime" else "litert"
    learned = images if name.endswith("int8") else None
    path = exporting.export(model, folder, format, quantize_on=learned, overwrite=True)  # that of another batch
    predict = formats.open_exported(path)
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
