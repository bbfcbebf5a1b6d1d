/**
 * From operations to kernel calls: which layout each tensor has, which kernel computes it, and in which pieces.
 *
 * A depthwise convolution and the pointwise one behind it always run together, some rows at a time, so that what passes between them stays
 * in the second-level cache. If a pointwise convolution widens the input of the depthwise one (V2's inverted residual), it joins them: it writes into
 * a ring buffer of rows, and the expanded tensor never exists whole (§5.1 of arXiv:1801.04381, by rows instead of channels).
 */
import { NetworkError } from '../errors.js';
import { mixes } from '../layers/resizeBilinear.js';
import { type FoldedBatchNorm, foldPlan } from '../network/foldBatchNorm.js';
import type { Network } from '../network/network.js';
import { weightName } from '../network/network.js';
import { inferShapes } from '../network/shapes.js';
import { slideWindows } from '../padding.js';
import { type Shape, sizeOf, type Tensor } from '../tensor.js';
import { type BlockPlan, planBlocks } from './blocks.js';
import {
  type PlaneLayout,
  pixelOffsets,
  planeLayout,
  planesBytes,
  quadCount,
  quadStride,
  quadsBytes,
  roundUp,
  rowOffsets,
} from './layouts.js';
import type { Place } from './memory.js';
import { type Operation, operationsOf } from './operations.js';
import { at, Program } from './program.js';

type OperationOf<Kind extends Operation['node']['kind']> = Operation & {
  node: Extract<Operation['node'], { kind: Kind }>;
};

/** A tensor and the layouts in which it lies in memory so far. */
interface Value {
  readonly shape: Shape;
  nhwc?: Place;
  quads?: Place;
  planes?: { readonly place: Place; readonly layout: PlaneLayout };
}

export interface Lowered {
  readonly program: Program;
  readonly operations: readonly Operation[];
  readonly inputs: readonly { readonly name: string; readonly shape: Shape; readonly place: Place }[];
  readonly outputs: readonly { readonly name: string; readonly shape: Shape; readonly place: Place }[];
}

/** Kernel calls for one picture (batch 1). With `everyTensor` nothing is folded or fused, and every node's output is an output. */
export function lower(network: Network, everyTensor: boolean): Lowered {
  return new Lowering(network, everyTensor).run();
}

class Lowering {
  readonly #network: Network;
  /** What becomes of the weights of nodes that stand for a layer and its batch norm. */
  readonly #folded: ReadonlyMap<string, FoldedBatchNorm>;
  readonly #outputs: readonly string[];
  readonly #operations: readonly Operation[];
  readonly #shapes: Map<string, Shape>;
  readonly #program = new Program();
  readonly #values = new Map<string, Value>();
  /** Operations that wait to be computed together with their only consumer, by the name of their output. */
  readonly #waiting = new Map<string, Operation>();
  readonly #everyTensor: boolean;

  constructor(network: Network, everyTensor: boolean) {
    const one = new Map(network.inputs.map(({ name, shape }) => [name, [1, ...shape.slice(1)]]));
    const { nodes, folded } = everyTensor ? { nodes: network.nodes, folded: new Map() } : foldPlan(network);
    this.#network = { ...network, nodes };
    this.#folded = folded;
    this.#everyTensor = everyTensor;
    this.#shapes = inferShapes(this.#network, one);
    this.#operations = operationsOf(this.#network, !everyTensor);
    this.#outputs = everyTensor ? network.nodes.map(({ name }) => name) : network.outputs;
  }

  run(): Lowered {
    const inputs = this.#network.inputs.map(({ name }) => this.#input(name));
    for (const operation of this.#operations) {
      this.#serve(operation);
      this.#operation(operation);
    }
    const outputs = this.#outputs.map((name) => {
      const place = this.#nhwc(name);
      return { name, shape: this.#shape(name), place };
    });
    for (const { place } of outputs) this.#program.touch(place);
    return { program: this.#program, operations: this.#operations, inputs, outputs };
  }

