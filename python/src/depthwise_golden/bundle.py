"""A golden bundle: what a network is fed, every layer's output, and how far a correct backend may be from it.

Arrays are NHWC; kernels are HWIO, HWC(M) or IO; batch norm has gamma, beta, movingMean, movingVariance.
"""
import os
import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Tuple

import numpy as np

from .checking import BeyondBound, Difference, difference
from .files import FormatError, read_manifest, read_tensors


@dataclass(frozen=True)
class Layer:
    name: str
    # 'conv2d', 'depthwiseConv2d', 'pointwiseConv2d', 'dense', 'batchNorm', 'relu6', ...
    kind: str
    attributes: Mapping[str, object]
    # What the layer is fed, from the bundle, in its order.
    inputs: Tuple[np.ndarray, ...]
    # By their names within the layer: 'kernel', 'bias'.
    weights: Mapping[str, np.ndarray]
    # The float64 reference, rounded to float32, and how far a correct backend may be from it when it is fed `inputs`.
    output: np.ndarray
    bound: np.ndarray
    # 'conv2d-normal: conv2d', for messages.
    title: str
    # In bundles of integers: {'inputs': [type, ...], 'output': type}, with a type as {'type': 'int8', 'scale': 0.02, 'zeroPoint': 3} or
    # 'float32'. Arrays hold the integers q, which stand for scale * (q - zeroPoint). Weights have theirs beside them: 'kernel/scale', by
    # broadcasting, and 'kernel/zeroPoint' where it is not 0.
    types: Mapping[str, object]

    def difference(self, theirs, allowance=1.0) -> Difference:
        """Compares a backend's array. As many numbers in another shape are taken in this layer's, in row-major order."""
        theirs = np.asarray(theirs)
        if theirs.size == self.output.size:
            theirs = theirs.reshape(self.output.shape)
        return difference(theirs, self.output, self.bound, allowance)

    def check(self, theirs, allowance=1.0) -> Difference:
        """The same; raises BeyondBound, an AssertionError that names the element, unless every number is within its bound."""
        found = self.difference(theirs, allowance)
        if found.passed:
            return found
        if found.verdict == "wrong shape":
            raise BeyondBound(
                f"{self.title} has the shape {list(np.shape(theirs))}, wanted {list(self.output.shape)}", found
            )
        where = f"{self.title}{list(found.coordinate)}: theirs {found.theirs:.9g}, reference {found.reference:.9g}"
        if found.verdict == "not decided":
            raise BeyondBound(f"{where}: not decided, the bound {found.bound:.3g} exceeds the numbers", found)
        far = abs(found.theirs - found.reference)
        count = f"{found.wrong} of {self.output.size} numbers beyond"
        raise BeyondBound(f"{where}, off by {far:.3g}, allowed {found.bound:.3g}; {count}", found)


@dataclass(frozen=True)
class Bundle:
    path: str
    # 'conv2d-normal', the file's name without its ending.
    name: str
    manifest: Mapping[str, object]
    inputs: Dict[str, np.ndarray]
    # In the network's order.
    layers: List[Layer]

    @property
    def precision(self) -> str:
        """How the backends compute for which the bounds are made: 'float32'."""
        return self.manifest["precision"]

    def layer(self, name) -> Layer:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"{self.path}: there is no layer '{name}'")


def read(path) -> Bundle:
    """The bundle in a file. Raises FormatError for a file that is none, or that lacks something."""
    tensors, manifest = read_tensors(path)
    manifest = expect_manifest(manifest, path)

    def wanted(group, name):
        if f"{group}/{name}" in tensors:
            return tensors[f"{group}/{name}"]
        hint = "; make it anew with depthwise golden" if group == "isolated" else ""
        raise FormatError(f"{path}: '{group}/{name}' is missing{hint}")

    inputs = {name[len("inputs/") :]: x for name, x in tensors.items() if name.startswith("inputs/")}
    name = name_of(path)
    attributes = {node["name"]: node.get("attributes", {}) for node in manifest["network"]["nodes"]}
    layers = [
        Layer(
            name=layer["name"],
            kind=layer["kind"],
            attributes=attributes[layer["name"]],
            inputs=tuple(inputs[each] if each in inputs else wanted("outputs", each) for each in layer["inputs"]),
            weights=_weights_of(layer["name"], tensors),
            output=wanted("outputs", layer["name"]),
            bound=wanted("isolated", layer["name"]),
            title=f"{name}: {layer['name']}",
            types=_types_of(layer, manifest["network"]) if manifest["version"] == 2 else {},
        )
        for layer in manifest["layers"]
    ]
    return Bundle(os.fspath(path), name, manifest, inputs, layers)


def layers_in(path):
    """Name and kind of every layer, from the manifest alone."""
    manifest = expect_manifest(read_manifest(path), path)
    return [(layer["name"], layer["kind"]) for layer in manifest["layers"]]


def expect_manifest(manifest, path):
    if manifest is None:
        raise FormatError(f"{path}: not a golden bundle; make one with depthwise golden")
    found = (manifest.get("format"), manifest.get("version")) if isinstance(manifest, dict) else None
    if found not in (("depthwise-golden", 1), ("depthwise-golden", 2)):
        raise FormatError(f"{path}: wanted a manifest of format 'depthwise-golden', version 1 or 2, found {found}")
    return manifest


def name_of(path) -> str:
    return os.path.splitext(os.path.basename(os.fspath(path)))[0]


def _weights_of(layer, tensors):
    prefix = f"weights/{layer}/"
    own = re.compile(r"[^/]*(/scale|/zeroPoint)?")
    return {
        name[len(prefix) :]: x
        for name, x in tensors.items()
        if name.startswith(prefix) and own.fullmatch(name[len(prefix) :])
    }


def _types_of(layer, network):
    types = {each["name"]: each["type"] for each in [*network["inputs"], *network["nodes"]]}
    return {"inputs": [types[each] for each in layer["inputs"]], "output": types[layer["name"]]}
