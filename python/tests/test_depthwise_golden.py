"""Arrays, bounds and files that can be checked by hand."""
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "src"))

import depthwise_golden as golden  # noqa: E402
from depthwise_golden.bundle import layers_in  # noqa: E402

MANIFEST = {
    "format": "depthwise-golden",
    "version": 1,
    "generator": "depthwise 0.0.0",
    "precision": "float32",
    "layers": [
        {"name": "a/dense", "kind": "dense", "inputs": ["x"], "shape": [1, 2]},
        {"name": "b", "kind": "relu6", "inputs": ["a/dense"], "shape": [1, 2]},
    ],
    "network": {
        "name": "two",
        "nodes": [
            {"name": "a/dense", "kind": "dense", "inputs": ["x"], "attributes": {"units": 2, "bias": False}},
            {"name": "b", "kind": "relu6", "inputs": ["a/dense"]},
        ],
    },
}
TENSORS = {
    "inputs/x": [[1, 2, 3]],
    "outputs/a/dense": [[7, -2]],
    "outputs/b": [[6, 0]],
    "bounds/a/dense": [[1, 1]],
    "bounds/b": [[1, 1]],
    "isolated/a/dense": [[0.5, 0.25]],
    "isolated/b": [[0, 0]],
    "weights/a/dense/kernel": [[1, 0], [0, -1], [2, 0]],
}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def bundle(self, name="two.npz", manifest=MANIFEST, without=()):
        path = self.path(name)
        golden.write(path, {key: x for key, x in TENSORS.items() if key not in without})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("depthwise.golden.json", manifest if isinstance(manifest, str) else json.dumps(manifest))
        return path


class Reading(Folder):
    def test_layers_are_fed_the_golden_tensors_before_them(self):
        bundle = golden.read(self.bundle())
        self.assertEqual((bundle.name, bundle.precision, [layer.kind for layer in bundle.layers]), ("two", "float32", ["dense", "relu6"]))
        dense, relu6 = bundle.layers
        self.assertEqual(dense.inputs[0].tolist(), [[1, 2, 3]])
        self.assertEqual(dense.weights["kernel"].shape, (3, 2))
        self.assertEqual(dense.attributes, {"units": 2, "bias": False})
        self.assertEqual(relu6.inputs[0].tolist(), [[7, -2]])
        self.assertEqual((dict(relu6.weights), dict(relu6.attributes)), ({}, {}))
        self.assertEqual(bundle.layer("b").bound.tolist(), [[0, 0]])
        self.assertEqual(layers_in(bundle.path), [("a/dense", "dense"), ("b", "relu6")])
        with self.assertRaisesRegex(KeyError, "there is no layer 'c'"):
            bundle.layer("c")

    def test_what_is_written_is_read(self):
        tensors = {"a/b": np.float32([[1, 2]]), "file": np.float32(3), "c": np.float32([0.1, math.nan, math.inf])}
        for name in ("x.npz", "x.safetensors"):
            golden.write(self.path(name), tensors)
            found, manifest = golden.read_tensors(self.path(name))
            self.assertIsNone(manifest)
            self.assertEqual(list(found), list(tensors))
            for key, x in tensors.items():
                np.testing.assert_array_equal(found[key], x)
        with self.assertRaisesRegex(ValueError, r"x\.txt: wanted a name ending in \.npz or \.safetensors"):
            golden.write(self.path("x.txt"), tensors)

    def test_files_that_are_damaged(self):
        golden.write(self.path("plain.npz"), {"x": [1]})
        golden.write(self.path("plain.safetensors"), {"x": [1]})
        with open(self.path("plain.safetensors"), "rb") as file:
            whole = file.read()

        def changed(old, new):
            self.assertEqual(len(old), len(new))
            self.assertIn(old, whole)
            return whole.replace(old, new)

        files = {
            "text": (b"no tensors here", "neither a .safetensors nor a .npz file, or cut off"),
            "cut": (whole[:20], "neither a .safetensors nor a .npz file, or cut off"),
            "short": (whole[:-1], r"'x' of shape \[1\] does not lie at bytes 0 to 4"),
            "json": (changed(b'{"x"', b'["x"'), "the header is not JSON: "),
            "type": (changed(b"F32", b"I64"), "'x' is of type I64, wanted one of F64, F32, F16, I32, I8, U8"),
            "offsets": (changed(b"[0, 4]", b"[8, 4]"), "does not lie at bytes 8 to 4"),
            "entry": (changed(b"dtype", b"dtipe"), "'x' has no dtype, shape and two data_offsets"),
            "zip": (b"PK\x03\x04 no archive", "not a zip file"),
        }
        for name, (content, message) in files.items():
            with open(self.path(name), "wb") as file:
                file.write(content)
            with self.assertRaisesRegex(golden.FormatError, f"{name}: .*{message}|{name}: {message}"):
                golden.read_tensors(self.path(name))
        for read in (golden.read, golden.read_tensors, layers_in):
            for name, message in {"nothere": "No such file or directory", "": "Is a directory"}.items():
                with self.assertRaises(golden.FormatError) as caught:
                    read(self.path(name))
                self.assertEqual(str(caught.exception), f"{self.path(name)}: {message}; wanted a .safetensors or .npz file")
        bundles = {
            self.path("plain.npz"): "plain.npz: not a golden bundle; make one with depthwise golden",
            self.bundle("3.npz", {**MANIFEST, "version": 3}): r"version 1 or 2, found \('depthwise-golden', 3\)",
            self.bundle("list.npz", []): "version 1 or 2, found None",
            self.bundle("no.npz", "{"): "the manifest is not JSON: ",
            self.bundle("half.npz", without=("outputs/b",)): "half.npz: 'outputs/b' is missing",
            self.bundle("old.npz", without=("isolated/b",)): "'isolated/b' is missing; make it anew with depthwise golden",
        }
        for path, message in bundles.items():
            with self.assertRaisesRegex(golden.FormatError, message):
                golden.read(path)


