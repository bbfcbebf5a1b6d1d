/** Reads .tflite files: see `../tflite.ts`. */
import { ByteBuffer } from 'flatbuffers';
import { type Network, withWeights } from '../../network/index.js';
import { inFile } from '../in-file.js';
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

export async function importTflite(bytes: Uint8Array, fileName = 'the .tflite file'): Promise<TfliteImport> {
  const { model, detection } = withoutPostProcess(readModel(new FlatFile(new ByteBuffer(bytes), fileName)));
  const { tensors, ...translated } = translate(model);
  const [codes, scores] = translated.outputs;
  const implied = {
    name: networkName(fileName),
    ...translated,
    conventions: {
      ...conventionsOf(model, translated),
      ...(detection && { detection: { codes, scores, ...detection } }),
    },
  };
  const stated = model.metadata(CONVENTIONS_KEY);
  return inFile(fileName, () => {
    const conventions = stated && statedConventions(new TextDecoder().decode(stated), implied, fileName);
    const network = withWeights({ ...implied, ...(conventions && { conventions }) }, translated.weights);
    return { network, tensors };
  });
}

/** 'models/mobilenet_v1.tflite' is the network 'mobilenet_v1'. */
function networkName(fileName: string): string {
  return fileName.replace(/^.*[\\/]/, '').replace(/\.tflite$/i, '');
}
