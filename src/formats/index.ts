/**
 * Files in and out: bytes to networks and tensors, and back. Everything here also runs in a page; `files.ts` is for Node. What only HDF5, .onnx,
 * .tflite or TensorFlow.js files need is loaded with the first of them.
 */
export type { ReadOptions } from './architecture.js';
export type { OnnxWriteOptions } from './onnx/onnx-graph.js';
export type { OnnxImport, OnnxOptions } from './onnx/read.js';
export {
  type FileBytes,
  type NetworkFormat,
  readNetwork,
  readQuantizedNetwork,
  readTensors,
  writeNetwork,
} from './read.js';
export type { Reader } from './reader.js';
export type { TypeChoice, WrittenType } from './tensors/numbers.js';
export type { TfjsImport } from './tfjs/graph.js';
export type { FilesBeside, TfjsFiles } from './tfjs/read.js';
export { writeTfjs } from './tfjs.js';
export type { TfliteImport } from './tflite/read.js';
export type { WriteOptions } from './write-options.js';
export { type TensorFormat, writeTensors } from './write-tensors.js';
