/** Reads .tflite files: see `../tflite.ts`. */
import { ByteBuffer } from 'flatbuffers';
import { FormatError } from '../../errors.js';
import { type Network, withWeights } from '../../network/index.js';
import { hasIntegers, type QuantizedNetwork } from '../../network/quantized-network.js';
import { withQuantizedWeights } from '../../network/quantized-types.js';
import { realNumbers } from '../../network/rewriting/as-real-numbers.js';
import { inFile } from '../in-file.js';
import { REAL_NUMBERS } from '../reader.js';
import { CONVENTIONS_KEY, statedConventions } from '../stated-conventions.js';
import { conventionsOf } from './conventions.js';
import { withoutPostProcess } from './detection.js';
import { FlatFile } from './flatbuffer.js';
import { readModel } from './model.js';
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

export async function importTflite(bytes: Uint8Array, fileName = 'the .tflite file'): Promise<TfliteImport> {
  return inFile(fileName, async () => real(await typed(bytes, fileName)));
}

function real({ network, tensors }: QuantizedTfliteImport): TfliteImport {
  const { network: real, names } = realNumbers(network);
  return {
    network: withWeights(real, real.weights),
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

async function typed(bytes: Uint8Array, fileName: string): Promise<QuantizedTfliteImport> {
  const { model, detection } = withoutPostProcess(readModel(new FlatFile(new ByteBuffer(bytes), fileName)));
  const { tensors, ...translated } = translate(model);
  const [codes, scores] = translated.outputs;
  const network: QuantizedNetwork = {
    name: networkName(fileName),
    ...translated,
    conventions: { source: 'tflite', output: 'features' },
  };
  const real = realNumbers({ ...network, weights: new Map() }).network;
  const implied = {
    ...conventionsOf(model, real),
    ...(detection && { detection: { codes, scores, ...detection } }),
  };
  const stated = model.metadata(CONVENTIONS_KEY);
  const conventions = stated
    ? statedConventions(new TextDecoder().decode(stated), { ...real, conventions: implied }, fileName)
    : implied;
  return { network: { ...network, conventions }, tensors };
}

/** 'models/mobilenet_v1.tflite' is the network 'mobilenet_v1'. */
function networkName(fileName: string): string {
  return fileName.replace(/^.*[\\/]/, '').replace(/\.tflite$/i, '');
}
