/** What a network costs, layer by layer, counted as the papers count unless asked otherwise. */
import { expectNetwork } from '../../found.js';
import { type Cost, cost } from '../../layers/index.js';
import { isElementwise } from '../../layers/layer.js';
import type { Pair } from '../../padding.js';
import { type Shape, sizeOf, type TensorType } from '../../tensor.js';
import type { Network, NetworkNode } from '../network.js';
import {
  isConversion,
  isQuantizedNetwork,
  type QuantizedInput,
  type QuantizedKind,
  type QuantizedNetwork,
  shapesAlone,
} from '../quantized-network.js';
import { inferShapes, inputShapesOf, layerOf, weightShapesOf } from '../shapes.js';
import { receptiveFields, windowOf } from './receptive-field.js';

/** 'papers', or 'batch-norm': as fvcore, which adds 2 for each number that batch norm puts out. */
export type Counting = 'papers' | 'batch-norm';

export interface LayerSummary {
  readonly name: string;
  readonly kind: QuantizedKind;
  /** In a grouped summary: the kinds of the layers counted with this one. */
  readonly followedBy?: readonly QuantizedKind[];
  /** Of the output. Quantised networks state it. */
  readonly type?: TensorType;
  /** [height, width] of the kernel or pool; null for layers without one. */
  readonly kernel: Pair | null;
  readonly strides: Pair | null;
  readonly dilation: Pair | null;
  readonly output: Shape;
  readonly multiplyAdds: number;
  /** Part of the network's multiply-adds, from 0 to 1. */
  readonly share: number;
  /** Numbers that training changes: kernels, biases, gamma and beta. */
  readonly params: number;
  /** Numbers in a weights file: params, moving means and moving variances. */
  readonly storedParams: number;
  /** The kernel's numbers alone. */
  readonly kernelParams: number;
  /** [height, width] in input pixels; null from global pooling on. */
  readonly receptiveField: Pair | null;
  /** Input pixels between neighbouring positions of the output; null from global pooling on. */
  readonly effectiveStride: Pair | null;
}

export interface Totals {
  readonly multiplyAdds: number;
  /** 2 · multiplyAdds: the product and the sum counted apart. */
  readonly flops: number;
  readonly params: {
    readonly trainable: number;
    readonly stored: number;
    /** Kernels alone: what slim's README calls parameters. */
    readonly kernels: number;
    /** Of a quantised network's weights as they are, without their scales. */
    readonly bytes?: number;
  };
  readonly activations: {
    /** Numbers in all feature maps: outputs of the convolutions before global pooling. Batch norm and activations work in place. */
    readonly featureMaps: number;
    /** Inputs and output of the layer where they are largest: no order of execution needs less memory than these numbers. */
    readonly peak: number;
  };
}

export interface Summary {
  readonly network: string;
  /** Of a quantised network: its inputs and their types. */
  readonly inputs?: readonly QuantizedInput[];
  readonly layers: readonly LayerSummary[];
  readonly totals: Totals;
  /** What is counted, in words. */
  readonly convention: string;
}

const CONVENTIONS: Record<Counting, string> = {
  papers:
    'multiply-adds as in the papers (Mult-Adds, MAdds): one product and one sum count as 1, taps on padding included; biases, batch norm, activations, pooling, additions and resizing count as 0. FLOPs are twice that.',
  'batch-norm':
    'multiply-adds as fvcore counts them: one product and one sum count as 1, taps on padding included, batch norm counts 2 for each output; biases, activations, pooling, additions and resizing count as 0. FLOPs are twice that.',
};

/** Whether the layer needs no memory of its own: it writes over its input, or is padding, which the next layer imagines. */
function isInPlace(node: { readonly name: string; readonly kind: string }): boolean {
  const layer = layerOf(node);
  return layer.inPlace === true || isElementwise(layer);
}

export interface SummaryOptions {
  /** Default 'papers'. */
  readonly counting?: Counting;
  /** Rows as in the papers' tables: batch norm, activations and additions counted with the convolution before them. Default false. */
  readonly grouped?: boolean;
}

/** The node's multiply-adds and parameters. */
export function costOf(node: NetworkNode, shapes: ReadonlyMap<string, Shape>): Cost {
  return cost(layerOf(node), inputShapesOf(node, shapes), node.attributes);
}

/** Costs of a network for its declared input shapes, and the types that a quantised one states. Weights are not needed. */
export function summarize(network: Network | QuantizedNetwork, options: SummaryOptions = {}): Summary {
  expectNetwork('summarize', network);
  if (!isQuantizedNetwork(network)) return summaryOf(network, options);
  const stated = new Map(network.nodes.map(({ name, kind, type }) => [name, { kind, type }]));
  const summary = summaryOf(shapesAlone(network), options, stated);
  const bytes = [...network.weights.values()].reduce((total, { data }) => total + data.byteLength, 0);
  const params = { ...summary.totals.params, ...(bytes > 0 && { bytes }) };
  return { ...summary, inputs: network.inputs, totals: { ...summary.totals, params } };
}

