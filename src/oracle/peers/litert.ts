/** LiteRT.js beside this library: a .tflite file with all of its tensors as outputs. */
import { UsageError } from '../../errors.js';
import { FlatFile } from '../../formats/tflite/flatbuffer.js';
import { readModel } from '../../formats/tflite/model.js';
import { importQuantizedTflite } from '../../formats/tflite/read.js';
import { Model, SubGraph, TensorTable } from '../../formats/tflite/schema.js';
import { importTflite } from '../../formats/tflite.js';
import { integersOf } from '../../network/integers-of.js';
import { typedInputs } from '../../network/run-quantized.js';
import type { Shape, Tensor } from '../../tensor.js';
import { XNNPACK } from '../integers/peer-numbers.js';
import { type LitertTensor, litert, loadLitert, type Numbers } from './litert-runtime.js';
import { Packages } from './packages.js';
import type { IntegerPeer, PeerAnswer, PeerModel, PeerOptions } from './peer.js';

/** Types of indices, such as those of the largest numbers, on their way to real numbers. */
const INDICES: readonly string[] = ['INT32', 'INT64'];

/** Throws a UsageError for a quantised file, whose integers round where the network does not. */
export async function openLitert(
  read: () => Promise<Uint8Array>,
  path: string,
  { packages = new Packages() }: PeerOptions = {},
): Promise<PeerModel> {
  const { title } = await litert(packages);
  const bytes = await read();
  const { network, tensors } = await importTflite(bytes, path);
  const whole = tensors.find(({ type }) => type !== 'FLOAT32' && !INDICES.includes(type));
  if (whole !== undefined) {
    throw new UsageError(
      `${path}: computes with integers: tensor '${whole.name}' is of type ${whole.type}. They round to their grid, which real numbers do not; convert the file to one of real numbers and verify that`,
    );
  }
  if (await roundsActivations(bytes, path)) {
    throw new UsageError(
      `${path}: has weights of 8 bits between real numbers (dynamic range): LiteRT rounds what each layer reads to 8 bits too, and neither it nor the file is wrong where that shows; convert the file to one of real numbers and verify that`,
    );
  }
  const isInput = new Set(network.inputs.map(({ name }) => name));
  const kinds = new Map(network.nodes.map(({ name, kind }) => [name, kind]));
  // A reshape whose sizes LiteRT.js computes leaves its result where nobody can read it.
  const isShown = (node: string) =>
    !isInput.has(node) && (network.outputs.includes(node) || !/^(reshape|flatten)$/.test(kinds.get(node) ?? ''));
  const shown = firstOfEachNode(tensors.filter(({ node, type }) => type === 'FLOAT32' && isShown(node)));
  return {
    network,
    runtime: title,
    async run(inputs): Promise<PeerAnswer> {
      const given = network.inputs.map(({ name }) => Float32Array.from(inputs.get(name)!.data));
      const file = withOutputs(
        bytes,
        shown.map(({ index }) => index),
      );
      fixShapes(file, new Map(tensors.map(({ index, shape }) => [index, shape])));
      const model = await loadLitert(file, packages);
      const found = await model.run(given).finally(() => model.delete());
      return {
        tensors: new Map(shown.map(({ node }, position) => [node, asTensor(found[position])])),
        theirNames: new Map(shown.map(({ node, name }) => [node, name])),
      };
    },
  };
}

/** Undefined for a file of real numbers. */
export async function openLitertIntegers(
  read: () => Promise<Uint8Array>,
  path: string,
  { packages = new Packages() }: PeerOptions = {},
): Promise<IntegerPeer | undefined> {
  const { title } = await litert(packages);
  const bytes = await read();
  if (integersOf((await importTflite(bytes, path)).network) === undefined) return undefined;
  const { network, tensors } = await importQuantizedTflite(bytes, path);
  const isInput = new Set(network.inputs.map(({ name }) => name));
  const shown = firstOfEachNode(tensors.filter(({ node }) => !isInput.has(node)));
  const indices = shown.map(({ index }) => index);
  return {
    network,
    runtime: title,
    habits: XNNPACK,
    async run(inputs) {
      const typed = typedInputs(network, inputs);
      const given = network.inputs.map(({ name }) => typed.get(name)!.data as Numbers);
      const model = await loadLitert(withOutputs(bytes, indices), packages);
      const found = await model.run(given).finally(() => model.delete());
      return new Map(shown.map(({ node }, position) => [node, found[position].data]));
    },
  };
}

