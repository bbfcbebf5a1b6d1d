/**
 * What lowering a network works with: the program being written, the layouts in which each tensor lies in memory so far, the weights, and
 * which operation reads what. Asking for a tensor in a layout that it does not have yet adds the step that rearranges it.
 */
import { expectWithinBudget } from '../network/budget.js';
import { soleReaders } from '../network/graph.js';
import { type Network, weightName } from '../network/network.js';
import { type FoldedBatchNorm, foldPlan } from '../network/rewriting/fold-batch-norm.js';
import { inferShapes } from '../network/shapes.js';
import type { ExplicitPadding, Pair } from '../padding.js';
import { type FloatArray, type Shape, sizeOf, type Tensor } from '../tensor.js';
import type { Place } from '../wasm/memory.js';
import { Program } from '../wasm/program.js';
import type { EngineKernelTable } from './kernels.js';
import { type PlaneLayout, pixelOffsets, planesBytes, quadStride, quadsBytes, roundUp, rowOffsets } from './layouts.js';
import { type Operation, operationsOf } from './operations.js';

export type OperationOf<Kind extends Operation['node']['kind']> = Operation & {
  node: Extract<Operation['node'], { kind: Kind }>;
};

/** Where a tensor lies, by layout. */
interface Layouts {
  nhwc?: Place;
  quads?: Place;
  planes?: { readonly place: Place; readonly layout: PlaneLayout };
}

/** A tensor and the layouts in which it lies in memory so far. */
interface Value extends Layouts {
  readonly shape: Shape;
}

/** A matrix that goes among the constants as panels of `width` columns, see assembly/layout.ts. */
export interface PackedMatrix {
  readonly place: Place;
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  readonly data: FloatArray;
  /** A float64 factor for each column. */
  readonly scale: Place | undefined;
}

export interface LowerOptions {
  /** Nothing is folded or fused, and every tensor is an output. */
  readonly everyTensor?: boolean;
  /** Chains of convolutions run over whole maps instead of blocks of rows: what the blocks save is the difference. */
  readonly wholeMaps?: boolean;
  /** Takes up what the network becomes. */
  readonly program?: Program<EngineKernelTable>;
}

export class Lowering {
  readonly wholeMaps: boolean;
  readonly network: Network;
  readonly outputs: readonly string[];
  readonly operations: readonly Operation[];
  readonly program: Program<EngineKernelTable>;
  readonly matrices: PackedMatrix[] = [];
  /** Operations that wait to be computed together with their only consumer, by the name of their output. */
  readonly waiting = new Map<string, Operation>();
  readonly #matrixPlaces = new Map<string, Place>();
  readonly #consumers: ReadonlyMap<string, Operation | undefined>;
  readonly #values = new Map<string, Value>();
  readonly #indices: ReadonlyMap<Operation, number>;
  readonly #shapes: Map<string, Shape>;
  /** What becomes of the weights of nodes that stand for a layer and its batch norm. */
  readonly #folded: ReadonlyMap<string, FoldedBatchNorm>;

