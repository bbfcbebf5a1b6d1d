"""Unit tests of single layers against depthwise's golden bundles.

    import depthwise_golden as golden

    bundle = golden.read("golden/conv2d-normal.safetensors")
    for layer in bundle.layers:
        layer.check(my_backend(layer))

Each layer is fed the bundle's own tensors, and its numbers are held to the bundle's isolated bounds: what is beyond them is no rounding.
"""
from .bundle import Bundle, Layer, read
from .checking import BeyondBound, Difference, difference
from .files import FormatError, read_tensors, write

__all__ = [
    "BeyondBound",
    "Bundle",
    "Difference",
    "FormatError",
    "Layer",
    "difference",
    "read",
    "read_tensors",
    "write",
]
