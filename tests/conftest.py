"""What the tests share. They run on TensorFlow unless KERAS_BACKEND says otherwise."""

import functools
import http.server
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import filelock
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]

# Runs in a process that knows nothing but `zoo.layers`: every saved model must open there.
PREDICT = """
import pathlib, sys
import keras
import numpy as np
import zoo.layers

backend, folder = sys.argv[1:]
assert keras.backend.backend() == backend
for path in pathlib.Path(folder).glob("*.keras"):
    inputs = list(np.load(f"{path}.inputs.npz").values())
    outputs = keras.saving.load_model(path)(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = [keras.ops.cast(y, "float32") for y in keras.tree.flatten(outputs)]  # NumPy cannot store bfloat16
    np.savez(f"{path}.{backend}.npz", *map(keras.ops.convert_to_numpy, outputs))
"""

os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def pytest_collection_modifyitems(items):
    """The longest files begin first. Those that wait for the site, which is built meanwhile, come last."""
    first = ["test_training.py", "test_install.py", "test_site.py"]
    waiting = {item.path.name for item in items if "site" in item.fixturenames}
    items.sort(key=lambda item: (item.path.name in waiting, item.path.name not in first))


@pytest.fixture(autouse=True)
def same_weights_in_every_run():
    import keras  # after the backend is set

    keras.utils.set_random_seed(0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def randomize(rng):
    """Gives a model random weights, so that batch normalisation and biases do something."""

    def set_random_weights(model):
        model.set_weights([rng.uniform(0.5, 1.5, w.shape) * rng.choice(signs(w), w.shape) for w in model.weights])

    def signs(weight):
        return (1,) if weight.path.endswith("variance") else (-1, 1)

    return set_random_weights


@pytest.fixture
def gradient():
    """Gradient of `sum(function(x) * upstream)` with respect to x, on the backend that runs."""
    import keras

    def by_tensorflow(function, x, upstream):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x, upstream)

    def by_jax(function, x, upstream):
        import jax

        return jax.vjp(function, x)[1](upstream)[0]

    def by_torch(function, x, upstream):
        import torch

        x = x.detach().requires_grad_()
        return torch.autograd.grad(function(x), x, upstream)[0]

    return {"tensorflow": by_tensorflow, "jax": by_jax, "torch": by_torch}[keras.backend.backend()]


@pytest.fixture(scope="session")
def run_python():
    """Runs Python with these arguments in a fresh process, with Keras on this backend."""

    def run(backend, *arguments):
        command = [sys.executable, *map(str, arguments)]
        quick = "--xla_backend_optimization_level=0"  # what JAX compiles here runs only once
        environment = {**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": quick}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def predict_in_fresh_process(run_python):
    """Loads all models of a folder, each beside its inputs, and returns {name: outputs}."""

    def predict(backend, folder):
        run_python(backend, "-c", PREDICT, backend, folder)
        return {path.stem: list(np.load(f"{path}.{backend}.npz").values()) for path in folder.glob("*.keras")}

    return predict


@pytest.fixture
def photos():
    """Skips a test that needs real photos where there are none."""
    from zoo.data import prepared

    if not prepared.is_prepared():
        pytest.skip("Oxford-IIIT Pet is not on this machine (TFDS_DATA_DIR)")


@pytest.fixture(scope="session")
def run_zoo():
    """Runs the command line in a fresh process: run_zoo("list", cwd=folder, VARIABLE=value)."""

    def run(*arguments, cwd=ROOT, **variables):
        command = [sys.executable, "-m", "zoo", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    return run


# Builds the pages into the folder that is its argument, and writes how that ended beside it.
BUILD = """
import os, subprocess, sys
folder = sys.argv[1]
command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
with open(f"{folder}.log", "w") as log:
    done = subprocess.run(command, stdout=log, stderr=log)
with open(f"{folder}.ending", "w") as ending:
    ending.write(str(done.returncode))
os.replace(f"{folder}.ending", f"{folder}.done")
"""


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory, worker_id):
    """Where the pages are built for all workers."""
    folder = tmp_path_factory.getbasetemp()
    return (folder if worker_id == "master" else folder.parent) / "site"  # the parent is that of all workers


@pytest.fixture(scope="session", autouse=True)
def site_in_the_making(request, site_folder):
    """Has the pages built beside the tests if any of them asks for these: it takes minutes, and much is waiting."""
    wanted = any("site" in item.fixturenames for item in request.session.items)
    build = None
    if wanted and "ZOO_SITE" not in os.environ and importlib.util.find_spec("material"):
        with filelock.FileLock(f"{site_folder}.lock"):
            if not (started := pathlib.Path(f"{site_folder}.started")).exists():  # by the first worker
                started.touch()
                build = subprocess.Popen([sys.executable, "-c", BUILD, site_folder], cwd=ROOT, start_new_session=True)
    yield
    if build:
        session = request.session
        stopped = session.shouldstop or session.shouldfail or session.exitstatus == pytest.ExitCode.INTERRUPTED
        try:
            if not stopped:
                build.wait()  # another worker may need it yet
        finally:
            if build.poll() is None:
                os.killpg(build.pid, signal.SIGKILL)
                build.wait()
                pathlib.Path(f"{site_folder}.done").write_text("stopped")  # nobody needs to wait for it


@pytest.fixture(scope="session")
def site(site_folder):
    """The folder of the built pages: ZOO_SITE names one; otherwise they are built beside the tests."""
    if "ZOO_SITE" in os.environ:
        return pathlib.Path(os.environ["ZOO_SITE"])
    pytest.importorskip("material", reason="mkdocs-material is not installed (extra `site`)")
    done, deadline = pathlib.Path(f"{site_folder}.done"), time.monotonic() + 3600
    while not done.exists():
        assert time.monotonic() < deadline, "the site was not built within an hour"
        time.sleep(0.5)
    assert done.read_text() == "0", pathlib.Path(f"{site_folder}.log").read_text()
    return site_folder


@pytest.fixture(scope="session")
def address(site):
    """Where a server on this machine hands the pages out."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SilentHandler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `test`)")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("Chromium is not on this machine")
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", *camera]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser, address):
    """Opens a page with all that it folds away, in place of the last: visit("05_name/", color_scheme="dark")."""
    contexts = []

    def open_page(path="", watch=None, **settings):
        while contexts:
            contexts.pop().close()
        contexts.append(browser.new_context(**{"reduced_motion": "reduce", **settings}))
        contexts[-1].set_default_timeout(120_000)  # milliseconds: a slow machine is no fault of a page
        page = contexts[-1].new_page()
        if watch:
            watch(page)
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach(block => block.open = true)")
        return page

    yield open_page
    for context in contexts:
        context.close()