  constructor(network: Network, { everyTensor = false, wholeMaps = false, program = new Program() }: LowerOptions) {
    this.wholeMaps = wholeMaps;
    this.program = program;
    const one = new Map(network.inputs.map(({ name, shape }) => [name, [1, ...shape.slice(1)]]));
    const { nodes, folded } = everyTensor ? { nodes: network.nodes, folded: new Map() } : foldPlan(network);
    this.network = { ...network, nodes };
    this.#folded = folded;
    this.#shapes = inferShapes(this.network, one);
    if (everyTensor) expectWithinBudget(network, this.#shapes, true);
    this.operations = operationsOf(this.network, this.#shapes, !everyTensor);
    this.outputs = everyTensor ? [...this.#shapes.keys()] : network.outputs;
    this.#indices = new Map(this.operations.map((operation, index) => [operation, index]));
    this.#consumers = soleReaders(this.operations, this.outputs, ({ inputs, residual }) =>
      residual ? [...inputs, residual.input] : inputs,
    );
  }

  /** Steps from here on are this operation's, in reports and timings. */
  serve(operation: Operation): void {
    this.program.operation = this.#indices.get(operation) as number;
  }

  /** The network's own nodes that the operation stands for, folded ones too. */
  nodesOf({ nodes }: Operation): string[] {
    return nodes.flatMap((name) => {
      const folded = this.#folded.get(name);
      return folded ? [folded.layer, name] : [name];
    });
  }

  shape(name: string): Shape {
    return this.#shapes.get(name) as Shape;
  }

  /** The tensor, which an operation before has made. */
  value(name: string): Value {
    return this.#values.get(name) as Value;
  }

  /** Says where the tensor lies now that it has been made. */
  made(name: string, layouts: Layouts): void {
    this.#values.set(name, { shape: this.shape(name), ...layouts });
  }

  nhwc(name: string): Place {
    const value = this.value(name);
    if (!value.nhwc) {
      const [pixels, channels] = pixelsOf(value.shape);
      const out = this.program.buffer(sizeOf(value.shape) * 4);
      this.program.step('quadsToNhwc', value.quads as Place, quadStride(channels), pixels, channels, out);
      value.nhwc = out;
    }
    return value.nhwc;
  }

  quads(name: string): Place {
    const value = this.value(name);
    if (!value.quads) {
      const [pixels, channels] = pixelsOf(value.shape);
      const out = this.program.buffer(quadsBytes(pixels, channels));
      this.program.step('nhwcToQuads', value.nhwc as Place, pixels, channels, out, quadStride(channels));
      value.quads = out;
    }
    return value.quads;
  }

  padded(
    name: string,
    [height, width]: Pair,
    pixelBytes: number,
    { top, bottom, left, right }: ExplicitPadding,
    value: number,
  ): Place {
    const x = this.nhwc(name);
    if (top + bottom + left + right === 0) return x;
    const place = this.program.buffer((top + height + bottom) * (left + width + right) * pixelBytes);
    this.program.step(
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

  /** The one operation that reads the tensor as its input, if no other does and the tensor itself is not wanted. */
  soleConsumer(name: string): Operation | undefined {
    const consumer = this.#consumers.get(name);
    return consumer?.residual?.input === name ? undefined : consumer;
  }

  weight(node: string, weight: string): Tensor {
    return this.network.weights.get(weightName(node, weight)) as Tensor;
  }

  /** The operation's kernel as panels; rows are the terms of a sum, columns its output channels. Steps of one operation share it. */
  matrix({ node }: Operation, rows: number, columns: number, width: number): Place {
    const known = this.#matrixPlaces.get(node.name);
    if (known) return known;
    const folded = this.#folded.get(node.name);
    const kernel = folded?.kernel ?? this.weight(node.name, 'kernel');
    const scale = folded && this.program.table(`scale ${node.name}`, () => folded.scale);
    const place = this.program.constant(Math.ceil(columns / width) * rows * width * 4);
    this.matrices.push({ place, rows, columns, width, data: kernel.data, scale });
    this.#matrixPlaces.set(node.name, place);
    return place;
  }

  /** The bias, or zeros, filled up with zeros to a whole number of the widest panels. */
  bias({ node }: Operation, channels: number): Place {
    const { bias: hasBias } = node.attributes as { readonly bias?: boolean };
    const length = roundUp(channels, 16);
    if (!hasBias) return this.program.table(`zeros ${length}`, () => new Float32Array(length));
    return this.program.table(`bias ${node.name}`, () => {
      const bias = new Float32Array(length);
      bias.set(this.#folded.get(node.name)?.bias ?? this.weight(node.name, 'bias').data);
      return bias;
    });
  }

  /** New planes with their margins cleared. */
  planes(layout: PlaneLayout, channels: number): Place {
    const place = this.program.buffer(planesBytes(layout, channels));
    const { left, right } = layout.padding;
    const planes = Math.ceil(channels / 4);
    this.program.step(
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

  pixelOffsets(layout: PlaneLayout): Place {
    return this.program.table(`pixels ${layoutKey(layout)}`, () => pixelOffsets(layout));
  }

  rowOffsets(layout: PlaneLayout): Place {
    return this.program.table(`rows ${layoutKey(layout)}`, () => rowOffsets(layout));
  }

  /** A new NHWC buffer for `output`, filled by `emit`. */
  nhwcStep(output: string, emit: (out: Place) => void): void {
    const out = this.program.buffer(sizeOf(this.shape(output)) * 4);
    emit(out);
    this.made(output, { nhwc: out });
  }
}

const layoutKey = ({ height, width, padding, rows }: PlaneLayout) =>
  [height, width, padding.top, padding.bottom, padding.left, padding.right, rows].join();

/** [N, H, W, C] as N·H·W pixels of C channels; any other shape likewise by its last axis. */
export function pixelsOf(shape: Shape): [pixels: number, channels: number] {
  const channels = shape[shape.length - 1];
  return [sizeOf(shape) / channels, channels];
}
