/**
 * A MobileNet as the steps that converters emit: batch norm folded into the convolutions, ReLU6 fused with them, dropout gone. Every
 * convolution pads 'same'.
 */
import { foldBatchNorm, inferShapes, type Network, type NetworkNode } from '../../../../dist/network/index.js';
import type { Shape } from '../../../../dist/tensor.js';

export interface Constant {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export type Step = { readonly name: string; readonly input: string; readonly shape: Shape } & (
  | {
      /** kernel [KH, KW, C, O], or [KH, KW, C, 1] for 'depthwise'. */
      readonly kind: 'convolution' | 'depthwise';
      readonly kernel: Constant;
      readonly bias: Constant;
      readonly stride: number;
      readonly relu6: boolean;
    }
  | { readonly kind: 'add'; readonly other: string }
  /** The mean over all pixels, [1, 1, 1, C]. */
  | { readonly kind: 'pool'; readonly window: readonly number[] }
  | { readonly kind: 'reshape' | 'softmax' }
);

export function stepsOf(network: Network): Step[] {
  const folded = foldBatchNorm(network);
  const shapes = inferShapes(folded);
  const steps: Step[] = [];
  const renamed = new Map<string, string>();
  const named = (name: string) => renamed.get(name) ?? name;
  for (const node of folded.nodes) {
    const [input, other] = node.inputs.map(named);
    const base = { name: node.name, input, shape: shapes.get(node.name)! };
    const before = steps.at(-1);
    switch (node.kind) {
      case 'conv2d':
      case 'pointwiseConv2d':
      case 'depthwiseConv2d':
        steps.push({ ...base, ...convolution(folded, node) });
        break;
      case 'relu6':
        if (before?.name !== input || !('relu6' in before)) throw new Error(`${node.name}: follows no convolution`);
        steps[steps.length - 1] = { ...before, name: node.name, relu6: true };
        break;
      case 'dropout':
        renamed.set(node.name, input);
        break;
      case 'add':
        steps.push({ ...base, kind: 'add', other });
        break;
      case 'globalAveragePool':
        if (!node.attributes.keepDims) throw new Error(`${node.name}: loses its axes`);
        steps.push({ ...base, kind: 'pool', window: shapes.get(input)!.slice(1, 3) });
        break;
      case 'reshape':
      case 'softmax':
        steps.push({ ...base, kind: node.kind });
        break;
      default:
        throw new Error(`${node.name}: the peers' models have no ${node.kind}`);
    }
  }
  return steps;
}

export type Convolution = Extract<NetworkNode, { kind: 'conv2d' | 'pointwiseConv2d' | 'depthwiseConv2d' }>;

function convolution(network: Network, node: Convolution) {
  const { shape, data } = network.weights.get(`${node.name}/kernel`)!;
  const bias = network.weights.get(`${node.name}/bias`)!;
  return {
    kind: node.kind === 'depthwiseConv2d' ? ('depthwise' as const) : ('convolution' as const),
    kernel: { shape: node.kind === 'pointwiseConv2d' ? [1, 1, ...shape] : shape, data: Float32Array.from(data) },
    bias: { shape: bias.shape, data: Float32Array.from(bias.data) },
    stride: strideOf(node),
    relu6: false,
  };
}

/** The one stride of both axes, after a look at what a step does not say. */
export function strideOf(node: Convolution): number {
  if (node.kind === 'pointwiseConv2d') return 1;
  const { padding, strides, dilation } = node.attributes;
  if (padding !== 'same' || strides[0] !== strides[1] || dilation.some((rate) => rate !== 1)) {
    throw new Error(`${node.name}: the peers' models pad 'same', with one stride and no dilation`);
  }
  return strides[0];
}
