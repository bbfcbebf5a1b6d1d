/** What every operator's translation needs: its inputs, its options, and the form of its result. */
import type { NoAttributes } from '../../layers/index.js';
import type { Padding, Pair } from '../../padding.js';
import type { AnyTensor } from '../../tensor.js';
import type { Step as RealStep, StepWeights } from '../steps.js';
import type { FlatTable } from './flatbuffer.js';
import type { FileOperator, FileTensor } from './model.js';
import { ACTIVATIONS, PADDINGS } from './schema.js';

type WithIntegers<One> = One extends unknown ? Omit<One, 'weights'> & Pick<StepWeights<AnyTensor>, 'weights'> : never;

/** A node to be added to the network, with its weights, which may be integers. */
export type Step =
  | WithIntegers<RealStep>
  | {
      readonly kind: 'quantize' | 'dequantize';
      readonly attributes: NoAttributes;
      readonly reads?: readonly number[];
      readonly weights?: Readonly<Record<string, AnyTensor>>;
    };

export type Activation = (typeof ACTIVATIONS)[number];

/** An operator in the terms of this library. */
export interface Translation {
  /** The computed tensors that the first step reads, and each that says so. */
  readonly inputs: readonly FileTensor[];
  readonly steps: readonly Step[];
  /** The steps compute with real numbers, also between integers: what lies in between may be larger than the result can express. */
  readonly real?: boolean;
  /** What follows the last step, where the operator has it fused. */
  readonly activation?: Activation;
}

export function computed(op: FileOperator, index: number): FileTensor {
  const tensor = op.inputs[index];
  if (tensor === undefined) op.fail(`input ${index} is missing`);
  if (tensor.data !== undefined) op.fail(`input ${index} is the constant '${tensor.name}', wanted a computed tensor`);
  return tensor;
}

export function constant(op: FileOperator, index: number): FileTensor {
  const tensor = op.inputs[index];
  if (tensor === undefined) op.fail(`input ${index} is missing`);
  if (tensor.data === undefined) {
    op.fail(`input ${index}, '${tensor.name}', is computed while the network runs, wanted a constant`);
  }
  return tensor;
}

export function optionsOf<Fields extends readonly string[]>(op: FileOperator, fields: Fields): FlatTable<Fields> {
  return op.options(fields) ?? op.fail('has no options');
}

/** The options that describe a sliding window, of convolutions and pools alike. */
interface WindowOptions {
  int8(field: 'padding'): number;
  int32(field: 'stride_w' | 'stride_h'): number;
}

export function windowOf(op: FileOperator, options: WindowOptions): { strides: Pair; padding: 'same' | 'valid' } {
  const padding = options.int8('padding');
  return {
    strides: [options.int32('stride_h'), options.int32('stride_w')],
    padding: PADDINGS[padding] ?? op.fail(`padding ${padding} is unknown; wanted ${PADDINGS}`),
  };
}

/** The window of a convolution, which may be dilated by its options or by the operators around it. */
export function slidingOf(
  op: FileOperator,
  options: WindowOptions & { int32(field: 'dilation_h_factor' | 'dilation_w_factor', fallback: number): number },
): { strides: Pair; padding: Padding; dilation: Pair } {
  const { strides, padding } = windowOf(op, options);
  const dilation: Pair = [options.int32('dilation_h_factor', 1), options.int32('dilation_w_factor', 1)];
  if (op.dilated === undefined) return { strides, padding, dilation };
  if (padding !== 'valid' || [...strides, ...dilation].some((step) => step !== 1)) {
    op.fail(
      `between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND has padding ${padding}, strides [${strides}] and dilation [${dilation}]; wanted valid, 1 and 1`,
    );
  }
  return { strides, ...op.dilated };
}

export function activationOf(
  op: FileOperator,
  options: { int8(field: 'fused_activation_function'): number } | undefined,
): Activation {
  const number = options?.int8('fused_activation_function') ?? 0;
  return ACTIVATIONS[number] ?? op.fail(`fused activation ${number} is unknown`);
}