class Checking(Folder):
    def test_verdicts(self):
        for theirs, verdict, coordinate, units in [
            ([[10.0, 20.0]], "exact", (0, 0), 0),
            ([[10.5, 20.5]], "within rounding", (0, 0), 0.5),
            ([[10.5, 22.5]], "beyond", (0, 1), 1.25),
            ([[10.0, math.nan]], "beyond", (0, 1), math.inf),
            ([10.0, 20.0], "wrong shape", None, 0),
        ]:
            found = golden.difference(theirs, [[10.0, 20.0]], [[1.0, 2.0]])
            self.assertEqual((found.verdict, found.coordinate, found.units), (verdict, coordinate, units))
        self.assertEqual(golden.difference([[10.5, 22.5]], [[10.0, 20.0]], [[1.0, 2.0]], allowance=2).verdict, "within rounding")
        self.assertEqual(golden.difference([[12.5, 22.5]], [[10.0, 20.0]], [[1.0, 2.0]]).wrong, 2)

    def test_a_bound_that_exceeds_the_numbers_decides_nothing(self):
        self.assertEqual(golden.difference([0.5, 0], [1, 0], [2, 0]).verdict, "not decided")
        self.assertEqual(golden.difference([1, 0], [1, 0], [2, 0]).verdict, "exact")
        self.assertFalse(golden.difference([0.5, 0], [1, 0], [2, 0]).passed)

    def test_nan_infinity_and_bounds_of_zero(self):
        self.assertEqual(golden.difference([math.nan, math.inf], [math.nan, math.inf], [0, 0]).verdict, "exact")
        self.assertEqual(golden.difference([math.nan, 5], [1, 5], [math.inf, 1]).verdict, "not decided")
        # In units of the median bound, 2: 1 + 3 / 2.
        self.assertEqual(golden.difference([9, 5], [6, 5], [0, 2]).units, 2.5)
        # Without any: of the rounding of the largest number.
        self.assertEqual(golden.difference([6, 5 + 2**-22], [6, 5], [0, 0]).units, 1 + 4 / 6)

    def test_layers(self):
        dense, relu6 = golden.read(self.bundle()).layers
        self.assertEqual(dense.check([[7.25, -2.25]]).verdict, "within rounding")
        self.assertEqual(relu6.check(np.float32([6, 0])).verdict, "exact")  # in a row
        with self.assertRaises(golden.BeyondBound) as caught:
            dense.check([[7.25, -3]])
        self.assertEqual(
            str(caught.exception), "two: a/dense[0, 1]: theirs -3, reference -2, off by 1, allowed 0.25; 1 of 2 numbers beyond"
        )
        self.assertEqual(caught.exception.difference.units, 4)
        self.assertIsInstance(caught.exception, AssertionError)
        with self.assertRaisesRegex(golden.BeyondBound, r"two: a/dense has the shape \[3\], wanted \[1, 2\]"):
            dense.check([1, 2, 3])
        with self.assertRaisesRegex(golden.BeyondBound, r"two: b\[0, 1\]: theirs 1, reference 0: not decided, the bound 9 exceeds the numbers"):
            golden.Layer("b", "relu6", {}, (), {}, np.zeros((1, 2)), np.full((1, 2), 9), "two: b", {}).check([[0, 1]])


