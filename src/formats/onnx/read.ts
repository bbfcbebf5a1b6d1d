/** Reads .onnx files: see `../onnx.ts`. */
import { PbfReader } from 'pbf';
import { assumedLabelOffset } from '../../network/conventions.js';
import { endsInProbabilities } from '../../network/heads.js';
import { type Conventions, inferShapes, type Network, withWeights } from '../../network/index.js';
import type { Pair } from '../../padding.js';
import { inFile } from '../in-file.js';
import { CONVENTIONS_KEY, statedConventions } from '../stated-conventions.js';
import { asDetector } from './detector.js';
import { headsOf } from './detector-heads.js';
import { externalFiles, type FileModel, readModel } from './model.js';
import { ProtoFile } from './protobuf.js';
import { neededNodes, type Placed, type Translated, translate } from './translate.js';

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

/** A network, and where in it the file's tensors are. */
export interface OnnxImport {
  readonly network: Network;
  /** By the file's names; for comparisons with other runtimes. */
  readonly tensors: ReadonlyMap<string, Placed>;
  /** The first node at which a runtime rounds computed numbers to integers, which are real numbers here; undefined where none does. */
  readonly rounding: string | undefined;
}

export async function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Promise<OnnxImport> {
  const fileName = options.fileName ?? 'the .onnx file';
  const { external = new Map() } = options;
  const beside = [...external.values()].reduce((sum, { length }) => sum + length, 0);
  const model = readModel(new ProtoFile(bytes, fileName, PbfReader, beside), external);
  return inFile(fileName, () => {
    const heads = options.outputs ? undefined : headsOf(model, neededNodes(model, model.outputs));
    const outputs = heads ? [heads.codes, heads.scores] : options.outputs;
    const { tensors, rounding, ...translated } = translate(model, outputs, options.resolution);
    const name = fileName.replace(/^.*[\\/]/, '').replace(/\.onnx$/i, '');
    const implied = { name, ...translated, conventions: conventionsOf(name, translated) };
    const network = heads
      ? asDetector(model, heads, implied)
      : { ...implied, conventions: conventionsIn(model, implied) ?? implied.conventions };
    return { network: withWeights(network, network.weights), tensors, rounding };
  });
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

/** What the last layer says; how pictures become inputs no ONNX file states. */
function conventionsOf(name: string, translated: Omit<Translated, 'tensors' | 'rounding'>): Conventions {
  const unknown: Conventions = { source: 'other', output: 'features' };
  const shapes = inferShapes({ name, ...translated, conventions: unknown });
  const [output, ...others] = translated.outputs;
  const [, classes, ...rest] = shapes.get(output)!;
  if (others.length > 0 || rest.length > 0 || classes === undefined) return unknown;
  return {
    source: 'other',
    output: endsInProbabilities(translated, output) ? 'probabilities' : 'logits',
    ...assumedLabelOffset(classes),
  };
}
