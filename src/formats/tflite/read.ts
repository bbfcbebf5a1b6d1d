/** Reads .tflite files: see `../tflite.ts`. */
import { ByteBuffer } from 'flatbuffers';
import { FormatError } from '../../errors.js';
import { type Network, withWeights } from '../../network/index.js';
import { sameIntegers } from '../../network/integers-of.js';
import { hasIntegers, type QuantizedNetwork } from '../../network/quantized-network.js';
import { withQuantizedWeights } from '../../network/quantized-types.js';
import { realNumbers } from '../../network/rewriting/as-real-numbers.js';
import type { ReadOptions } from '../architecture.js';
import { inFile } from '../in-file.js';
import { REAL_NUMBERS } from '../reader.js';
import { assumedSsd } from '../ssd-heads.js';
import { CONVENTIONS_KEY, statedConventions } from '../stated-conventions.js';
import { conventionsOf } from './conventions.js';
import { withoutPostProcess } from './detection.js';
import { FlatFile } from './flatbuffer.js';
import { type FileModel, readModel } from './model.js';
import { type PlacedTensor, translate } from './translate.js';

/** A network, and where in it the file's tensors are: for comparisons with other runtimes. */
export interface TfliteImport {
  readonly network: Network;
  readonly tensors: readonly PlacedTensor[];
}

export interface QuantizedTfliteImport {
  readonly network: QuantizedNetwork;
  readonly tensors: readonly PlacedTensor[];
}

/** What a caller says beside the file. */
export type TfliteOptions = Pick<ReadOptions, 'outputs' | 'resolution'>;

export async function importTflite(
  bytes: Uint8Array,
  fileName = 'the .tflite file',
  options: TfliteOptions = {},
): Promise<TfliteImport> {
  return inFile(fileName, async () => real(await typed(bytes, fileName, options)));
}

function real({ network, tensors }: QuantizedTfliteImport): TfliteImport {
  const { network: real, names } = realNumbers(network);
  return {
    network: sameIntegers(real, withWeights(real, real.weights)),
    tensors: tensors.map((tensor) => ({ ...tensor, node: names.get(tensor.node)! })),
  };
}

/** The network with the integers that the file holds; of real numbers where it holds none. */
export async function readTyped(bytes: Uint8Array, fileName: string): Promise<Network | QuantizedNetwork> {
  return inFile(fileName, async () => {
    const found = await typed(bytes, fileName);
    return hasIntegers(found.network) ? checked(found.network) : real(found).network;
  });
}

/** As `importTflite`, with the integers that the file holds. Throws a FormatError for a file of real numbers. */
export async function importQuantizedTflite(
  bytes: Uint8Array,
  fileName = 'the .tflite file',
): Promise<QuantizedTfliteImport> {
  return inFile(fileName, async () => {
    const { network, tensors } = await typed(bytes, fileName);
    if (!hasIntegers(network)) throw new FormatError(`${fileName}: ${REAL_NUMBERS}`);
    return { network: checked(network), tensors };
  });
}

const checked = (network: QuantizedNetwork): QuantizedNetwork => withQuantizedWeights(network, network.weights);

async function typed(
  bytes: Uint8Array,
  fileName: string,
  { outputs, resolution }: TfliteOptions = {},
): Promise<QuantizedTfliteImport> {
  const whole = readModel(new FlatFile(new ByteBuffer(bytes), fileName));
  const part = endingAt(whole, outputs);
  const { model, detection } = part ? { model: part } : withoutPostProcess(whole);
  const { tensors, ...translated } = translate(model, resolution);
  const [codes, scores] = translated.outputs;
  const network: QuantizedNetwork = {
    name: networkName(fileName),
    ...translated,
    conventions: { source: 'tflite', output: 'features' },
  };
  const real = realNumbers({ ...network, weights: new Map() }).network;
  const implied = {
    ...(await conventionsOf(model, real)),
    ...(detection && { detection: { codes, scores, ...detection } }),
  };
  const stated = part ? undefined : model.metadata(CONVENTIONS_KEY);
  const conventions = stated
    ? statedConventions(new TextDecoder().decode(stated), { ...real, conventions: implied }, fileName)
    : { ...implied, ...(!detection && assumedSsd({ ...real, conventions: implied })) };
  return { network: { ...network, conventions }, tensors };
}

/**
 * The model that ends at these tensors, without the operators that they do not need; undefined where it ends there already, and where a name is none of
 * a tensor's but perhaps of a layer's, for which the whole is read.
 */
function endingAt(model: FileModel, names: readonly string[] = []): FileModel | undefined {
  const tensors = [...model.inputs, ...model.operators.flatMap((op) => op.outputs)];
  const outputs = names.flatMap((wanted) => tensors.find(({ name }) => name === wanted) ?? []);
  const isThere = outputs.every((output) => model.outputs.includes(output)) && outputs.length === model.outputs.length;
  if (isThere || outputs.length === 0 || outputs.length !== names.length) return undefined;
  const needed = new Set(outputs.map(({ index }) => index));
  const kept = [...model.operators].reverse().filter((op) => {
    if (!op.outputs.some(({ index }) => needed.has(index))) return false;
    for (const input of op.inputs) if (input) needed.add(input.index);
    return true;
  });
  return { ...model, outputs, operators: kept.reverse() };
}

/** 'models/mobilenet_v1.tflite' is the network 'mobilenet_v1'. */
function networkName(fileName: string): string {
  return fileName.replace(/^.*[\\/]/, '').replace(/\.tflite$/i, '');
}
