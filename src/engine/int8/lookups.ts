/** Functions of one integer of 8 bits each, as tables of their 256 results. */
import { forwardOf } from '../../network/run-quantized.js';
import type { AnyTensor } from '../../tensor.js';
import type { Place } from '../../wasm/memory.js';
import { quadCount, roundUp } from '../layouts.js';
import { pixelsOf } from '../lowering.js';
import { type IntegerLowering, quadStride, quadsBytes } from './lowering.js';
import type { IntegerOperation } from './operations.js';

/** One integer of 8 bits for another. */
export function lookup(low: IntegerLowering, operation: IntegerOperation): void {
  const { inputs: [input], output } = operation; // biome-ignore format: one line
  if (isOtherSign(low, operation) && low.soleConsumer(output)?.node.kind === 'conv2d') {
    low.readAs(output, input);
    return;
  }
  const inQuads = low.hasOnlyQuads(input);
  low.made(output, { [inQuads ? 'quads' : 'bytes']: lookedUp(low, operation, inQuads) });
}

/** Between int8 and uint8, where no number changes but by the 128 of their zero points. */
function isOtherSign(low: IntegerLowering, { inputs: [input], output, node, through }: IntegerOperation): boolean {
  const [x, y] = [low.type(input), low.type(output)];
  const moved = y.type === x.type ? 0 : y.type === 'int8' ? 128 : -128;
  return node.kind === 'quantize' && !through && x.scale === y.scale && x.zeroPoint - y.zeroPoint === moved;
}

/** The input's numbers through tables, which are what the readable layers make of all 256. */
export function lookedUp(low: IntegerLowering, operation: IntegerOperation, inQuads: boolean): Place {
  const { inputs: [input], node } = operation; // biome-ignore format: one line
  const [pixels, channels] = pixelsOf(low.shape(input));
  const tables = tablesOf(low, operation, channels);
  const isOne = tables.length === 1;
  const name = `${input} ${node.name}`;
  if (inQuads) {
    const numbers = low.program.table(`numbers ${name}`, () => withoutZeroPoints(low, operation, tables));
    const out = low.program.buffer(quadsBytes(pixels, channels));
    const pairs = quadStride(channels) / 16;
    const [zero] = low.zero(input);
    low.program.step('lookupQuads', low.quads(input), quadCount(pixels), pairs, zero, numbers, isOne ? 0 : 512, out);
    return out;
  }
  const table = low.program.table(`table ${name}`, () => Uint8Array.from(tables.flatMap((bytes) => [...bytes])));
  const out = low.program.buffer(pixels * channels);
  const [rows, columns, stride] = isOne ? [1, pixels * channels, 0] : [pixels, channels, 256];
  low.program.step('lookup', low.bytes(input), rows, columns, table, stride, out);
  return out;
}

/** By the byte, so that −128 is at 128; one table for each channel where weights are on the way. */
function tablesOf(
  low: IntegerLowering,
  { inputs: [input], through = [], node }: IntegerOperation,
  channels: number,
): Uint8Array[] {
  const type = low.type(input);
  const nodes = [...through, node];
  const columns = nodes.some((each) => Object.keys(low.weights(each)).length > 0) ? channels : 1;
  const bytes = Uint8Array.from({ length: 256 * columns }, (_, i) => i / columns);
  const x = { shape: [256, columns], data: type.type === 'int8' ? new Int8Array(bytes.buffer) : bytes, type };
  const made = new Map<string, AnyTensor>([[input, x]]);
  for (const each of nodes) {
    const read = each.inputs.map((name) => made.get(name) as AnyTensor);
    made.set(each.name, forwardOf(each)(read, low.weights(each), each.attributes, each.type, low.rounding));
  }
  const found = Uint8Array.from((made.get(node.name) as AnyTensor).data);
  const tables = Array.from({ length: columns }, (_, c) => found.filter((_, i) => i % columns === c));
  return tables.every((table) => table.every((q, i) => q === tables[0][i])) ? tables.slice(0, 1) : tables;
}

/** The tables' results as int16 without zero point, for all channels that quads have. */
function withoutZeroPoints(
  low: IntegerLowering,
  { output }: IntegerOperation,
  tables: readonly Uint8Array[],
): Int16Array<ArrayBuffer> {
  const { type, zeroPoint } = low.type(output);
  const numbers = new Int16Array(256 * (tables.length === 1 ? 1 : roundUp(tables.length, 8)));
  const number = (byte: number) => (type === 'int8' && byte > 127 ? byte - 256 : byte) - zeroPoint;
  tables.forEach((table, c) => {
    numbers.set(Int16Array.from(table, number), 256 * c);
  });
  return numbers;
}