try:
    import pytest  # noqa: F401
except ImportError:
    pytest = None


@unittest.skipIf(pytest is None, "needs pytest")
class Plugin(Folder):
    TEST = """
def test_layer(golden_layer):
    if golden_layer.kind == "dense":
        golden_layer.check(golden_layer.inputs[0] @ golden_layer.weights["kernel"])
    else:
        golden_layer.check(golden_layer.inputs[0])
"""

    def run_pytest(self, *args):
        with open(self.path("test_it.py"), "w") as file:
            file.write(self.TEST)
        source = os.path.join(os.path.dirname(__file__), "..", "src")
        environment = {**os.environ, "PYTHONPATH": os.path.abspath(source), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        words = [sys.executable, "-m", "pytest", "-p", "depthwise_golden.pytest_plugin", "-p", "no:cacheprovider", "-v", *args, "test_it.py"]
        return subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True)

    def test_a_test_for_each_layer(self):
        os.mkdir(self.path("golden"))
        self.bundle("golden/two.npz")
        found = self.run_pytest("--golden", "golden", "--theirs", "theirs")
        self.assertIn("test_it.py::test_layer[two-a/dense] PASSED", found.stdout)
        self.assertIn("test_it.py::test_layer[two-b] FAILED", found.stdout)
        self.assertIn("two: b[0, 1]: theirs -2, reference 0", found.stdout)
        theirs, _ = golden.read_tensors(self.path("theirs/two.npz"))
        self.assertEqual({name: x.tolist() for name, x in theirs.items()}, {"a/dense": [[7, -2]], "b": [[7, -2]]})

    def test_kinds(self):
        found = self.run_pytest("--golden", self.bundle(), "--golden-kinds", "dense")
        self.assertIn("1 passed", found.stdout)
        none = self.run_pytest("--golden", self.bundle(), "--golden-kinds", "conv2d")
        self.assertIn("there are no layers of kind conv2d in its bundles", none.stdout + none.stderr)

    def test_the_readme_skips_kinds_that_its_backend_lacks(self):
        with open(os.path.join(os.path.dirname(__file__), "..", "README.md")) as file:
            self.TEST = next(text for text in file.read().split("```") if "def test_layer" in text).removeprefix("python\n")
        kinds = {"dense": "softmax", "relu6": "relu6"}
        layers = [{**layer, "kind": kinds[layer["kind"]]} for layer in MANIFEST["layers"]]
        found = self.run_pytest("--golden", self.bundle(manifest={**MANIFEST, "layers": layers}), "-rs")
        self.assertIn("1 passed, 1 skipped", found.stdout)
        self.assertIn("the backend has no softmax", found.stdout)

    def test_without_bundles(self):
        self.assertIn("1 skipped", self.run_pytest().stdout)
        missing = self.run_pytest("--golden", "nowhere")
        self.assertIn("--golden: there is no 'nowhere'; make bundles with: npx depthwise golden", missing.stdout + missing.stderr)


if __name__ == "__main__":
    unittest.main()
