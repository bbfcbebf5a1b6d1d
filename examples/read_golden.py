"""A unit test of single layers from a golden bundle, with Python's standard library alone.

    npx depthwise golden --suite layers --out golden
    python3 read_golden.py golden/relu6-normal.safetensors theirs.safetensors
    npx depthwise compare golden/relu6-normal.safetensors theirs.safetensors --fed-golden

Each layer of the bundle that BACKEND knows is fed the golden tensors before it and checked against the layer's isolated bounds.
"""
import json
import struct
import sys
from array import array

# Your backend: by the kind of a layer, its output from its inputs, weights and attributes; (shape, numbers) each.
BACKEND = {
    "relu": lambda x, weights, attributes: (x[0][0], [max(value, 0) for value in x[0][1]]),
    "relu6": lambda x, weights, attributes: (x[0][0], [min(max(value, 0), 6) for value in x[0][1]]),
    "add": lambda x, weights, attributes: (x[0][0], [sum(values) for values in zip(*(numbers for _, numbers in x))]),
}


def read(path):
    """The manifest, and every tensor as (shape, numbers); 'inputs/NAME', 'outputs/LAYER', 'bounds/LAYER', 'isolated/LAYER', 'weights/NAME'."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    manifest = json.loads(header.pop("__metadata__")["depthwise.golden"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] not in ("F32", "F64"):
            sys.exit(f"{path}: {name} holds integers, {entry['dtype']}; the package in python/ reads them")
        numbers = array({"F32": "f", "F64": "d"}[entry["dtype"]], data[begin:end])
        if sys.byteorder == "big":
            numbers.byteswap()
        tensors[name] = (entry["shape"], numbers)
    return manifest, tensors


def write(path, tensors):
    """A .safetensors file of float32 tensors by layer, for depthwise compare."""
    header, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def beyond(theirs, reference, bounds):
    """How many of a backend's numbers no correct backend could have computed; NaN is equal to NaN alone."""
    within = lambda x, y, e: x == y or abs(x - y) <= e or (x != x and y != y) or e == float("inf")
    return sum(not within(*numbers) for numbers in zip(theirs, reference, bounds))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 read_golden.py GOLDEN.safetensors THEIRS.safetensors")
    manifest, tensors = read(sys.argv[1])
    print(f"{manifest['network']['name']} by {manifest['generator']}, bounds for {manifest['precision']}")
    attributes = {node["name"]: node.get("attributes") for node in manifest["network"]["nodes"]}
    theirs = {}
    for layer in manifest["layers"]:
        name, kind = layer["name"], layer["kind"]
        if kind not in BACKEND:
            print(f"{name} {kind}: not in this backend")
            continue
        inputs = [tensors["outputs/" + x] if "outputs/" + x in tensors else tensors["inputs/" + x] for x in layer["inputs"]]
        weights = {key.rsplit("/", 1)[1]: x for key, x in tensors.items() if key.rsplit("/", 1)[0] == "weights/" + name}
        theirs[name] = BACKEND[kind](inputs, weights, attributes[name])
        shape, numbers = tensors["outputs/" + name]
        _, bounds = tensors["isolated/" + name]
        wrong = beyond(theirs[name][1], numbers, bounds)
        print(f"{name} {kind} {shape}: {numbers[0]:.6g} ± {bounds[0]:.2g}, beyond: {wrong} of {len(numbers)}")
    write(sys.argv[2], theirs)
