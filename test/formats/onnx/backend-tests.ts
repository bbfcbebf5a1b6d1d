/**
 * ONNX's own backend tests: small models with recorded inputs and outputs, which every implementation of ONNX is held to. Debian has them
 * in the package libonnx-testdata; DEPTHWISE_ONNX_TESTS names another folder.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PbfReader, PbfWriter } from 'pbf';
import { readConstant } from '../../../src/formats/onnx/model.js';
import { ProtoFile } from '../../../src/formats/onnx/protobuf.js';
import * as schema from '../../../src/formats/onnx/schema.js';
import { importOnnx } from '../../../src/formats/onnx.js';
import { run } from '../../../src/network/index.js';
import { coordinateOf, indexOf, type QuantizedType, type Tensor, tensor } from '../../../src/tensor.js';

const folder = process.env.DEPTHWISE_ONNX_TESTS ?? '/usr/share/libonnx-testdata/data';

export const noBackendTests = !existsSync(join(folder, 'node'));

const SUITES = ['node', 'simple', 'pytorch-operator', 'pytorch-converted'];

export interface BackendTest {
  readonly name: string;
  readonly path: string;
  /** Operators of the model. */
  readonly operators: readonly string[];
}

export function backendTests(): BackendTest[] {
  if (noBackendTests) return [];
  return SUITES.flatMap((suite) =>
    readdirSync(join(folder, suite))
      .sort()
      .map((name) => {
        const path = join(folder, suite, name);
        return { name: `${suite}/${name}`, path, operators: operatorsOf(readFileSync(join(path, 'model.onnx'))) };
      }),
  );
}

function operatorsOf(bytes: Uint8Array): string[] {
  const file = new ProtoFile(bytes, 'model.onnx', PbfReader);
  const graph = file.message(file.message(bytes, schema.ModelProto, 'model').graph!, schema.GraphProto, 'graph');
  const nodes = graph.node.map((node) => file.message(node, schema.NodeProto, 'node'));
  return [...new Set(nodes.map(({ op_type: op, domain }) => (domain ? `${domain}.${op}` : op!)))];
}

interface Recorded {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly tensor: Tensor;
}

function recorded(path: string, what: 'input' | 'output', names: readonly string[]): Recorded[] {
  return names.flatMap((name, index) => {
    const at = join(path, `${what}_${index}.pb`);
    if (!existsSync(at)) return [];
    const bytes = new Uint8Array(readFileSync(at));
    const file = new ProtoFile(bytes, at, PbfReader);
    const proto = file.message(bytes, schema.TensorProto, 'tensor');
    return [{ name, bytes, tensor: readConstant(file, proto, 'tensor').tensor }];
  });
}

/**
 * The outputs, found and wanted, by name. The tests give kernels, shapes and bounds as inputs of the model; here they are constants, as in
 * the files of trained networks: each input that no operator takes first, nor as a term of a sum or a part of a concatenation.
 */
export async function runBackendTest({ path }: BackendTest) {
  const bytes = new Uint8Array(readFileSync(join(path, 'model.onnx')));
  const file = new ProtoFile(bytes, 'model.onnx', PbfReader);
  const { graph: graphBytes } = file.message(bytes, schema.ModelProto, 'model');
  const graph = file.message(graphBytes!, schema.GraphProto, 'graph');
  const given = new Set(graph.initializer.map((init) => file.message(init, schema.TensorProto, 'constant').name));
  const names = (infos: readonly Uint8Array[]) =>
    infos.map((info) => file.message(info, schema.ValueInfoProto, 'value').name!).filter((name) => !given.has(name));
  const inputs = recorded(join(path, 'test_data_set_0'), 'input', names(graph.input));
  const outputs = recorded(join(path, 'test_data_set_0'), 'output', names(graph.output));
  const nodes = graph.node.map((node) => file.message(node, schema.NodeProto, 'node'));
  const shapeOf = (name: string) => `${inputs.find((input) => input.name === name)?.tensor.shape}`;
  const reads = (op: string, names: readonly string[]) =>
    op === 'Concat' || op === 'Sum' || (op === 'Add' && shapeOf(names[0]) === shapeOf(names[1]))
      ? names
      : names.slice(0, 1);
  const computed = new Set(nodes.flatMap(({ op_type: op, input }) => reads(op!, input)));
  const isConstant = ({ name }: Recorded) => !computed.has(name);
  const model = withConstants(bytes, inputs.filter(isConstant));
  const { network, tensors, integers } = await importOnnx(model, { fileName: 'model.onnx' });
  const types = new Map(integers?.network.inputs.map(({ name, type }) => [name, type as QuantizedType]));
  const real = (name: string, x: Tensor): Tensor => {
    const type = integers?.tensors.has(name) ? types.get(name)! : { scale: 1, zeroPoint: 0 };
    return tensor(
      x.shape,
      x.data.map((q) => type.scale * (q - type.zeroPoint)),
    );
  };
  const fed = new Map(
    inputs
      .filter((input) => !isConstant(input))
      .map(({ name, tensor: x }) => [name, permuted(real(name, x), tensors.get(name)!.order!)]),
  );
  const results = run(network, fed);
  return outputs.map(({ name, tensor: wanted }) => {
    const place = tensors.get(name)!;
    const result = results.get(place.node)!;
    return { name, found: permuted(result, inverse(place.order!)), wanted };
  });
}

/** The file with these tensors as constants of the graph: fields may stand anywhere in a message. */
function withConstants(bytes: Uint8Array, constants: readonly Recorded[]): Uint8Array {
  const file = new ProtoFile(bytes, 'model.onnx', PbfReader);
  const { graph, opset_import: opsets } = file.message(bytes, schema.ModelProto, 'model');
  const inner = new PbfWriter();
  for (const { bytes: constant, name } of constants) {
    const named = new PbfWriter();
    named.writeStringField(schema.TensorProto.name[0], name);
    inner.writeBytesField(schema.GraphProto.initializer[0], Buffer.concat([constant, named.finish()]));
  }
  const writer = new PbfWriter();
  for (const opset of opsets) writer.writeBytesField(schema.ModelProto.opset_import[0], opset);
  writer.writeBytesField(schema.ModelProto.graph[0], Buffer.concat([graph!, inner.finish()]));
  return writer.finish();
}

const inverse = (order: readonly number[]): number[] => order.map((_, axis) => order.indexOf(axis));

/** Axis i of the result is axis order[i] of x. */
function permuted(x: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => x.shape[axis]);
  const data = Float64Array.from({ length: x.data.length }, (_, to) => {
    const coordinate = coordinateOf(shape, to);
    return x.data[
      indexOf(
        x.shape,
        inverse(order).map((axis) => coordinate[axis]),
      )
    ];
  });
  return tensor(shape, data);
}
