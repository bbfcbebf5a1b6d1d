/**
 * Dilated convolutions as TensorFlow 1 wrote them: SPACE_TO_BATCH_ND takes every b-th row and column into a picture of its own, a plain convolution
 * follows, BATCH_TO_SPACE_ND puts the results back. That is one convolution of dilation b.
 *
 * What is padded before and cropped behind is padding: cropping n rows of the result is padding n rows less, since strides are 1.
 */
import { soleReaders } from '../../network/graph.js';
import { integers } from './constants.js';
import type { FileModel, FileOperator, FileTensor } from './model.js';

const CONVOLUTION = /^(DEPTHWISE_)?CONV_2D$/;

/** The operators, with one in place of each such three. */
export function withDilation({ operators, outputs }: FileModel): FileOperator[] {
  const indices = (tensors: readonly (FileTensor | undefined)[]) => tensors.flatMap((tensor) => tensor?.index ?? []);
  const readers = soleReaders(operators, indices(outputs), ({ inputs }: FileOperator) => indices(inputs));
  const soleReader = ({ outputs: [output] }: FileOperator): FileOperator | undefined =>
    output && readers.get(output.index);
  const dropped = new Set<FileOperator>();
  const merged = new Map<FileOperator, FileOperator>();
  for (const op of operators) {
    if (op.code !== 'SPACE_TO_BATCH_ND') continue;
    const conv = soleReader(op) ?? alone(op);
    const back = (CONVOLUTION.test(conv.code) ? soleReader(conv) : undefined) ?? alone(op);
    if (back.code !== 'BATCH_TO_SPACE_ND') alone(op);
    merged.set(conv, dilated(op, conv, back));
    dropped.add(op).add(back);
  }
  return operators.filter((op) => !dropped.has(op)).map((op) => merged.get(op) ?? op);
}

function alone(op: FileOperator): never {
  op.fail('is read only before a convolution and BATCH_TO_SPACE_ND, which are a dilated convolution');
}

function dilated(into: FileOperator, conv: FileOperator, back: FileOperator): FileOperator {
  const block = pairOf(into, 1, 2);
  const before = pairOf(into, 2, 4);
  const crops = pairOf(back, 2, 4);
  if (String(pairOf(back, 1, 2)) !== String(block)) {
    back.fail(`puts back blocks of [${pairOf(back, 1, 2)}], wanted those of [${block}] that SPACE_TO_BATCH_ND took`);
  }
  const [top, bottom, left, right] = before.map((samples, side) => samples - crops[side]);
  if ([top, bottom, left, right].some((samples) => samples < 0)) {
    back.fail(`crops [${crops}], more than the [${before}] that SPACE_TO_BATCH_ND padded`);
  }
  return {
    ...conv,
    inputs: [into.inputs[0], ...conv.inputs.slice(1)],
    outputs: back.outputs,
    dilated: { dilation: [block[0], block[1]], padding: { top, bottom, left, right } },
  };
}

function pairOf(op: FileOperator, index: number, count: number): number[] {
  const input: FileTensor | undefined = op.inputs[index];
  const found = input?.data === undefined ? [] : integers(op.file, input);
  if (found.length !== count)
    op.fail(`input ${index} has [${found}], wanted ${count} constant numbers, of height and width`);
  return found;
}
