"""An independent numpy backend for V1 and V2, with mistakes to choose from: reads a golden bundle, walks its network, writes every tensor.

    PYTHONPATH=python/src python3 backend.py golden.safetensors theirs.npz [MISTAKE]
"""
import sys

import numpy as np

import depthwise_golden as golden

MISTAKE = sys.argv[3] if len(sys.argv) > 3 else None


def mistaken(name):
    return MISTAKE == name


def window(attributes, size, axis):
    """Where the windows along an axis begin, and how many there are."""
    kernel, stride, dilation = (attributes[name][axis] for name in ("kernelSize", "strides", "dilation"))
    span = (kernel - 1) * dilation + 1
    if mistaken("dilation"):
        dilation = 1
    if attributes["padding"] == "same":
        count = -(-size // stride)
        before = max((count - 1) * stride + span - size, 0) // 2
        if mistaken("padding") and stride == 2:
            before = span // 2
        return before, count, stride, dilation
    before, after = 0, 0
    if attributes["padding"] != "valid":
        before, after = (attributes["padding"][side] for side in (("top", "bottom"), ("left", "right"))[axis])
    return before, (size + before + after - span) // stride + 1, stride, dilation


def taps(attributes, x):
    """For each tap of the kernel the input pixels that it meets, [N, outH, outW, C]; zeros on the padding."""
    N, H, W, C = x.shape
    (top, out_h, sh, dh), (left, out_w, sw, dw) = (window(attributes, size, axis) for axis, size in enumerate((H, W)))
    KH, KW = attributes["kernelSize"]
    room = ((KH - 1) * dh + out_h * sh + top, (KW - 1) * dw + out_w * sw + left)
    padded = np.zeros((N, max(room[0], H + top), max(room[1], W + left), C), np.float32)
    padded[:, top : top + H, left : left + W] = x
    for i in range(KH):
        for j in range(KW):
            yield i, j, padded[:, i * dh : i * dh + out_h * sh : sh, j * dw : j * dw + out_w * sw : sw]


def conv2d(layer, x, weights):
    kernel = weights["kernel"]
    if mistaken("kernel turned"):
        kernel = kernel[::-1, ::-1]
    y = sum(pixels @ kernel[i, j] for i, j, pixels in taps(layer.attributes, x[0]))
    return biased(y, weights)


def depthwise(layer, x, weights):
    kernel = weights["kernel"][..., 0]
    if mistaken("depthwise kernel in the order CHW"):
        kernel = kernel.reshape(kernel.shape[2], *kernel.shape[:2]).transpose(1, 2, 0)
    y = sum(pixels * kernel[i, j] for i, j, pixels in taps(layer.attributes, x[0]))
    return biased(y, weights)


def dense(layer, x, weights):
    return biased(x[0] @ weights["kernel"], weights)


def biased(y, weights):
    if "bias" not in weights:
        return y
    return y + weights["bias"] * (2 if mistaken("bias twice") else 1)


def batch_norm(layer, x, weights):
    epsilon = np.float32(1e-5 if mistaken("epsilon") else layer.attributes["epsilon"])
    mean, variance = weights["movingMean"], weights["movingVariance"]
    if mistaken("statistics of the batch"):
        mean, variance = x[0].mean(axis=(0, 1, 2)), x[0].var(axis=(0, 1, 2))
    deviation = np.sqrt(variance + epsilon)
    if mistaken("variance"):
        deviation = variance + epsilon
    if mistaken("epsilon of the deviation"):
        deviation = np.sqrt(variance) + epsilon
    y = (x[0] - mean) / deviation * weights.get("gamma", 1) + weights.get("beta", 0)
    return relu6(layer, [y], {}) if mistaken("projection") and layer.name.endswith("project_BN") else y


def relu6(layer, x, weights):
    return np.maximum(x[0], 0) if mistaken("relu") else np.clip(x[0], 0, 6)


def add(layer, x, weights):
    return x[1] if mistaken("residual") else x[0] + x[1]


def global_pool(layer, x, weights):
    pool = np.max if mistaken("maximum") else np.mean
    return pool(x[0], axis=(1, 2), keepdims=bool(layer.attributes["keepDims"]))


def softmax(layer, x, weights):
    powers = np.exp(x[0] - x[0].max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def pad(layer, x, weights):
    sides = layer.attributes["padding"]
    return np.pad(x[0], [(0, 0), (sides["top"], sides["bottom"]), (sides["left"], sides["right"]), (0, 0)])


KINDS = {
    "conv2d": conv2d,
    "depthwiseConv2d": depthwise,
    "pointwiseConv2d": dense,
    "dense": dense,
    "batchNorm": batch_norm,
    "relu6": relu6,
    "add": add,
    "globalAveragePool": global_pool,
    "softmax": softmax,
    "pad": pad,
    "dropout": lambda layer, x, weights: x[0],
    "flatten": lambda layer, x, weights: x[0].reshape(layer.output.shape),
    "reshape": lambda layer, x, weights: x[0].reshape(layer.output.shape),
}


def stored(y):
    y = np.asarray(y, np.float32)
    return y.astype(np.float16).astype(np.float32) if mistaken("half storage") else y


bundle = golden.read(sys.argv[1])
known = {name: stored(x) for name, x in bundle.inputs.items()}
if mistaken("input range"):
    known = {name: (x + 1) / 2 for name, x in known.items()}
reads = {node["name"]: node["inputs"] for node in bundle.manifest["network"]["nodes"]}
for layer in bundle.layers:
    weights = {name: stored(x) for name, x in layer.weights.items()}
    known[layer.name] = stored(KINDS[layer.kind](layer, [known[name] for name in reads[layer.name]], weights))
golden.write(sys.argv[2], known)
