/**
 * onnxruntime, the runtime that most .onnx files are made for. It is large, and no dependency of the library's: it is taken from
 * bench/peers, where it is installed (`npm ci` in that folder).
 */
import { fileURLToPath } from 'node:url';
import { loadOnnxruntime, runOnnxruntime as run } from '../../src/oracle/peers/onnxruntime.js';
import { Packages } from '../../src/oracle/peers/packages.js';
import type { Tensor } from '../../src/tensor.js';

const packages = new Packages(fileURLToPath(new URL('../../bench/peers/', import.meta.url)));

export const noOnnxruntime = !packages.has('onnxruntime-node');

/** The model's outputs by name, in the shapes that it gives them. */
export async function runOnnxruntime(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<Map<string, Tensor>> {
  const { module } = await loadOnnxruntime(packages);
  return run(module, bytes, new Map(Object.entries(inputs)));
}
