/** An .onnx file whose constants lie beside it, as one file: runtimes that are given bytes cannot look there. */
import type { PbfReader as Reader, PbfWriter as Writer } from 'pbf';
import { GraphProto, ModelProto, StringStringEntryProto, TensorProto } from '../../formats/onnx/schema.js';

/** A field of a message: its number, and its bytes where it is a message, a text or a list. */
interface Field {
  readonly number: number;
  readonly content?: Uint8Array;
  /** With its tag. */
  readonly whole: Uint8Array;
}

/** `beside` are the files by their paths from the model's folder. */
export async function inlined(file: Uint8Array, beside: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  if (beside.size === 0) return file;
  const { PbfReader, PbfWriter } = await import('pbf');
  const within = (message: Uint8Array, number: number, change: (content: Uint8Array) => Uint8Array): Uint8Array =>
    joined(
      fieldsOf(PbfReader, message).map((field) =>
        field.number === number && field.content ? delimited(PbfWriter, number, change(field.content)) : field.whole,
      ),
    );
  return within(file, ModelProto.graph[0], (graph) =>
    within(graph, GraphProto.initializer[0], (tensor) => inlinedTensor(PbfReader, PbfWriter, tensor, beside)),
  );
}

function inlinedTensor(
  PbfReader: typeof Reader,
  PbfWriter: typeof Writer,
  tensor: Uint8Array,
  beside: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const fields = fieldsOf(PbfReader, tensor);
  const entries = new Map(
    fields
      .filter(({ number }) => number === TensorProto.external_data[0])
      .map(({ content }) => {
        const texts = fieldsOf(PbfReader, content!);
        const text = (number: number) =>
          new TextDecoder().decode(texts.find((each) => each.number === number)?.content);
        return [text(StringStringEntryProto.key[0]), text(StringStringEntryProto.value[0])] as const;
      }),
  );
  const bytes = beside.get(entries.get('location') ?? '');
  if (bytes === undefined) return tensor;
  const offset = Number(entries.get('offset') ?? 0);
  const length = entries.get('length');
  const data = bytes.subarray(offset, length === undefined ? undefined : offset + Number(length));
  const outside: readonly number[] = [TensorProto.external_data[0], TensorProto.data_location[0]];
  const kept = fields.filter(({ number }) => !outside.includes(number)).map(({ whole }) => whole);
  return joined([...kept, delimited(PbfWriter, TensorProto.raw_data[0], data)]);
}

function fieldsOf(PbfReader: typeof Reader, message: Uint8Array): Field[] {
  const reader = new PbfReader(message);
  const fields: Field[] = [];
  while (reader.pos < message.length) {
    const start = reader.pos;
    const tag = reader.readVarint();
    // Wire type 2 has its length in front.
    const content = (tag & 7) === 2 ? reader.readBytes() : undefined;
    if (content === undefined) reader.skip(tag);
    fields.push({ number: tag >>> 3, ...(content && { content }), whole: message.subarray(start, reader.pos) });
  }
  return fields;
}

function delimited(PbfWriter: typeof Writer, number: number, content: Uint8Array): Uint8Array {
  const writer = new PbfWriter();
  writer.writeBytesField(number, content);
  return writer.finish();
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);
