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
import type { Network } from '../network/index.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';
import type { TfliteImport, TfliteOptions } from './tflite/read.js';
import type { WriteOptions } from './write-options.js';

export type { TfliteImport };

/** The network in the bytes of a .tflite file, with the place of each of the file's tensors. */
export async function importTflite(
  bytes: Uint8Array,
  fileName?: string,
  options?: TfliteOptions,
): Promise<TfliteImport> {
  const { importTflite } = await import('./tflite/read.js');
  return importTflite(bytes, fileName, options);
}

/**
 * The network as a .tflite file: a quantised one of integers, with its scales; others of float32, or with kernels of float16. Batch norms are folded where a layer before them can take them in,
 * activations are fused; inputs and outputs keep their names and shapes. The conventions travel in the file's metadata: whole in an entry of ours,
 * the input's range and the labels also in TensorFlow Lite's own, which MediaPipe reads. Throws a NetworkError for a network without its weights, and
 * for a layer that TensorFlow Lite has no operator for.
 */
export async function writeTflite(
  network: Network | QuantizedNetwork,
  options: WriteOptions = {},
): Promise<Uint8Array> {
  const [{ Builder }, { FlatWriter }, { encodeModel }, { modelOf }, { encodeMetadata, labelsFile }, { METADATA_NAME }] =
    await Promise.all([
      import('flatbuffers'),
      import('./tflite/flat-writer.js'),
      import('./tflite/encode.js'),
      import('./tflite/write.js'),
      import('./tflite/metadata.js'),
      import('./tflite/schema.js'),
    ]);
  const model = modelOf(network, options);
  const about = encodeMetadata(new FlatWriter(new Builder()), network);
  const metadata = { ...model.metadata, ...(about && { [METADATA_NAME]: about }) };
  const bytes = encodeModel(new FlatWriter(new Builder()), { ...model, metadata });
  const labels = about && labelsFile(network);
  if (labels === undefined) return bytes;
  const { zipBehind } = await import('./zip.js');
  return zipBehind(bytes, labels);
}
