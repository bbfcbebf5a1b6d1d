/**
 * Kernels in eight bits: whole numbers q from −127 to 127, and a scale for each output channel.
 *
 *   w ≈ scale · q,   scale = max |w| / 127 over the channel,   |error| ≤ scale / 2 (and float32's rounding of the product)
 *
 * A kernel's scale lies beside it under its name and '/scale', with as many axes as the kernel, of 1 or the kernel's size: [1, O] for [K, O],
 * [1, 1, C, M] for a depthwise [KH, KW, C, M]. Whoever multiplies the two by broadcasting, as NumPy does, has the kernel.
 */
import { FormatError } from '../../errors.js';
import { nodesByName, ownerOf } from '../../network/graph.js';
import type { Network, Weights } from '../../network/index.js';
import { weightName } from '../../network/network.js';
import { layerOf } from '../../network/shapes.js';
import { type Shape, sizeOf, type Tensor, tensor } from '../../tensor.js';

const SCALE = 'scale';
const LARGEST = 127;

/** The network's weights with every kernel as its whole numbers and their scale, and the names of those kernels. */
export function withInt8Kernels(network: Network): { weights: Map<string, Tensor>; kernels: Set<string> } {
  const { weights } = network;
  const nodes = nodesByName(network);
  const written = new Map<string, Tensor>();
  const kernels = new Set<string>();
  for (const [name, weight] of weights) {
    const node = ownerOf(name);
    const { shape } = weight;
    if (name !== weightName(node, 'kernel')) {
      written.set(name, weight);
      continue;
    }
    const channels = layerOf(nodes.get(node)!).kernel === 'HWCM' ? 2 : 1;
    const scaleShape = shape.map((size, axis) => (axis < shape.length - channels ? 1 : size));
    const scale = scaleOf(name, weight, scaleShape);
    kernels.add(name);
    written.set(
      name,
      tensor(
        shape,
        Float32Array.from(weight.data, (w, i) => quotient(w, scale.data[i % scale.data.length])),
      ),
    );
    written.set(weightName(name, SCALE), scale);
  }
  return { weights: written, kernels };
}

/** Within ±127 also where so small a scale has lost digits. */
const quotient = (w: number, scale: number): number =>
  scale === 0 ? 0 : Math.max(-LARGEST, Math.min(LARGEST, Math.round(w / scale)));

/** The channels' axes are the last: number i belongs to channel i modulo their count. */
function scaleOf(name: string, { data }: Tensor, shape: Shape): Tensor {
  const scale = new Float32Array(sizeOf(shape));
  for (const [i, w] of data.entries()) {
    if (!Number.isFinite(Math.fround(w)))
      throw new FormatError(`${name}: number ${i} is ${w}, which no scale brings to int8`);
    const c = i % scale.length;
    scale[c] = Math.max(scale[c], Math.abs(w));
  }
  return tensor(
    shape,
    scale.map((largest) => largest / LARGEST),
  );
}

/** Each kernel that has a scale beside it, multiplied by it, in float32; all other weights as they are. */
export function withoutScales(weights: Weights, file: string): Weights {
  const scaled = [...weights.keys()].filter((name) => weights.has(weightName(name, SCALE)));
  if (scaled.length === 0) return weights;
  const restored = new Map(weights);
  for (const name of scaled) {
    const kernel = weights.get(name)!;
    const scale = weights.get(weightName(name, SCALE))!;
    restored.set(name, multiplied(kernel, scale, `${file}: scale of '${name}'`));
    restored.delete(weightName(name, SCALE));
  }
  return restored;
}

function multiplied({ shape, data }: Tensor, scale: Tensor, what: string): Tensor {
  const first = scale.shape.findIndex((size) => size !== 1);
  const channels = first === -1 ? 0 : shape.length - first;
  const isLast = shape.every((size, axis) => scale.shape[axis] === (axis < shape.length - channels ? 1 : size));
  if (scale.shape.length !== shape.length || !isLast) {
    throw new FormatError(
      `${what}: wanted the sizes of the kernel's last axes, [${shape}], after ones, found [${scale.shape}]`,
    );
  }
  const product = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += scale.data.length) {
    for (let c = 0; c < scale.data.length; c++) product[i + c] = data[i + c] * scale.data[c];
  }
  return tensor(shape, product);
}
