/** SPLIT and SPLIT_V, which cut a tensor into several along one axis, as one SLICE for each part. */
import { integers } from './constants.js';
import type { FileModel, FileOperator, FileTensor } from './model.js';

/** The operators, with slices in place of each split. */
export function withSlices({ operators }: FileModel): FileOperator[] {
  let constants = 0;
  /** A constant that no file has: below the indices of the file's tensors. */
  const constant = (numbers: readonly number[], of: FileTensor): FileTensor => ({
    index: --constants,
    name: `${of.name}/slice`,
    shape: [numbers.length],
    shapeSignature: [numbers.length],
    type: 'INT32',
    data: new Uint8Array(Int32Array.from(numbers).buffer),
    sparse: false,
  });
  return operators.flatMap((op) => {
    if (op.code !== 'SPLIT' && op.code !== 'SPLIT_V') return [op];
    const { input, axis, sizes } = op.code === 'SPLIT' ? equalParts(op) : statedParts(op);
    let from = 0;
    return op.outputs.map((output, part): FileOperator => {
      const begin = input.shape.map((_, at) => (at === axis ? from : 0));
      const size = input.shape.map((side, at) => (at === axis ? sizes[part] : side));
      from += sizes[part];
      return {
        ...op,
        code: 'SLICE',
        inputs: [input, constant(begin, output), constant(size, output)],
        outputs: [output],
      };
    });
  });
}

interface Parts {
  readonly input: FileTensor;
  readonly axis: number;
  /** Along the axis. */
  readonly sizes: readonly number[];
}

/** Inputs: the axis, the tensor. */
function equalParts(op: FileOperator): Parts {
  const input = inputAt(op, 1);
  const axis = axisOf(op, 0, input);
  const count = op.outputs.length;
  const side = input.shape[axis];
  if (side % count !== 0)
    op.fail(`splits [${input.shape}] along axis ${axis} into ${count} parts, which are not equal`);
  return { input, axis, sizes: op.outputs.map(() => side / count) };
}

/** Inputs: the tensor, the sizes, of which one may be −1 for what is left, and the axis. */
function statedParts(op: FileOperator): Parts {
  const input = inputAt(op, 0);
  const axis = axisOf(op, 2, input);
  const stated = integers(op.file, inputAt(op, 1));
  const side = input.shape[axis];
  const left = side - stated.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const sizes = stated.map((size) => (size === -1 ? left : size));
  const sum = sizes.reduce((total, size) => total + size, 0);
  if (sizes.length !== op.outputs.length || sum !== side || sizes.some((size) => size < 1)) {
    op.fail(`splits [${input.shape}] along axis ${axis} into parts of [${stated}] for ${op.outputs.length} results`);
  }
  return { input, axis, sizes };
}

const inputAt = (op: FileOperator, index: number): FileTensor =>
  op.inputs[index] ?? op.fail(`its input ${index} is missing`);

function axisOf(op: FileOperator, index: number, { shape }: FileTensor): number {
  const [stated, ...others] = integers(op.file, inputAt(op, index));
  const axis = stated < 0 ? stated + shape.length : stated;
  if (others.length > 0 || !(axis >= 0 && axis < shape.length)) {
    op.fail(`splits [${shape}] along axis [${[stated, ...others]}]; wanted one of its axes`);
  }
  return axis;
}
