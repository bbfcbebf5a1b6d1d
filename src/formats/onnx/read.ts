/** Reads .onnx files: see `../onnx.ts`. */
import { PbfReader } from 'pbf';
import { conventionsByHead } from '../../network/heads.js';
import { type Conventions, inferShapes, type Network, withWeights } from '../../network/index.js';
import { sameIntegers } from '../../network/integers-of.js';
import { isQuantizedType, type QuantizedNetwork, typesByName } from '../../network/quantized-network.js';
import { withQuantizedWeights } from '../../network/quantized-types.js';
import { expressibleRange, realNumbers } from '../../network/rewriting/as-real-numbers.js';
import type { Pair } from '../../padding.js';
import { inFile } from '../in-file.js';
import { withInput, withOwnScaling } from '../own-scaling.js';
import { CONVENTIONS_KEY, statedConventions } from '../stated-conventions.js';
import { asDetector } from './detector.js';
import { headsOf } from './detector-heads.js';
import { externalFiles, type FileModel, readModel } from './model.js';
import { ProtoFile } from './protobuf.js';
import { neededNodes, type Placed, translate } from './translate.js';
import { type Marks, type Typed, typed } from './typed.js';

export interface OnnxOptions {
  readonly fileName?: string;
  /**
   * Names of the file's tensors at which the network ends, instead of the file's outputs: what comes after them, such as the decoding of
   * boxes, need not be known.
   */
  readonly outputs?: readonly string[];
  /** The files beside the model's that hold numbers of its constants (external data), by their paths from the model's folder. */
  readonly external?: ReadonlyMap<string, Uint8Array>;
  /** [height, width] of the pictures, for a model that leaves them open. */
  readonly resolution?: Pair;
}

export interface PlacedIntegers extends Placed {
  /** How much lower the integers are here: bytes may be int8. */
  readonly lower: number;
}

/** A network, and where in it the file's tensors are. */
export interface OnnxImport {
  readonly network: Network;
  /** By the file's names; for comparisons with other runtimes. */
  readonly tensors: ReadonlyMap<string, Placed>;
  /** The first node at which a runtime rounds computed numbers to integers, which are real numbers here; undefined where none does. */
  readonly rounding: string | undefined;
  /** Of a quantised file, its integers, and by the file's names its tensors that hold such. */
  readonly integers?: { readonly network: QuantizedNetwork; readonly tensors: ReadonlyMap<string, PlacedIntegers> };
}

export async function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Promise<OnnxImport> {
  const fileName = options.fileName ?? 'the .onnx file';
  const { external = new Map() } = options;
  const beside = [...external.values()].reduce((sum, { length }) => sum + length, 0);
  const model = readModel(new ProtoFile(bytes, fileName, PbfReader, beside), external);
  return inFile(fileName, () => {
    const heads = options.outputs ? undefined : headsOf(model, neededNodes(model, model.outputs));
    const outputs = heads ? [heads.codes, heads.scores] : options.outputs;
    const { tensors, rounding, marks, integers, scalings, ...translated } = translate(
      model,
      outputs,
      options.resolution,
    );
    const name = fileName.replace(/^.*[\\/]/, '').replace(/\.onnx$/i, '');
    const unknown: Network = { name, ...translated, conventions: { source: 'other', output: 'features' } };
    const shapes = inferShapes(unknown);
    const results = translated.outputs.map((name) => ({ name, shape: shapes.get(name)! }));
    const plain = { ...unknown, conventions: conventionsByHead(translated.nodes, results) };
    const implied = withImpliedInput(model, plain, marks, scalings);
    const network = heads
      ? asDetector(model, heads, implied)
      : { ...implied, conventions: conventionsIn(model, implied) ?? implied.conventions };
    const found = typed(network, marks) ?? (rounding && `${rounding} rounds, and no layer counts in integers`);
    if (typeof found === 'object') return ofIntegers(network, found, tensors, integers);
    const conventions = { ...network.conventions, ...(found && { inRealNumbers: found }) };
    return { network: withWeights({ ...network, conventions }, network.weights), tensors, rounding };
  });
}

/** The network of real numbers that the integers stand for, and the integers. */
function ofIntegers(
  { name, conventions: { detection, ...conventions } }: Network,
  { names, ...parts }: Typed,
  tensors: OnnxImport['tensors'],
  fileTypes: ReadonlyMap<string, string>,
): OnnxImport {
  const codes = detection && { codes: names.get(detection.codes)!, scores: names.get(detection.scores)! };
  const quantized: QuantizedNetwork = {
    name,
    ...parts,
    conventions: { ...conventions, ...(detection && { detection: { ...detection, ...codes } }) },
  };
  const { network, names: real } = realNumbers(withQuantizedWeights(quantized, quantized.weights));
  const placed = [...tensors].map(([own, tensor]) => [own, { ...tensor, node: names.get(tensor.node)! }] as const);
  const types = typesByName(parts);
  const integers = placed.flatMap(([own, tensor]) => {
    const [theirs, ours] = [fileTypes.get(own), types.get(tensor.node)!];
    const lower = theirs === 'UINT8' && isQuantizedType(ours) && ours.type === 'int8' ? 128 : 0;
    return theirs ? [[own, { ...tensor, lower }] as const] : [];
  });
  return {
    network: sameIntegers(network, withWeights(network, network.weights)),
    tensors: new Map(placed.map(([own, tensor]) => [own, { ...tensor, node: real.get(tensor.node)! }])),
    rounding: undefined,
    integers: { network: quantized, tensors: new Map(integers) },
  };
}

/** Paths of the files beside an .onnx file that hold numbers of its constants. Throws a FormatError for one that leaves the folder. */
export const onnxCompanions = (bytes: Uint8Array, fileName = 'the .onnx file'): string[] =>
  externalFiles(new ProtoFile(bytes, fileName, PbfReader));

/** The conventions of a network of ours that was written as ONNX; left out where it was cut. */
function conventionsIn({ file, metadata, outputs }: FileModel, network: Network): Conventions | undefined {
  const json = metadata.get(CONVENTIONS_KEY);
  if (json === undefined || network.outputs.some((output) => !outputs.includes(output))) return undefined;
  return statedConventions(json, network, file.name);
}

/** With what the file says of pictures: that it takes bytes, or scales them itself. */
function withImpliedInput(
  { inputs: [{ name, type }] }: FileModel,
  network: Network,
  { grids }: Marks,
  scalings: ReadonlySet<string>,
): Network {
  const range = expressibleRange(grids.get(name) ?? 'float32');
  if (range) return withInput(network, (range.max - range.min) / 255, -range.min);
  return type === 'UINT8' ? withInput(network, 1) : withOwnScaling(network, scalings);
}