type Stated = Pick<LayerSummary, 'kind' | 'type'>;

/** `stated`: what a quantised network says of each layer. */
function summaryOf(
  network: Network,
  { counting = 'papers', grouped = false }: SummaryOptions,
  stated?: ReadonlyMap<string, Stated>,
): Summary {
  const shapes = inferShapes(network);
  const fields = receptiveFields(network, shapes);
  const counted = network.nodes.map((node) => {
    const { multiplyAdds, trainable, stored } = costOf(node, shapes);
    const { kernel } = weightShapesOf(node, shapes);
    const output = shapes.get(node.name)!;
    const field = fields.get(node.name);
    const window = windowOf(node);
    return {
      name: node.name,
      kind: node.kind,
      ...stated?.get(node.name),
      kernel: window?.kernelSize ?? wholeMap(node, shapes),
      strides: window?.strides ?? null,
      dilation: window?.dilation ?? null,
      output,
      multiplyAdds: counting === 'batch-norm' && node.kind === 'batchNorm' ? 2 * sizeOf(output) : multiplyAdds,
      params: trainable,
      storedParams: stored,
      kernelParams: kernel === undefined ? 0 : sizeOf(kernel),
      receptiveField: field?.size ?? null,
      effectiveStride: field?.stride ?? null,
    };
  });
  const multiplyAdds = sum(counted.map((layer) => layer.multiplyAdds));
  const share = (part: number) => (multiplyAdds === 0 ? 0 : part / multiplyAdds);
  const layers = counted.map((layer) => ({ ...layer, share: share(layer.multiplyAdds) }));
  return {
    network: network.name,
    layers: grouped ? group(network, layers) : layers,
    totals: {
      multiplyAdds,
      flops: 2 * multiplyAdds,
      params: {
        trainable: sum(counted.map((layer) => layer.params)),
        stored: sum(counted.map((layer) => layer.storedParams)),
        kernels: sum(counted.map((layer) => layer.kernelParams)),
      },
      activations: {
        featureMaps: sum(featureMaps(network, shapes)),
        peak: network.nodes.reduce((most, node) => (isInPlace(node) ? most : Math.max(most, held(node, shapes))), 0),
      },
    },
    convention: CONVENTIONS[counting],
  };
}

/** Global pooling's kernel is the whole map. */
function wholeMap(node: NetworkNode, shapes: ReadonlyMap<string, Shape>): Pair | null {
  const [, height, width] = shapes.get(node.inputs[0])!;
  return layerOf(node).window === 'map' ? [height, width] : null;
}

/** Numbers in the output of each convolution that still has positions; what follows a pooling to 1 × 1 is the classifier. */
function featureMaps(network: Network, shapes: ReadonlyMap<string, Shape>): number[] {
  const pooled = new Set<string>();
  const maps: number[] = [];
  for (const node of network.nodes) {
    const { name, inputs } = node;
    const { pools, kernel, window } = layerOf(node);
    const shape = shapes.get(name)!;
    const poolsAll = pools && (shape.length < 4 || (shape[1] === 1 && shape[2] === 1));
    if (poolsAll || inputs.some((input) => pooled.has(input))) pooled.add(name);
    else if (kernel && window) maps.push(sizeOf(shape));
  }
  return maps;
}

/** Numbers that a layer's inputs and output hold together. */
function held({ name, inputs }: NetworkNode, shapes: ReadonlyMap<string, Shape>): number {
  return sum([...new Set(inputs), name].map((tensor) => sizeOf(shapes.get(tensor)!)));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** One row for each convolution, pooling or other layer that makes a tensor of its own; padding belongs to the layer after it. */
function group(network: Network, layers: readonly LayerSummary[]): LayerSummary[] {
  const rows: Row[] = [];
  const rowOf = new Map<string, number>();
  for (const [index, layer] of layers.entries()) {
    if (layer.kind === 'pad') continue;
    const at = rowOf.get(network.nodes[index].inputs.at(-1)!);
    const joins = at === rows.length - 1 && (isConversion(layer) || isInPlace(layer) || layerOf(layer).elementwise);
    if (joins) rows[at] = together(rows[at], layer);
    else rows.push({ ...layer, followers: [] });
    rowOf.set(layer.name, rows.length - 1);
  }
  return rows.map(({ followers, ...row }) => (followers.length > 0 ? { ...row, followedBy: followers } : row));
}

/** A row that is being put together. */
interface Row extends LayerSummary {
  readonly followers: QuantizedKind[];
}

function together(row: Row, layer: LayerSummary): Row {
  row.followers.push(layer.kind);
  return {
    ...row,
    output: layer.output,
    ...(layer.type && { type: layer.type }),
    multiplyAdds: row.multiplyAdds + layer.multiplyAdds,
    share: row.share + layer.share,
    params: row.params + layer.params,
    storedParams: row.storedParams + layer.storedParams,
  };
}
