/** onnxruntime beside this library: an .onnx file with all of its tensors as outputs. */
import { UsageError } from '../../errors.js';
import { companionsOf, readFile } from '../../formats/files.js';
import type { OnnxImport } from '../../formats/index.js';
import { GraphProto, ModelProto, ValueInfoProto } from '../../formats/onnx/schema.js';
import { importOnnx } from '../../formats/onnx.js';
import { transposed } from '../../formats/strided.js';
import { fromFloat16, toFloat16 } from '../../formats/tensors/float16.js';
import { isQuantizedTensor } from '../../network/quantized-network.js';
import { typedInputs } from '../../network/run-quantized.js';
import type { QuantizedType, Tensor } from '../../tensor.js';
import { ONNXRUNTIME } from '../integers/peer-numbers.js';
import { asReals } from '../integers/typed.js';
import { inlined } from './onnx-inlined.js';
import { type Installed, Packages } from './packages.js';
import type { IntegerPeer, PeerAnswer, PeerModel, PeerOptions } from './peer.js';

/** The parts of onnxruntime-node and onnxruntime-web, which are the same, that are used here. */
interface Onnxruntime {
  readonly Tensor: new (type: string, data: OrtNumbers, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<Session>;
  };
}

type OrtNumbers = Float32Array | Uint16Array | Uint8Array | Int8Array;

interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

