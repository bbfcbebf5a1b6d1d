/**
 * What a network may take. A file of a few hundred bytes can describe one that takes all memory, or years; it is refused before anything is
 * allocated. The limits are far beyond ordinary networks: MobileNet V1 reaches the first with pictures of 4096 × 4096, the second with 9000 × 9000.
 */
import { NetworkError, UsageError } from '../errors.js';
import { type Padding, type Pair, slideWindows } from '../padding.js';
import { type Shape, sizeOf } from '../tensor.js';
import { lastUses } from './graph.js';
import type { Network } from './network.js';

/** Tensors that exist at the same time, float32, with weights, padded maps and tables. */
const MEBIBYTES = 2048;
/** Multiply-adds, and samples that pools look at, in 10⁹: of kernels, and of the readable layers, which do 0.3 · 10⁹ a second. */
const [BILLIONS, READABLE_BILLIONS] = [1000, 50];
/** Inputs of all layers together. */
const READS = 2 ** 20;

let factor = 1;

/**
 * Lets every network from here on take so many times the ordinary budget, for one picture: 2 GiB of tensors, 10¹² multiply-adds, 5 · 10¹⁰ by the
 * readable layers, and 2²⁰ inputs of layers. 1 is the default, Infinity no limit. Pages' workers have a budget of their own.
 */
export function setBudget(times: number): void {
  if (!(times > 0)) throw new UsageError(`setBudget: wanted a number above 0, found ${times}`);
  factor = times;
}

export const budgetFactor = (): number => factor;

/** Attributes of the layers that look at many numbers for each of theirs. */
interface Costly {
  readonly kernelSize?: Pair;
  readonly poolSize?: Pair;
  readonly strides?: Pair;
  readonly dilation?: Pair;
  readonly padding?: Padding;
  readonly filters?: number;
  readonly units?: number;
}

/**
 * Throws a NetworkError that says which layer wants how much of what, and the factor for `setBudget` that allows it. `keepsAll`: no tensor is
 * let go before the end. `readableBytes` is what the readable layers hold for each number of a tensor, where they compute. A batch of n may take n
 * times as much.
 */
export function expectWithinBudget(
  network: Network,
  shapes: ReadonlyMap<string, Shape>,
  keepsAll = false,
  readableBytes?: number,
): void {
  const shapeOf = (name: string) => shapes.get(name) as Shape;
  const bytesOf = (name: string) => sizeOf(shapeOf(name)) * (readableBytes ?? 4);
  const batch = network.inputs.reduce((most, { name, shape }) => Math.max(most, shapeOf(name)[0] / shape[0] || 1), 1);
  const by = readableBytes ? ' by the readable layers' : '';
  const last = lastUses(network);
  let bytes = 0;
  let products = 0;
  let reads = 0;
  const expect = (name: string, found: number, most: number, what: string) => {
    const times = Math.ceil(found / most / batch);
    if (times <= factor || found <= most * batch * factor) return;
    throw new NetworkError(
      `${network.name}: with '${name}' of [${shapeOf(name)}] it wants ${Math.ceil(found)} ${what}, more than ${most * batch * factor}; setBudget(${times}) or --budget ${times} allows it`,
    );
  };
  const expectAll = (name: string, passing = 0) => {
    expect(name, (bytes + passing) / 2 ** 20, MEBIBYTES, 'MiB for tensors that exist at the same time');
    expect(name, products / 1e9, readableBytes ? READABLE_BILLIONS : BILLIONS, `billion multiply-adds${by}`);
    expect(name, reads, READS, 'inputs of layers');
  };
  for (const { name } of network.inputs) {
    bytes += bytesOf(name);
    expectAll(name);
  }
  network.nodes.forEach(({ name, inputs, attributes }, index) => {
    const { kernelSize, poolSize, strides, dilation, padding, filters, units } = attributes as Costly;
    const input = shapeOf(inputs[0]);
    const [, height, width] = input;
    const channels = input[input.length - 1];
    const output = shapeOf(name);
    const outChannels = output[output.length - 1];
    const [rows, columns] = kernelSize ?? poolSize ?? [1, 1];
    const terms = rows * columns * (filters || units ? channels : 1);
    let padded = 0;
    if (kernelSize) {
      const { vertical, horizontal } = slideWindows(name, [height, width], kernelSize, strides!, dilation!, padding!);
      const paddedRows = vertical.before + height + vertical.after;
      padded = paddedRows * (horizontal.before + width + horizontal.after) * (channels + 3) * 4;
      bytes += paddedRows * 4;
    }
    if (filters || units || kernelSize) bytes += terms * outChannels * 4;
    bytes += bytesOf(name);
    products += sizeOf(output) * terms;
    reads += inputs.length;
    expectAll(name, padded);
    if (keepsAll) return;
    for (const used of new Set([...inputs, name])) if (last.get(used) === index) bytes -= bytesOf(used);
  });
}
