/** Files that are recognised but not read, each in one line with the way out. Loaded only for a file that no reader knows, or that seems to be another's. */
import { FormatError } from '../errors.js';

interface Unread {
  readonly recognises: (bytes: Uint8Array, name: string) => boolean;
  readonly what: string;
  readonly wayOut: string;
}

const TENSORFLOW =
  'convert it with TensorFlow: tf.lite.TFLiteConverter writes .tflite, tensorflowjs_converter a model.json';
const CHECKPOINT =
  'its numbers lie in several files; load it with TensorFlow and save the model as .h5, or its weights as .npz by their names';
const TORCH =
  'load it with PyTorch and save the weights again: torch.save(model.state_dict(), FILE), or export ONNX: torch.onnx.export';

const begins = (bytes: Uint8Array, ...start: readonly number[]): boolean =>
  start.every((byte, at) => bytes[at] === byte);
const textAt = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

/** A message of protocol buffers: the fields' numbers and, of texts and messages, their contents, as far as they can be followed. */
function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, content: Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return Infinity;
  };
  const MOST = 64;
  for (let count = 0; count < MOST && at < bytes.length; count++) {
    const tag = varint();
    const wire = tag % 8;
    const from = at;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      const content = at;
      at += length;
      if (at > bytes.length) return;
      yield [Math.floor(tag / 8), bytes.subarray(content, at)];
      continue;
    } else return;
    if (at > bytes.length) return;
    yield [Math.floor(tag / 8), bytes.subarray(from, at)];
  }
}

const firstField = (bytes: Uint8Array, field: number): Uint8Array | undefined => {
  for (const [found, content] of fieldsOf(bytes)) if (found === field) return content;
  return undefined;
};

/** SavedModel { saved_model_schema_version = 1; MetaGraphDef meta_graphs = 2 { MetaInfoDef = 1, GraphDef = 2 { NodeDef node = 1 } } }. */
function isSavedModel(bytes: Uint8Array): boolean {
  const metaGraph = begins(bytes, 0x08, 0x01) ? firstField(bytes, 2) : undefined;
  const graph = metaGraph && firstField(metaGraph, 2);
  return graph !== undefined && (isGraph(graph) || firstField(metaGraph!, 1) !== undefined);
}

/** GraphDef { NodeDef node = 1 { string name = 1; string op = 2 } }. */
function isGraph(bytes: Uint8Array): boolean {
  const node = bytes[0] === 0x0a ? firstField(bytes, 1) : undefined;
  const op = node?.[0] === 0x0a ? firstField(node, 2) : undefined;
  return op !== undefined && /^[A-Za-z_]\w*$/.test(textAt(op, 0, 64));
}

/** Model { specificationVersion = 1; ModelDescription description = 2; one of the kinds of models = 200 … 3000 }. */
function isCoreMl(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x08) return false;
  for (const [field] of fieldsOf(bytes)) if (field >= 200 && field <= 3000) return true;
  return false;
}

/** The end of a table of LevelDB, as the index of a checkpoint is. */
const isLeveldb = (bytes: Uint8Array): boolean =>
  begins(bytes.subarray(-8), 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/** The pickled number 0x1950a86a20f9469cfc6c, with which PyTorch's files began before version 1.6. */
const isOldTorch = (bytes: Uint8Array): boolean =>
  begins(bytes, 0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);

const KINDS: readonly Unread[] = [
  {
    recognises: isOldTorch,
    what: 'a PyTorch file of the form before version 1.6 (no zip archive)',
    wayOut: TORCH,
  },
  {
    recognises: (bytes) => begins(bytes, 0x80) && bytes[1] >= 2 && bytes[1] <= 5,
    what: 'a Python pickle outside of a PyTorch file',
    wayOut: 'nothing in it is executed; save the arrays as .npz (numpy.savez) or .safetensors',
  },
  { recognises: isSavedModel, what: 'a TensorFlow SavedModel (saved_model.pb)', wayOut: TENSORFLOW },
  {
    recognises: isCoreMl,
    what: 'a Core ML model (.mlmodel)',
    wayOut: 'convert the model that it was made of: ONNX, .tflite or .h5',
  },
  { recognises: isGraph, what: 'a TensorFlow graph (frozen .pb)', wayOut: TENSORFLOW },
  { recognises: isLeveldb, what: 'the index of a TensorFlow checkpoint (.ckpt)', wayOut: CHECKPOINT },
  {
    recognises: (bytes) => textAt(bytes, 0, 22) === 'model_checkpoint_path:',
    what: 'the list of TensorFlow checkpoints in a folder',
    wayOut: CHECKPOINT,
  },
  {
    recognises: (bytes) => /^<\?xml[^>]*>\s*<net\s/.test(textAt(bytes, 0, 256)),
    what: 'an OpenVINO model (.xml)',
    wayOut: 'convert the model that it was made of: ONNX, .tflite or .h5',
  },
  {
    recognises: (bytes) => textAt(bytes, 0, 8).trimEnd() === '7767517',
    what: 'an ncnn model (.param)',
    wayOut: 'convert the model that it was made of: ONNX, .tflite or .h5',
  },
  {
    recognises: (_, name) => /\.(data-\d{5}-of-\d{5}|ckpt(-\d+)?)$/i.test(name),
    what: 'part of a TensorFlow checkpoint (.ckpt)',
    wayOut: CHECKPOINT,
  },
  {
    recognises: (_, name) => /\.pb$/i.test(name),
    what: 'a TensorFlow file (.pb)',
    wayOut: TENSORFLOW,
  },
];

/** Throws a FormatError for what is recognised by its content or, where the content says nothing, by its name. */
export function refuseUnread(bytes: Uint8Array, file: string): void {
  const kind = KINDS.find(({ recognises }) => recognises(bytes, file));
  if (kind !== undefined) throw new FormatError(`${file}: is ${kind.what}, which is not read; ${kind.wayOut}`);
}
