"""A pytest plugin: a test for every layer of every golden bundle.

    def test_layer(golden_layer):
        if golden_layer.kind not in BACKEND:
            pytest.skip(f"the backend has no {golden_layer.kind}")
        golden_layer.check(BACKEND[golden_layer.kind](golden_layer))

    pytest --golden golden/ --golden-kinds conv2d,dense --theirs theirs/

`--theirs` writes what was checked, a file for each bundle, for `depthwise compare golden/ theirs/ --fed-golden`.
"""
import dataclasses
import functools
import os

import numpy as np
import pytest

from .bundle import Layer, layers_in, name_of, read
from .files import write

_read = functools.lru_cache(maxsize=4)(read)


def pytest_addoption(parser):
    group = parser.getgroup("depthwise golden bundles")
    group.addoption("--golden", metavar="PATH", help="a bundle that `depthwise golden` wrote, or a folder of bundles")
    group.addoption("--golden-kinds", metavar="KINDS", help="layers of these kinds alone: conv2d,dense")
    group.addoption("--theirs", metavar="FOLDER", help="write what was checked, a .npz file for each bundle")


def pytest_generate_tests(metafunc):
    if "golden_layer" not in metafunc.fixturenames:
        return
    path = metafunc.config.getoption("--golden")
    if path is None:
        skipped = pytest.param(None, marks=pytest.mark.skip(reason="needs --golden"))
        metafunc.parametrize("golden_layer", [skipped], indirect=True)
        return
    kinds = metafunc.config.getoption("--golden-kinds")
    layers, ids = [], []
    for bundle in _bundles(path):
        found = layers_in(bundle)
        for name, kind in found:
            if kinds is None or kind in kinds.split(","):
                layers.append((bundle, name))
                ids.append(name_of(bundle) if len(found) == 1 else f"{name_of(bundle)}-{name}")
    if not layers:
        of_kind = "" if kinds is None else f" of kind {kinds}"
        raise pytest.UsageError(f"--golden {path}: there are no layers{of_kind} in its bundles")
    metafunc.parametrize("golden_layer", layers, ids=ids, indirect=True)


def _bundles(path):
    if not os.path.exists(path):
        make = f"npx depthwise golden --suite layers --out {path}"
        raise pytest.UsageError(f"--golden: there is no '{path}'; make bundles with: {make}")
    if not os.path.isdir(path):
        return [path]
    names = [name for name in sorted(os.listdir(path)) if name.endswith((".safetensors", ".npz"))]
    return [os.path.join(path, name) for name in names]


@pytest.fixture
def golden_layer(request):
    """A layer of a golden bundle. What its `check` is given is kept for --theirs."""
    path, name = request.param
    layer = _read(path).layer(name)
    if request.config.getoption("--theirs") is None:
        return layer
    kept = request.config.stash.setdefault(_checked, {}).setdefault(path, {})
    own = {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)}
    return _Recorded(**own, kept=kept)


def pytest_sessionfinish(session):
    folder = session.config.getoption("--theirs")
    if folder is None:
        return
    os.makedirs(folder, exist_ok=True)
    for path, tensors in session.config.stash.get(_checked, {}).items():
        write(os.path.join(folder, name_of(path) + ".npz"), tensors)


_checked = pytest.StashKey()


@dataclasses.dataclass(frozen=True)
class _Recorded(Layer):
    kept: dict = dataclasses.field(default_factory=dict)

    def difference(self, theirs, allowance=1.0):
        self.kept[self.name] = np.asarray(theirs, np.float32)
        return super().difference(theirs, allowance)
