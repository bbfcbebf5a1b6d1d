/** Resized maps, and the classes of their pixels. */
import { placesOf } from '../../layers/int8/resizeBilinear.js';
import { pixelsOf } from '../lowering.js';
import type { IntegerLowering } from './lowering.js';
import type { IntegerOperation, OperationOf } from './operations.js';

export function resize(low: IntegerLowering, operation: OperationOf<'resizeBilinear'>): void {
  const { inputs: [input], output } = operation; // biome-ignore format: one line
  if (low.soleConsumer(output)?.node.kind === 'argMax') {
    low.waiting.set(output, operation);
    return;
  }
  const [, , width, channels] = low.shape(input);
  const x = low.bytes(input);
  const operands = resizeOperands(low, operation);
  low.bytesStep(output, (out) => low.program.step('resizeBilinear', x, width, channels, ...operands, out));
}

/** Of both kernels, from `unsigned` on to the columns. */
function resizeOperands(low: IntegerLowering, { inputs: [input], output, node }: OperationOf<'resizeBilinear'>) {
  const [, height, width] = low.shape(input);
  const [, outHeight, outWidth] = low.shape(output);
  const [, unsigned] = low.zero(input);
  const places = (size: number, out: number) => {
    const { rule } = node.attributes;
    return low.program.table(`places ${[rule, unsigned, size, out]}`, () => {
      const view = new DataView(new ArrayBuffer(12 * out));
      for (const [i, { lower, upper, share }] of placesOf(rule, unsigned === 1, size, out).entries()) {
        view.setInt32(12 * i, lower, true);
        view.setInt32(12 * i + 4, upper, true);
        if (unsigned) view.setFloat32(12 * i + 8, share, true);
        else view.setInt32(12 * i + 8, share, true);
      }
      return view;
    });
  };
  const twice = low.rounding === 'double' ? 1 : 0;
  return [unsigned, twice, places(height, outHeight), outHeight, places(width, outWidth), outWidth] as const;
}

/** Of bytes as they are, or of what a resize before it makes of them, which nobody else reads. */
export function argMax(low: IntegerLowering, { inputs: [input], output }: IntegerOperation): void {
  const resized = low.waiting.get(input) as OperationOf<'resizeBilinear'> | undefined;
  if (resized) {
    const [, height, width, classes] = low.shape(resized.inputs[0]);
    const x = low.bytes(resized.inputs[0]);
    const operands = resizeOperands(low, resized);
    const scratch = low.program.buffer(4 * height * width + classes);
    low.bytesStep(output, (out) =>
      low.program.step('resizeArgMax', x, height, width, classes, ...operands, out, scratch),
    );
    return;
  }
  const [rows, classes] = pixelsOf(low.shape(input));
  const x = low.bytes(input);
  low.bytesStep(output, (out) => low.program.step('argMax', x, rows, classes, low.zero(input)[1], out));
}
