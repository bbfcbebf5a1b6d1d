/**
 * Shapes that are computed while the file runs, computed once while it is read. For an open batch TensorFlow's converter writes the shape of each
 * Reshape and Flatten as SHAPE of its input, STRIDED_SLICE of the batch, PACK with the other sizes.
 */
import { integers } from './constants.js';
import type { FileOperator, FileTensor } from './model.js';
import { optionsOf } from './operands.js';
import { PackOptions, StridedSliceOptions } from './schema.js';

/** Operators whose result is whole numbers of one axis at most. */
const folds: Readonly<Record<string, (op: FileOperator) => number[]>> = {
  SHAPE: (op) => [...(op.inputs[0]?.shape ?? op.fail('input 0 is missing'))],
  STRIDED_SLICE: slice,
  PACK(op) {
    const axis = optionsOf(op, PackOptions).int32('axis');
    if (axis !== 0 && axis !== -1) op.fail(`joins sizes along axis ${axis}, wanted 0`);
    return op.inputs.flatMap((input, index) => numbers(op, index, input));
  },
};

/** The result as a constant, where it follows from shapes and constants; undefined for what the network computes. */
export function folded(op: FileOperator): FileTensor | undefined {
  const fold = Object.hasOwn(folds, op.code) ? folds[op.code] : undefined;
  const isWhole = (input: FileTensor | undefined) => input?.data !== undefined && /^INT(32|64)$/.test(input.type);
  if (fold === undefined || (op.code !== 'SHAPE' && !op.inputs.every(isWhole))) return undefined;
  if (op.outputs.length !== 1) op.fail(`wanted one output, found ${op.outputs.length}`);
  const data = new Uint8Array(Int32Array.from(fold(op)).buffer);
  const shape = op.outputs[0].shape.length === 0 ? [] : [data.length / 4];
  return { ...op.outputs[0], type: 'INT32', shape, data };
}

function numbers(op: FileOperator, index: number, input = op.inputs[index]): number[] {
  return integers(op.file, input ?? op.fail(`input ${index} is missing`));
}

function slice(op: FileOperator): number[] {
  const options = optionsOf(op, StridedSliceOptions);
  const from = numbers(op, 0);
  const [begin, end, stride] = [1, 2, 3].map((index) => numbers(op, index));
  if (begin.length !== 1 || end.length !== 1 || stride[0] !== 1 || stride.length !== 1) {
    op.fail(`slices sizes from [${begin}] to [${end}] in steps of [${stride}]; wanted one axis and steps of 1`);
  }
  if (options.int32('ellipsis_mask') !== 0 || options.int32('new_axis_mask') !== 0) {
    op.fail('slices sizes with an ellipsis or a new axis');
  }
  const first = options.int32('begin_mask') & 1 ? 0 : begin[0];
  if (options.int32('shrink_axis_mask') & 1) {
    const at = first < 0 ? first + from.length : first;
    return [from[at] ?? op.fail(`takes size ${first} of [${from}]`)];
  }
  return from.slice(first, options.int32('end_mask') & 1 ? from.length : end[0]);
}