interface Session {
  /** Absent before onnxruntime 1.21. */
  readonly inputMetadata?: readonly { readonly name: string; readonly type?: string }[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** Native code first; the one for pages runs in Node too. */
const PACKAGES = ['onnxruntime-node', 'onnxruntime-web'] as const;

/** A model's file, and those beside it that hold numbers of its constants. */
export interface OnnxFiles {
  readonly bytes: Uint8Array;
  readonly external: ReadonlyMap<string, Uint8Array>;
}

export async function readOnnxFiles(path: string): Promise<OnnxFiles> {
  const [bytes, { onnxCompanions }] = await Promise.all([readFile(path), import('../../formats/onnx/read.js')]);
  return { bytes, external: await companionsOf(path, onnxCompanions(bytes, path)) };
}

export type OnnxruntimePackage = (typeof PACKAGES)[number];

export function loadOnnxruntime(
  packages = new Packages(),
  name = PACKAGES.find((each) => packages.has(each)) ?? PACKAGES[0],
): Promise<Installed<Onnxruntime>> {
  return packages.load(name);
}

export async function openOnnxruntime(
  read: () => Promise<OnnxFiles>,
  path: string,
  { packages, resolution }: PeerOptions = {},
  only?: OnnxruntimePackage,
): Promise<PeerModel> {
  const { module, title } = await loadOnnxruntime(packages, only);
  const { bytes, external } = await read();
  const { network, tensors, rounding } = await importOnnx(bytes, {
    fileName: path,
    external,
    ...(resolution && { resolution }),
  });
  if (rounding !== undefined) {
    throw new UsageError(
      `${path}: ${rounding} rounds computed numbers to integers in onnxruntime, and neither it nor the file is wrong where that shows: they are real numbers here. Verify the file of real numbers that it was made of`,
    );
  }
  const shown = shownTensors(network, tensors);
  return {
    network,
    runtime: title,
    async run(inputs): Promise<PeerAnswer> {
      const feeds = network.inputs.map(({ name }) => {
        const { order } = tensors.get(name)!;
        return [name, inFileOrder(inputs.get(name)!, order!)] as const;
      });
      const hidden = [...shown.values()].filter((name) => !network.outputs.includes(name));
      const file = await withOutputs(await inlined(bytes, external), hidden);
      const results = await runOnnxruntime(module, file, new Map(feeds));
      const ours = [...shown].flatMap(([node, name]) => {
        const result = results.get(name);
        return result ? [[node, transposed(result, tensors.get(name)!.order!)] as const] : [];
      });
      return { tensors: new Map(ours), theirNames: shown };
    },
  };
}

/** Undefined for a file of real numbers. */
export async function openOnnxruntimeIntegers(
  read: () => Promise<OnnxFiles>,
  path: string,
  { packages, resolution }: PeerOptions = {},
  only?: OnnxruntimePackage,
): Promise<IntegerPeer | undefined> {
  const { module, title } = await loadOnnxruntime(packages, only);
  const { bytes, external } = await read();
  const options = { fileName: path, external, ...(resolution && { resolution }) };
  const { integers, tensors } = await importOnnx(bytes, options);
  if (integers === undefined) return undefined;
  const { network } = integers;
  const shown = [...integers.tensors].filter(([, { order }]) => order !== undefined);
  return {
    network,
    runtime: title,
    habits: ONNXRUNTIME,
    async run(inputs) {
      const typed = typedInputs(network, inputs);
      const feeds = network.inputs.map(({ name, type }) => {
        const [x, own] = [typed.get(name)!, integers.tensors.get(name)];
        const real = isQuantizedTensor(x) ? asReals(x, type as QuantizedType) : x;
        const given = own ? { ...x, data: Float32Array.from(x.data, (q) => q + own.lower) } : real;
        return [name, inFileOrder(given, tensors.get(name)!.order!)] as const;
      });
      const file = await withOutputs(
        await inlined(bytes, external),
        shown.map(([name]) => name),
      );
      const results = await runOnnxruntime(module, file, new Map(feeds));
      const ours = [...shown].reverse().flatMap(([name, { node, order, lower }]) => {
        const result = results.get(name);
        return result ? [[node, transposed(result, order!).data.map((q) => q - lower)] as const] : [];
      });
      return new Map(ours);
    },
  };
}

/** The file's tensors by our nodes; of several that one node yields, the one of its name, otherwise the first whose axes lie in an order. */
function shownTensors({ inputs }: OnnxImport['network'], tensors: OnnxImport['tensors']): Map<string, string> {
  const shown = new Map<string, string>();
  for (const [name, { node, order }] of tensors) {
    if (order === undefined || inputs.some((input) => input.name === node)) continue;
    if (!shown.has(node) || name === node) shown.set(node, name);
  }
  return shown;
}

/** The model's outputs by name, in the shapes that it gives them; inputs in the shapes that it wants. */
export async function runOnnxruntime(
  { InferenceSession, Tensor: OrtTensor }: Onnxruntime,
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, Tensor>,
): Promise<Map<string, Tensor>> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const feeds = [...inputs].map(([name, { shape, data }]) => {
      const type = session.inputMetadata?.find((input) => input.name === name)?.type ?? 'float32';
      return [name, new OrtTensor(type, numbersOf(type, data), shape)] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    const numbers = Object.entries(results).filter(([, { type }]) => !INDICES.includes(type));
    return new Map(numbers.map(([name, result]) => [name, asTensor(result, name)]));
  } finally {
    await session.release();
  }
}

function numbersOf(type: string, data: Tensor['data']): OrtNumbers {
  if (type === 'uint8') return Uint8Array.from(data);
  if (type === 'int8') return Int8Array.from(data);
  return type === 'float16' ? Uint16Array.from(data, toFloat16) : Float32Array.from(data);
}

/** Types of indices, such as those of the largest numbers, on their way to real numbers: they are left out. */
const INDICES: readonly string[] = ['int32', 'int64'];

function asTensor({ type, dims, data }: OrtTensor, name: string): Tensor {
  if (['float32', 'uint8', 'int8'].includes(type)) return { shape: dims, data: Float32Array.from(data) };
  if (type === 'float16') return { shape: dims, data: Float32Array.from(halves(data)) };
  throw new UsageError(`onnxruntime: the tensor '${name}' is of type ${type}; wanted float32, float16, uint8 or int8`);
}

/** Engines that have a Float16Array give the numbers, others their patterns. */
const halves = (data: ArrayLike<number>): number[] | ArrayLike<number> =>
  data instanceof Uint16Array ? Array.from(data, fromFloat16) : data;

/**
 * The file with these tensors as outputs too. Where a message stands in a file twice, protocol buffers read both as one, the lists of the
 * second behind those of the first: so that a graph with nothing but outputs behind the file's end is enough.
 */
async function withOutputs(file: Uint8Array, names: readonly string[]): Promise<Uint8Array> {
  const { PbfWriter } = await import('pbf');
  const [graph, model] = [new PbfWriter(), new PbfWriter()];
  for (const name of names) {
    const output = new PbfWriter();
    output.writeStringField(ValueInfoProto.name[0], name);
    graph.writeBytesField(GraphProto.output[0], output.finish());
  }
  model.writeBytesField(ModelProto.graph[0], graph.finish());
  return Buffer.concat([file, model.finish()]);
}

/** The numbers in the order of the file's axes, of which axis order[i] is our axis i. */
const inFileOrder = (x: Tensor, order: readonly number[]): Tensor =>
  transposed(
    x,
    order.map((_, axis) => order.indexOf(axis)),
  );
