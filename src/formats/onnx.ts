/**
 * ONNX files (.onnx): float32 and float16, the operators of this family of networks.
 *
 * ONNX's pictures are [batch, channels, height, width]. The network that is read has [batch, height, width, channels] throughout: its
 * kernels are transposed once, here, and so are the axes that operators name (`onnx/layout.ts`). An input or output that is a picture in
 * the file is therefore one of ours; everything else has the file's shape.
 */
import { type Conventions, inferShapes, type Network, type NetworkNode, withWeights } from '../network/index.js';
import { inFile } from './in-file.js';
import type { FileModel } from './onnx/model.js';
import type { OnnxWriteOptions } from './onnx/out-graph.js';
import type { Placed, Translated } from './onnx/translate.js';
import { CONVENTIONS_KEY, statedConventions } from './stated-conventions.js';

export type { OnnxWriteOptions };

export interface OnnxOptions {
  readonly fileName?: string;
  /**
   * Names of the file's tensors at which the network ends, instead of the file's outputs: what comes after them, such as the decoding of
   * boxes, need not be known.
   */
  readonly outputs?: readonly string[];
}

/** A network, and where in it the file's tensors are. */
export interface OnnxImport {
  readonly network: Network;
  /** By the file's names; for comparisons with other runtimes. */
  readonly tensors: ReadonlyMap<string, Placed>;
}

/** The network in the bytes of an .onnx file. Throws a FormatError that names the file, the node, what was found and what was wanted. */
export async function readOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Promise<Network> {
  return (await importOnnx(bytes, options)).network;
}

/** As `readOnnx`, with the place of each of the file's tensors. */
export async function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Promise<OnnxImport> {
  const fileName = options.fileName ?? 'the .onnx file';
  const [{ PbfReader }, { ProtoFile }, { readModel }, { translate }] = await Promise.all([
    import('pbf'),
    import('./onnx/protobuf.js'),
    import('./onnx/model.js'),
    import('./onnx/translate.js'),
  ]);
  const model = readModel(new ProtoFile(bytes, fileName, PbfReader));
  return inFile(fileName, () => {
    const { tensors, ...translated } = translate(model, options.outputs);
    const name = fileName.replace(/^.*[\\/]/, '').replace(/\.onnx$/i, '');
    const implied = { name, ...translated, conventions: conventionsOf(name, translated) };
    const network = { ...implied, conventions: conventionsIn(model, implied) ?? implied.conventions };
    return { network: withWeights(network, translated.weights), tensors };
  });
}

/**
 * The network as an .onnx file of float32, or with kernels of float16: its inputs and outputs in our shapes, or, with `pictures: 'nchw'`, in ONNX's own; the batch left
 * open. The conventions travel in the file's metadata. Throws a NetworkError for a network without its weights.
 */
export async function writeOnnx(network: Network, options: OnnxWriteOptions = {}): Promise<Uint8Array> {
  const [{ PbfWriter }, { encodeModel }, { graphOf }] = await Promise.all([
    import('pbf'),
    import('./onnx/encode.js'),
    import('./onnx/write.js'),
  ]);
  return encodeModel(graphOf(withWeights(network, network.weights), options), PbfWriter);
}

/** The conventions of a network of ours that was written as ONNX; left out where it was cut. */
function conventionsIn({ file, metadata, outputs }: FileModel, network: Network): Conventions | undefined {
  const json = metadata.get(CONVENTIONS_KEY);
  if (json === undefined || network.outputs.some((output) => !outputs.includes(output))) return undefined;
  return statedConventions(json, network, file.name);
}

/** What the last layer says; how pictures become inputs no ONNX file states. */
function conventionsOf(name: string, translated: Omit<Translated, 'tensors'>): Conventions {
  const unknown: Conventions = { source: 'other', output: 'features' };
  const shapes = inferShapes({ name, ...translated, conventions: unknown });
  const [output, ...others] = translated.outputs;
  const [, classes, ...rest] = shapes.get(output)!;
  if (others.length > 0 || rest.length > 0 || classes === undefined) return unknown;
  const labels = (classes === 1000 || classes === 1001) && ({ labelOffset: classes === 1001 ? 1 : 0 } as const);
  return {
    source: 'other',
    output: endsInProbabilities(translated.nodes, output) ? 'probabilities' : 'logits',
    ...labels,
  };
}

function endsInProbabilities(nodes: readonly NetworkNode[], output: string): boolean {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  let node = byName.get(output);
  while (node && ['reshape', 'flatten', 'dropout'].includes(node.kind)) node = byName.get(node.inputs[0]);
  return node?.kind === 'softmax' || node?.kind === 'sigmoid';
}
