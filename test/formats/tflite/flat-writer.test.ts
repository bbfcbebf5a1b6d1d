/** Tables as flatc lays them out. */
import { Builder } from 'flatbuffers';
import { expect, test } from 'vitest';
import { FlatWriter } from '../../../src/formats/tflite/flat-writer.js';
import * as schema from '../../../src/formats/tflite/schema.js';

/** Where the only field of a table lies, counted from the table. An offset of four bytes stands first; a byte is put at the end of the next four. */
function placeOf(fields: readonly string[], field: string, value: number | boolean): number {
  const writer = new FlatWriter(new Builder());
  const bytes = writer.finish(writer.table(fields, { [field]: value }), schema.FILE_IDENTIFIER);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const table = view.getUint32(0, true);
  return view.getUint16(table - view.getInt32(table, true) + 4 + 2 * fields.indexOf(field), true);
}

/** tensorflow/lite/schema/schema.fbs: enums of `byte` or `ubyte`, types of unions, and what `byte` says itself. */
test.each<[field: string, table: readonly string[]]>([
  ['type', schema.TensorTable],
  ['details_type', schema.QuantizationParameters],
  ['deprecated_builtin_code', schema.OperatorCode],
  ['builtin_options_type', schema.Operator],
  ['padding', schema.Conv2DOptions],
  ['fused_activation_function', schema.Conv2DOptions],
  ['weights_format', schema.FullyConnectedOptions],
  ['output_type', schema.ArgMaxOptions],
  // tflite-support's metadata_schema.fbs
  ['color_space', schema.ImageProperties],
  ['content_properties_type', schema.Content],
  ['options_type', schema.ProcessUnit],
])('%s is a byte', (field, table) => expect(placeOf(table, field, 2)).toBe(7));

test.each<[field: string, table: readonly string[]]>([
  ['stride_w', schema.Conv2DOptions],
  ['builtin_code', schema.OperatorCode],
  ['beta', schema.SoftmaxOptions],
  ['quantized_dimension', schema.QuantizationParameters],
])('%s has 32 bits', (field, table) => expect(placeOf(table, field, 2)).toBe(4));
