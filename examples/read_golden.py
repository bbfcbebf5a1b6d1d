"""Reads a golden bundle with Python's standard library alone: python3 read_golden.py conv2d-normal.safetensors"""
import json
import struct
import sys
from array import array


def read(path):
    """The manifest, and every tensor as (shape, numbers); 'inputs/NAME', 'outputs/LAYER', 'bounds/LAYER', 'weights/NAME'."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    manifest = json.loads(header.pop("__metadata__")["depthwise.golden"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = array({"F32": "f", "F64": "d"}[entry["dtype"]], data[begin:end])
        if sys.byteorder == "big":
            numbers.byteswap()
        tensors[name] = (entry["shape"], numbers)
    return manifest, tensors


def beyond(theirs, reference, bounds):
    """How many of a backend's numbers no correct backend could have computed; NaN is equal to NaN alone."""
    within = lambda x, y, e: x == y or abs(x - y) <= e or (x != x and y != y) or e == float("inf")
    return sum(not within(*numbers) for numbers in zip(theirs, reference, bounds))


if __name__ == "__main__":
    manifest, tensors = read(sys.argv[1])
    print(f"{manifest['network']['name']} by {manifest['generator']}, bounds for {manifest['precision']}")
    for layer in manifest["layers"]:
        shape, numbers = tensors["outputs/" + layer["name"]]
        _, bounds = tensors["bounds/" + layer["name"]]
        theirs = numbers  # your backend's numbers in place of these
        print(f"{layer['name']} {layer['kind']} {shape}: {numbers[0]:.6g} ± {bounds[0]:.2g}, beyond: {beyond(theirs, numbers, bounds)}")