/** Whether layers with weights of 8 bits read real numbers. */
async function roundsActivations(bytes: Uint8Array, path: string): Promise<boolean> {
  const { ByteBuffer } = await import('flatbuffers');
  const { operators } = readModel(new FlatFile(new ByteBuffer(bytes), path));
  return operators.some(
    ({ code, inputs: [x, weights] }) =>
      /^(CONV_2D|DEPTHWISE_CONV_2D|FULLY_CONNECTED)$/.test(code) && x?.type === 'FLOAT32' && weights?.type === 'INT8',
  );
}

/** A tensor that only passes on another's numbers is the same node's. */
function firstOfEachNode<Placed extends { readonly node: string }>(tensors: readonly Placed[]): Placed[] {
  const first = new Map([...tensors].reverse().map((tensor) => [tensor.node, tensor]));
  return tensors.filter((tensor) => first.get(tensor.node) === tensor);
}

const asTensor = ({ shape, data }: LitertTensor): Tensor => ({ shape, data: Float32Array.from(data as Float32Array) });

/**
 * The file, which has been read and is therefore sound, with these tensors as the outputs of its graph: a new list of them behind its end.
 * Signatures, which name outputs too, are left out: their list becomes empty.
 */
export function withOutputs(file: Uint8Array, tensors: readonly number[]): Uint8Array {
  const list = Math.ceil(file.length / 4) * 4;
  const bytes = new Uint8Array(list + 4 + 4 * tensors.length);
  bytes.set(file);
  const view = new DataView(bytes.buffer);
  const follow = (at: number): number => at + view.getUint32(at, true);
  const model = follow(0);
  const [graph] = [follow(follow(fieldOf(view, model, Model.indexOf('subgraphs'))!) + 4)];
  const outputs = fieldOf(view, graph, SubGraph.indexOf('outputs'))!;
  view.setUint32(outputs, list - outputs, true);
  view.setUint32(list, tensors.length, true);
  for (const [position, index] of tensors.entries()) view.setInt32(list + 4 + 4 * position, index, true);
  const signatures = fieldOf(view, model, Model.indexOf('signature_defs'));
  if (signatures !== undefined) view.setUint32(follow(signatures), 0, true);
  return bytes;
}

/**
 * Sets the shapes of tensors, by their indices, in place: LiteRT.js gives no memory to sizes that a file leaves open, nor to results whose shapes follow
 * from them.
 */
function fixShapes(file: Uint8Array, shapes: ReadonlyMap<number, Shape>): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const follow = (at: number): number => at + view.getUint32(at, true);
  const graph = follow(follow(fieldOf(view, follow(0), Model.indexOf('subgraphs'))!) + 4);
  const tensors = follow(fieldOf(view, graph, SubGraph.indexOf('tensors'))!);
  for (const [index, shape] of shapes) {
    const table = follow(tensors + 4 + 4 * index);
    for (const name of ['shape', 'shape_signature'] as const) {
      const field = fieldOf(view, table, TensorTable.indexOf(name));
      const list = field && follow(field);
      if (!list || view.getUint32(list, true) !== shape.length) continue;
      for (const [axis, size] of shape.entries()) view.setInt32(list + 4 + 4 * axis, size, true);
    }
  }
}

/** Where a table's field lies; undefined where the table does not have it. See `formats/tflite/flatbuffer.ts`. */
function fieldOf(view: DataView, table: number, id: number): number | undefined {
  const vtable = table - view.getInt32(table, true);
  const slot = 4 + 2 * id;
  const offset = slot < view.getUint16(vtable, true) ? view.getUint16(vtable + slot, true) : 0;
  return offset === 0 ? undefined : table + offset;
}
