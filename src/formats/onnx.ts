/**
 * ONNX files (.onnx): float32 and float16, the operators of this family of networks.
 *
 * ONNX's pictures are [batch, channels, height, width]. The network that is read has [batch, height, width, channels] throughout: its
 * kernels are transposed once, here, and so are the axes that operators name (`onnx/layout.ts`). An input or output that is a picture in
 * the file is therefore one of ours; everything else has the file's shape.
 */
import type { Network } from '../network/index.js';
import type { QuantizedNetwork } from '../network/quantized-network.js';
import type { OnnxWriteOptions } from './onnx/onnx-graph.js';
import type { OnnxImport, OnnxOptions } from './onnx/read.js';

export type { OnnxImport, OnnxOptions, OnnxWriteOptions };

/** The network in the bytes of an .onnx file, with the place of each of the file's tensors. */
export async function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Promise<OnnxImport> {
  const { importOnnx } = await import('./onnx/read.js');
  return importOnnx(bytes, options);
}

/**
 * The network as an .onnx file of float32, or with kernels of float16: its inputs and outputs in our shapes, or, with `pictures: 'nchw'`, in ONNX's own; the batch left
 * open. A quantised network has its integers in it, as QuantizeLinear and DequantizeLinear say them (QDQ); its inputs and outputs are real numbers.
 * The conventions travel in the file's metadata. Throws a NetworkError for a network without its weights.
 */
export async function writeOnnx(
  network: Network | QuantizedNetwork,
  options: OnnxWriteOptions = {},
): Promise<Uint8Array> {
  const [{ PbfWriter }, { encodeModel }, { graphOf }] = await Promise.all([
    import('pbf'),
    import('./onnx/encode.js'),
    import('./onnx/write.js'),
  ]);
  return encodeModel(graphOf(network, options), PbfWriter);
}