  /** Steps from here on are this operation's, in reports and timings. */
  #serve(operation: Operation): void {
    this.#program.beginOperation(this.#operations.indexOf(operation));
  }

  #input(name: string) {
    const shape = this.#shape(name);
    const place = this.#program.buffer(sizeOf(shape) * 4);
    this.#program.touchAtStart(place);
    this.#values.set(name, { shape, nhwc: place });
    return { name, shape, place };
  }

  #operation(operation: Operation): void {
    switch (operation.node.kind) {
      case 'pointwiseConv2d':
        this.#pointwise(operation as OperationOf<'pointwiseConv2d'>);
        break;
      case 'depthwiseConv2d':
        this.#depthwise(operation as OperationOf<'depthwiseConv2d'>);
        break;
      case 'conv2d':
        this.#convolution(operation as OperationOf<'conv2d'>);
        break;
      case 'dense':
        this.#dense(operation as OperationOf<'dense'>);
        break;
      case 'globalAveragePool':
        this.#globalAveragePool(operation);
        break;
      case 'averagePool':
      case 'maxPool':
        this.#pool(operation as OperationOf<'averagePool' | 'maxPool'>);
        break;
      case 'add':
        this.#add(operation);
        break;
      case 'batchNorm':
        this.#batchNorm(operation as OperationOf<'batchNorm'>);
        break;
      case 'concat':
        this.#concat(operation as OperationOf<'concat'>);
        break;
      case 'pad':
        this.#pad(operation as OperationOf<'pad'>);
        break;
      case 'resizeBilinear':
        this.#resize(operation as OperationOf<'resizeBilinear'>);
        break;
      case 'flatten':
      case 'reshape':
      case 'dropout':
        this.#values.set(operation.output, {
          shape: this.#shape(operation.output),
          nhwc: this.#nhwc(operation.inputs[0]),
        });
        break;
      default:
        this.#elementwise(operation);
        break;
    }
  }

  // Matrix products

  #pointwise(operation: OperationOf<'pointwiseConv2d'>): void {
    const [input] = operation.inputs;
    const [, height, width, channels] = this.#shape(input);
    const depthwise = this.#waiting.get(input);
    if (depthwise) this.#chain(depthwise as OperationOf<'depthwiseConv2d'>, operation);
    else if (height * width === 1 && !operation.residual) this.#matrixVector(operation, channels);
    else if (this.#startsChain(operation)) this.#waiting.set(operation.output, operation);
    else this.#pointwiseSteps(operation, this.#quads(input), this.#tileTarget(operation), 0, height * width);
  }

  /** Whether the only consumer is a depthwise convolution that will run together with its own pointwise consumer. */
  #startsChain(operation: Operation): boolean {
    const consumer = this.#soleConsumer(operation.output);
    return !operation.residual && consumer?.node.kind === 'depthwiseConv2d' && this.#joinsPointwise(consumer);
  }

  #joinsPointwise(operation: Operation): boolean {
    if (operation.node.kind !== 'depthwiseConv2d' || operation.node.attributes.depthMultiplier !== 1) return false;
    const [, height, width] = this.#shape(operation.output);
    return height * width > 1 && this.#soleConsumer(operation.output)?.node.kind === 'pointwiseConv2d';
  }

  /** `x` holds the quads of the pixels from `first` on; `first` is a multiple of 4. */
  #pointwiseSteps(
    operation: OperationOf<'pointwiseConv2d'>,
    x: Place,
    target: Target,
    first: number,
    pixels: number,
  ): void {
    const channels = this.#shape(operation.inputs[0])[3];
    const { filters } = operation.node.attributes;
    this.#serve(operation);
    this.#program.step(
      'pointwise',
      x,
      quadStride(channels),
      quadCount(pixels),
      channels,
      this.#matrix(operation, channels, filters, 8),
      this.#bias(operation, filters),
      Math.ceil(filters / 8),
      ...this.#tileArguments(operation, target, first),
    );
  }

  /** The last eight arguments of the tile kernels. */
  #tileArguments(operation: Operation, target: Target, first: number): (number | Place)[] {
    const { lo, hi } = operation.clamp;
    const { residual } = operation;
    const quads = target.offsets ? 0 : (first / 4) * target.stride;
    return [
      lo,
      hi,
      at(target.place, quads),
      target.stride,
      target.offsets ? target.offsets + first * 4 : 0,
      residual ? at(this.#quads(residual.input), quads) : 0,
      residual?.clamp.lo ?? 0,
      residual?.clamp.hi ?? 0,
    ];
  }

  /** Where a tile kernel writes: planes if a depthwise convolution alone reads the result, quads otherwise. */
  #tileTarget(operation: Operation): Target {
    const shape = this.#shape(operation.output);
    const [, height, width, channels] = shape;
    const consumer = this.#soleConsumer(operation.output);
    const planes = consumer?.node.kind === 'depthwiseConv2d' && consumer.node.attributes.depthMultiplier === 1;
    if (planes && !operation.residual) {
      const layout = planeLayout([height, width], consumer.padding!, height);
      const place = this.#planes(layout, channels);
      this.#values.set(operation.output, { shape, planes: { place, layout } });
      return { place, stride: layout.planeStride, offsets: this.#pixelOffsets(layout) };
    }
    const place = this.#program.buffer(quadsBytes(height * width, channels));
    this.#values.set(operation.output, { shape, quads: place });
    return { place, stride: quadStride(channels), offsets: 0 };
  }

  #matrixVector(operation: OperationOf<'pointwiseConv2d' | 'dense'>, channels: number): void {
    const outputs = this.#shape(operation.output).at(-1) as number;
    const out = this.#program.buffer(roundUp(outputs, 16) * 4);
    this.#program.step(
      'dense',
      this.#nhwc(operation.inputs[0]),
      channels,
      this.#matrix(operation, channels, outputs, 16),
      this.#bias(operation, outputs),
      Math.ceil(outputs / 16),
      operation.clamp.lo,
      operation.clamp.hi,
      out,
    );
    this.#values.set(operation.output, { shape: this.#shape(operation.output), nhwc: out });
  }

  #dense(operation: OperationOf<'dense'>): void {
    const shape = this.#shape(operation.inputs[0]);
    const channels = shape[shape.length - 1];
    const rows = sizeOf(shape) / channels;
    if (rows === 1) {
      this.#matrixVector(operation, channels);
      return;
    }
    const { units } = operation.node.attributes;
    const place = this.#program.buffer(quadsBytes(rows, units));
    this.#program.step(
      'pointwise',
      this.#quads(operation.inputs[0]),
      quadStride(channels),
      quadCount(rows),
      channels,
      this.#matrix(operation, channels, units, 8),
      this.#bias(operation, units),
      Math.ceil(units / 8),
      ...this.#tileArguments(operation, { place, stride: quadStride(units), offsets: 0 }, 0),
    );
    this.#values.set(operation.output, { shape: this.#shape(operation.output), quads: place });
  }

  #convolution(operation: OperationOf<'conv2d'>): void {
    const [, height, width, channels] = this.#shape(operation.inputs[0]);
    const [, outHeight, outWidth, filters] = this.#shape(operation.output);
    const { kernelSize, strides, dilation } = operation.node.attributes;
    const padding = operation.padding!;
    const columns = padding.left + width + padding.right;
    const pixelBytes = channels * 4;
    const rowBytes = columns * pixelBytes;
    const contiguous = dilation[1] === 1;
    const runCount = contiguous ? kernelSize[0] : kernelSize[0] * kernelSize[1];
    const runLength = contiguous ? kernelSize[1] * channels : channels;
    const windows = this.#program.table(`windows ${[rowBytes, pixelBytes, strides, outHeight, outWidth]}`, () => {
      const pixels = outHeight * outWidth;
      return Uint32Array.from({ length: quadCount(pixels) * 4 }, (_, i) => {
        const pixel = Math.min(i, pixels - 1);
        return Math.floor(pixel / outWidth) * strides[0] * rowBytes + (pixel % outWidth) * strides[1] * pixelBytes;
      });
    });
    const runs = this.#program.table(`runs ${[rowBytes, pixelBytes, kernelSize, dilation]}`, () =>
      Uint32Array.from({ length: runCount }, (_, run) => {
        const [i, j] = contiguous ? [run, 0] : [Math.floor(run / kernelSize[1]), run % kernelSize[1]];
        return i * dilation[0] * rowBytes + j * dilation[1] * pixelBytes;
      }),
    );
    const x = this.#padded(operation.inputs[0], [height, width], pixelBytes, padding, 0);
    const target = this.#tileTarget(operation);
    const terms = kernelSize[0] * kernelSize[1] * channels;
    this.#program.step(
      'convolution',
      x,
      windows,
      quadCount(outHeight * outWidth),
      runs,
      runCount,
      runLength,
      this.#matrix(operation, terms, filters, 8),
      this.#bias(operation, filters),
      Math.ceil(filters / 8),
      ...this.#tileArguments(operation, target, 0),
    );
  }

  // Depthwise convolutions, and the chains that they are the middle of

  #depthwise(operation: OperationOf<'depthwiseConv2d'>): void {
    if (this.#joinsPointwise(operation)) {
      this.#waiting.set(operation.output, operation);
      return;
    }
    const shape = this.#shape(operation.output);
    const [, height, width, channels] = shape;
    const place = this.#program.buffer(quadsBytes(height * width, channels));
    const { place: x, layout } = this.#depthwiseInput(operation);
    this.#depthwiseSteps(operation, x, layout, place, 0, height * width);
    this.#values.set(operation.output, { shape, quads: place });
  }

  #depthwiseSteps(
    operation: OperationOf<'depthwiseConv2d'>,
    x: Place,
    layout: PlaneLayout,
    out: Place,
    first: number,
    pixels: number,
  ): void {
    const [, , width, channels] = this.#shape(operation.output);
    const { kernelSize, strides, dilation } = operation.node.attributes;
    const taps = kernelSize[0] * kernelSize[1];
    this.#serve(operation);
    this.#program.step(
      'depthwise',
      x,
      layout.planeStride,
      Math.ceil(channels / 4),
      this.#rowOffsets(layout),
      ...kernelSize,
      ...strides,
      ...dilation,
      this.#matrix(operation, taps, channels, 4),
      this.#bias(operation, channels),
      operation.clamp.lo,
      operation.clamp.hi,
      width,
      first,
      pixels,
      out,
      quadStride(channels),
    );
  }

  /** The planes that a depthwise convolution reads: written as such by the layer before it, or rearranged from NHWC. */
  #depthwiseInput(operation: OperationOf<'depthwiseConv2d'>): { place: Place; layout: PlaneLayout } {
    const value = this.#value(operation.inputs[0]);
    if (value.planes) return value.planes;
    const [, height, width, channels] = value.shape;
    const { depthMultiplier } = operation.node.attributes;
    let x = this.#nhwc(operation.inputs[0]);
    if (depthMultiplier > 1) {
      const repeated = this.#program.buffer(sizeOf(value.shape) * depthMultiplier * 4);
      this.#program.step('repeatChannels', x, sizeOf(value.shape), depthMultiplier, repeated);
      x = repeated;
    }
    const total = channels * depthMultiplier;
    const layout = planeLayout([height, width], operation.padding!, height);
    const place = this.#planes(layout, total);
    const planes = Math.ceil(total / 4);
    this.#program.step(
      'nhwcToPlanes',
      x,
      height * width,
      total,
      place,
      layout.planeStride,
      planes,
      this.#pixelOffsets(layout),
    );
    return { place, layout };
  }

  /** depthwise → pointwise, or pointwise → depthwise → pointwise, some rows at a time. */
  #chain(depthwise: OperationOf<'depthwiseConv2d'>, project: OperationOf<'pointwiseConv2d'>): void {
    const [, outHeight, outWidth, channels] = this.#shape(depthwise.output);
    const expand = this.#waiting.get(depthwise.inputs[0]) as OperationOf<'pointwiseConv2d'> | undefined;
    const [, height, width] = this.#shape(depthwise.inputs[0]);
    const blocks = planBlocks({
      height,
      width,
      channels,
      outHeight,
      outWidth,
      kernel: depthwise.node.attributes.kernelSize[0],
      stride: depthwise.node.attributes.strides[0],
      dilation: depthwise.node.attributes.dilation[0],
      top: depthwise.padding!.top,
      expands: expand !== undefined,
    });
    const { place: planes, layout } = expand ? this.#ring(depthwise, blocks) : this.#depthwiseInput(depthwise);
    const between = this.#program.buffer(quadsBytes(blocks.rowsPerBlock * outWidth, channels));
    const target = this.#tileTarget(project);
    let made = 0;
    for (const block of blocks.blocks) {
      if (expand && block.inputRows > made) {
        const x = at(
          this.#quads(expand.inputs[0]),
          ((made * width) / 4) * quadStride(this.#shape(expand.inputs[0])[3]),
        );
        const ring = { place: planes, stride: layout.planeStride, offsets: this.#pixelOffsets(layout) };
        this.#pointwiseSteps(expand, x, ring, made * width, (block.inputRows - made) * width);
        made = block.inputRows;
      }
      const first = block.from * outWidth;
      const pixels = (block.to - block.from) * outWidth;
      this.#depthwiseSteps(depthwise, planes, layout, between, first, pixels);
      this.#pointwiseSteps(project, between, target, first, pixels);
    }
  }

  #ring(depthwise: OperationOf<'depthwiseConv2d'>, blocks: BlockPlan): { place: Place; layout: PlaneLayout } {
    const [, height, width, channels] = this.#shape(depthwise.inputs[0]);
    const layout = planeLayout([height, width], depthwise.padding!, blocks.ringRows);
    return { place: this.#planes(layout, channels), layout };
  }

  /** New planes with their margins cleared. */
  #planes(layout: PlaneLayout, channels: number): Place {
    const place = this.#program.buffer(planesBytes(layout, channels));
    const { left, right } = layout.padding;
    const planes = Math.ceil(channels / 4);
    this.#program.step(
      'zeroMargins',
      place,
      layout.planeStride,
      planes,
      layout.rows,
      layout.rowBytes,
      left * 16,
      right * 16,
    );
    return place;
  }

  #pixelOffsets(layout: PlaneLayout): number {
    return this.#program.table(`pixels ${layoutKey(layout)}`, () => pixelOffsets(layout));
  }

  #rowOffsets(layout: PlaneLayout): number {
    return this.#program.table(`rows ${layoutKey(layout)}`, () => rowOffsets(layout));
  }

  // All other layers

  #globalAveragePool({ inputs: [input], output }: Operation): void {
    const [, height, width, channels] = this.#shape(input);
    const out = this.#program.buffer(channels * 4);
    this.#program.step('globalAveragePool', this.#quads(input), quadStride(channels), height * width, channels, out);
    this.#values.set(output, { shape: this.#shape(output), nhwc: out });
  }

  #pool({ inputs: [input], output, node }: OperationOf<'averagePool' | 'maxPool'>): void {
    const [, height, width, channels] = this.#shape(input);
    const [, outHeight, outWidth] = this.#shape(output);
    const { poolSize, strides, padding } = node.attributes;
    const { vertical, horizontal } = slideWindows(node.kind, [height, width], poolSize, strides, [1, 1], padding);
    const countsPadding = node.kind === 'averagePool' && node.attributes.includePadding;
    this.#nhwcStep(output, (out) =>
      this.#program.step(
        'pool',
        this.#nhwc(input),
        height,
        width,
        channels,
        ...poolSize,
        ...strides,
        vertical.before,
        horizontal.before,
        outHeight,
        outWidth,
        node.kind === 'averagePool' ? 1 : 0,
        countsPadding ? poolSize[0] * poolSize[1] : 0,
        out,
      ),
    );
  }

  #add({ inputs, output, clamp }: Operation): void {
    const shape = this.#shape(output);
    if (inputs.length === 2 && inputs.every((input) => this.#values.get(input)?.quads)) {
      const bytes = quadsBytes(shape[1] * shape[2], shape[3]);
      const out = this.#program.buffer(bytes);
      this.#program.step('addAll', this.#quads(inputs[0]), this.#quads(inputs[1]), bytes / 4, clamp.lo, clamp.hi, out);
      this.#values.set(output, { shape, quads: out });
      return;
    }
    const size = sizeOf(shape);
    this.#nhwcStep(output, (out) => {
      let sum = this.#nhwc(inputs[0]);
      inputs.slice(1).forEach((input, i) => {
        const last = i === inputs.length - 2;
        const [lo, hi] = last ? [clamp.lo, clamp.hi] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
        this.#program.step('addAll', sum, this.#nhwc(input), size, lo, hi, out);
        sum = out;
      });
    });
  }

  /** A batch norm that no convolution took in: y = x·scale + shift with scale = γ / √(σ² + ε), shift = β − μ·scale. */
  #batchNorm(operation: OperationOf<'batchNorm'>): void {
    const shape = this.#shape(operation.output);
    const channels = shape[shape.length - 1];
    const mean = this.#weight(operation.node.name, 'movingMean').data;
    const variance = this.#weight(operation.node.name, 'movingVariance').data;
    const { epsilon, scale, center } = operation.node.attributes;
    const gamma = scale ? this.#weight(operation.node.name, 'gamma').data : undefined;
    const beta = center ? this.#weight(operation.node.name, 'beta').data : undefined;
    const scales = Float64Array.from(
      { length: channels },
      (_, c) => (gamma?.[c] ?? 1) / Math.sqrt(variance[c] + epsilon),
    );
    const shifts = Float32Array.from({ length: channels }, (_, c) => (beta?.[c] ?? 0) - mean[c] * scales[c]);
    const name = operation.node.name;
    this.#nhwcStep(operation.output, (out) =>
      this.#program.step(
        'affine',
        this.#nhwc(operation.inputs[0]),
        sizeOf(shape) / channels,
        channels,
        this.#program.table(`scale ${name}`, () => Float32Array.from(scales)),
        this.#program.table(`shift ${name}`, () => shifts),
        out,
      ),
    );
  }

  #concat({ inputs, output, node }: OperationOf<'concat'>): void {
    const shape = this.#shape(output);
    const axis = node.attributes.axis < 0 ? node.attributes.axis + shape.length : node.attributes.axis;
    const outer = sizeOf(shape.slice(0, axis));
    const outBytes = sizeOf(shape.slice(axis)) * 4;
    this.#nhwcStep(output, (out) => {
      let before = 0;
      for (const input of inputs) {
        const bytes = sizeOf(this.#shape(input).slice(axis)) * 4;
        this.#program.step('copyRuns', this.#nhwc(input), bytes, at(out, before), outBytes, bytes, outer);
        before += bytes;
      }
    });
  }

  #pad({ inputs: [input], output, node }: OperationOf<'pad'>): void {
    const [, height, width, channels] = this.#shape(input);
    const place = this.#padded(input, [height, width], channels * 4, node.attributes.padding, node.attributes.value);
    this.#values.set(output, { shape: this.#shape(output), nhwc: place });
  }

  #resize({ inputs: [input], output, node }: OperationOf<'resizeBilinear'>): void {
    const [, height, width, channels] = this.#shape(input);
    const [, outHeight, outWidth] = this.#shape(output);
    const { rule } = node.attributes;
    const axis = (size: number, out: number, step: number) =>
      this.#program.table(`mix ${[rule, size, out, step]}`, () => mixTable(mixes(rule, size, out), step));
    this.#nhwcStep(output, (out) =>
      this.#program.step(
        'resizeBilinear',
        this.#nhwc(input),
        channels,
        axis(height, outHeight, width * channels * 4),
        outHeight,
        axis(width, outWidth, channels * 4),
        outWidth,
        out,
      ),
    );
  }

  #elementwise({ inputs: [input], output, node, clamp }: Operation): void {
    const shape = this.#shape(input);
    const length = shape[shape.length - 1];
    const size = sizeOf(shape);
    this.#nhwcStep(output, (out) => {
      const x = this.#nhwc(input);
      if (node.kind === 'relu' || node.kind === 'relu6' || node.kind === 'clamp') {
        this.#program.step('clampAll', x, size, clamp.lo, clamp.hi, out);
      } else if (node.kind === 'sigmoid') this.#program.step('sigmoid', x, size, out);
      else if (node.kind === 'softmax') this.#program.step('softmax', x, size / length, length, out);
      else if (node.kind === 'argMax') this.#program.step('argMax', x, size / length, length, out);
      else throw new NetworkError(`${node.name}: the engine has no kernel for '${node.kind}'`);
    });
  }

  /** A new NHWC buffer for `output`, filled by `emit`. */
  #nhwcStep(output: string, emit: (out: Place) => void): void {
    const shape = this.#shape(output);
    const out = this.#program.buffer(sizeOf(shape) * 4);
    emit(out);
    this.#values.set(output, { shape, nhwc: out });
  }

  // Values, layouts, weights

  #shape(name: string): Shape {
    return this.#shapes.get(name) as Shape;
  }

  #value(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined) throw new NetworkError(`${this.#network.name}: '${name}' is read before it is made`);
    return value;
  }

  #nhwc(name: string): Place {
    const value = this.#value(name);
    if (!value.nhwc) {
      const [pixels, channels] = pixelsOf(value.shape);
      const out = this.#program.buffer(sizeOf(value.shape) * 4);
      this.#program.step('quadsToNhwc', value.quads as Place, quadStride(channels), pixels, channels, out);
      value.nhwc = out;
    }
    return value.nhwc;
  }

  #quads(name: string): Place {
    const value = this.#value(name);
    if (!value.quads) {
      const [pixels, channels] = pixelsOf(value.shape);
      const out = this.#program.buffer(quadsBytes(pixels, channels));
      this.#program.step('nhwcToQuads', value.nhwc as Place, pixels, channels, out, quadStride(channels));
      value.quads = out;
    }
    return value.quads;
  }

  #padded(
    name: string,
    [height, width]: readonly [number, number],
    pixelBytes: number,
    { top, bottom, left, right }: { top: number; bottom: number; left: number; right: number },
    value: number,
  ): Place {
    const x = this.#nhwc(name);
    if (top + bottom + left + right === 0) return x;
    const place = this.#program.buffer((top + height + bottom) * (left + width + right) * pixelBytes);
    this.#program.step(
      'padPicture',
      x,
      height,
      width * pixelBytes,
      place,
      top,
      bottom,
      left * pixelBytes,
      right * pixelBytes,
      value,
    );
    return place;
  }

  #soleConsumer(name: string): Operation | undefined {
    if (this.#outputs.includes(name)) return undefined;
    const consumers = this.#operations.filter(
      ({ inputs, residual }) => inputs.includes(name) || residual?.input === name,
    );
    const alone = consumers.length === 1 && consumers[0].residual?.input !== name && !this.#everyTensor;
    return alone ? consumers[0] : undefined;
  }

  #weight(node: string, weight: string): Tensor {
    const name = weightName(node, weight);
    const found = this.#network.weights.get(name);
    if (found === undefined) {
      throw new NetworkError(
        `${this.#network.name}: weight '${name}' is missing; a network without weights cannot be compiled`,
      );
    }
    return found;
  }

  /** Address of the operation's kernel as panels; rows are the terms of a sum, columns its output channels. */
  #matrix({ node }: Operation, rows: number, columns: number, width: number): number {
    const folded = this.#folded.get(node.name);
    const kernel = folded?.kernel ?? this.#weight(node.name, 'kernel');
    const scale = folded ? this.#program.table(`scale ${node.name}`, () => folded.scale) : 0;
    return this.#program.matrix(`${node.name} ${width}`, rows, columns, width, kernel.data, scale);
  }

  /** The bias, or zeros, filled up with zeros to a whole number of the widest panels. */
  #bias({ node }: Operation, channels: number): number {
    const { bias: hasBias } = node.attributes as { readonly bias?: boolean };
    const length = roundUp(channels, 16);
    if (!hasBias) return this.#program.table(`zeros ${length}`, () => new Float32Array(length));
    return this.#program.table(`bias ${node.name}`, () => {
      const bias = new Float32Array(length);
      bias.set(this.#folded.get(node.name)?.bias ?? this.#weight(node.name, 'bias').data);
      return bias;
    });
  }
}

/** Where a tile kernel writes, see assembly/tile.ts. */
interface Target {
  readonly place: Place;
  readonly stride: number;
  /** Address of the pixel offsets; 0 for quads. */
  readonly offsets: number;
}

const layoutKey = ({ height, width, padding, rows }: PlaneLayout) =>
  [height, width, padding.top, padding.bottom, padding.left, padding.right, rows].join(' ');

/** [N, H, W, C] as N·H·W pixels of C channels; any other shape likewise by its last axis. */
function pixelsOf(shape: Shape): [pixels: number, channels: number] {
  const channels = shape[shape.length - 1];
  return [sizeOf(shape) / channels, channels];
}

/** Entries of assembly/resize.ts: [lower in bytes, upper in bytes, share of the upper]. */
function mixTable(axis: ReturnType<typeof mixes>, step: number): Uint32Array {
  const table = new Uint32Array(axis.length * 3);
  const shares = new Float32Array(table.buffer);
  axis.forEach(({ lower, upper, share }, i) => {
    table[3 * i] = lower * step;
    table[3 * i + 1] = upper * step;
    shares[3 * i + 2] = share;
  });
  return table;
}
