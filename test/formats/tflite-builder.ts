/**
 * Writes small .tflite files for tests: as the library does, and further what it does not write and its reader must know or refuse:
 * quantised and sparse tensors, several graphs, other versions. LiteRT reads what this writes (test/agreement), which holds the names
 * and numbers of the schema to the original.
 */
import { Builder } from 'flatbuffers';
import {
  encodeGraph,
  finishModel,
  type OutModel,
  type OutOperator,
  type OutTensor,
} from '../../src/formats/tflite/encode.js';
import { FlatWriter, type Value } from '../../src/formats/tflite/flat-writer.js';
import * as schema from '../../src/formats/tflite/schema.js';

export interface TensorSpec extends OutTensor {
  readonly scale?: readonly number[];
  readonly zeroPoint?: readonly number[];
  /** The axis that has a scale for each index. */
  readonly axis?: number;
  readonly sparse?: boolean;
  /** Of quantisation that is none of one scale or one for each channel. */
  readonly customQuantization?: boolean;
  /** The number of a buffer, in place of its own. */
  readonly buffer?: number;
}

export type OperatorSpec = OutOperator;

export interface ModelSpec extends Omit<OutModel, 'tensors'> {
  readonly tensors: Readonly<Record<string, TensorSpec>>;
  /** How often the graph is written. */
  readonly subgraphs?: number;
  readonly version?: number;
}

export function buildTflite({ subgraphs = 1, version = 3, ...spec }: ModelSpec): Uint8Array {
  const writer = new FlatWriter(new Builder());
  const tensors = Object.entries(spec.tensors).map(([name, tensor]) => [name, withQuantization(tensor)] as const);
  const model = { ...spec, tensors: new Map(tensors) };

  const graph = encodeGraph(writer, model, (tensor) => furtherFields(writer, tensor));
  const graphs = writer.tables(Array.from({ length: subgraphs }, () => graph));
  return finishModel(writer, model, { subgraphs: graphs, version });
}

function furtherFields(writer: FlatWriter, tensor: TensorSpec): Record<string, Value> {
  const { sparse, customQuantization, buffer, scale = [] } = tensor;
  const custom = () => writer.table(schema.QuantizationParameters, { scale: writer.float32s(scale), details_type: 1 });
  return {
    ...(sparse && { sparsity: writer.table(schema.SparsityParameters, {}) }),
    ...(customQuantization && { quantization: custom() }),
    ...(buffer !== undefined && { buffer }),
  };
}

function withQuantization(tensor: TensorSpec): TensorSpec {
  const { scale, zeroPoint = scale?.map(() => 0), axis = 0 } = tensor;
  return scale && zeroPoint ? { ...tensor, quantization: { scales: scale, zeroPoints: zeroPoint, axis } } : tensor;
}
