/**
 * TensorFlow Lite files (.tflite): float32, float16, uint8 and int8.
 *
 * A quantised file is read as real numbers. Its weights become scale · (integer − zero point), its biases integer · input scale ·
 * weight scale, and after each operator a clamp keeps the result in the range that its integers can express,
 *
 *   [(qmin − zero point) · scale, (qmax − zero point) · scale],
 *
 * together with the fused activation. What is not done is the rounding of each result to one of the 256 values in between: the
 * network computes what the integers approximate, so its outputs differ from an integer runtime's by a few steps of the grid.
 */
import { type Network, withWeights } from '../network/index.js';
import { inFile } from './in-file.js';
import { conventionsOf } from './tflite/conventions.js';
import { FlatFile } from './tflite/flatbuffer.js';
import { readModel } from './tflite/model.js';
import { translate } from './tflite/translate.js';

/** The network in the bytes of a .tflite file. Throws a FormatError that names the file, the place, what was found and what was wanted. */
export async function readTflite(bytes: Uint8Array, fileName = 'the .tflite file'): Promise<Network> {
  const { ByteBuffer } = await import('flatbuffers');
  const model = readModel(new FlatFile(new ByteBuffer(bytes), fileName));
  const translated = translate(model);
  const conventions = await conventionsOf(model, translated);
  return inFile(fileName, () =>
    withWeights({ name: networkName(fileName), ...translated, conventions }, translated.weights),
  );
}

/** 'models/mobilenet_v1.tflite' is the network 'mobilenet_v1'. */
function networkName(fileName: string): string {
  return fileName.replace(/^.*[\\/]/, '').replace(/\.tflite$/i, '');
}
