/**
 * LiteRT.js, the runtime that defines what a .tflite file computes, in Node.
 *
 * The package is made for pages: its loader is a script that a page or a worker fetches. Here it is run as a CommonJS module, and the
 * globals of a page that the loading needs exist only while it lasts. Models run through the runtime's own tensor buffers, since the
 * package's Tensor class knows neither int8 nor int64.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import type * as Core from '@litertjs/core';
import { Packages } from './packages.js';

type LiteRt = Core.LiteRt;

type Wasm = LiteRt['liteRtWasm'];
type TensorType = ReturnType<ReturnType<Wasm['loadModel']>['getInputTensorType']>;

/** The numbers of LiteRT's element types that this family's models use. */
const arrayTypes = {
  1: Float32Array,
  2: Int32Array,
  3: Uint8Array,
  4: BigInt64Array,
  9: Int8Array,
} as const;

export type Numbers = Float32Array | Int32Array | Uint8Array | BigInt64Array | Int8Array;

export interface LitertTensor {
  readonly shape: readonly number[];
  readonly data: Numbers;
}

/** The runtime, and the package's name and version. */
export interface Litert {
  readonly runtime: LiteRt;
  readonly title: string;
}

let loaded: Promise<Litert> | undefined;

/** Loads the runtime once for the process: it is one object for all. Throws a UsageError where the package is not installed. */
export function litert(packages = new Packages()): Promise<Litert> {
  loaded ??= loadRuntime(packages);
  return loaded;
}

async function loadRuntime(packages: Packages): Promise<Litert> {
  const { module, title, path } = await packages.load<typeof Core>('@litertjs/core');
  const restore = stubGlobals({
    self: globalThis,
    importScripts: runAsCommonJs,
    navigator: { gpu: { requestAdapter: async () => noGpu } },
    Module: { print: () => {}, printErr },
  });
  try {
    return { runtime: await module.loadLiteRt(join(dirname(path), '..', 'wasm')), title };
  } finally {
    restore();
  }
}

/** An adapter without a device: the runtime then uses the processor, and does not warn about it. */
const noGpu = { limits: {}, features: new Set(), requestDevice: async () => null };

/** Lines of errors that the runtime has printed. What it reports of itself otherwise is left out. */
const complaints: string[] = [];

function printErr(line: string): void {
  if (!/^(INFO|WARNING):/.test(line)) complaints.push(line.replace(/^ERROR: /, ''));
}

/** A model that does not compile is reported, no more; run all the same, it yields what lies in memory. Throws what is printed. */
async function orComplain<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  complaints.length = 0;
  const result = await work();
  if (complaints.length > 0) throw new Error(complaints.join(' '));
  return result;
}

/** Runs a loader script, which sets module.exports, and leaves its factory where the package looks for it. */
function runAsCommonJs(path: string): void {
  const loader = { exports: undefined as unknown };
  const parameters = ['module', 'exports', 'require', '__filename', '__dirname'];
  const script = compileFunction(readFileSync(path, 'utf8'), parameters, { filename: path });
  script(loader, {}, createRequire(path), path, dirname(path));
  (globalThis as Record<string, unknown>).ModuleFactory = loader.exports;
}

function stubGlobals(stubs: Record<string, unknown>): () => void {
  const before = Object.keys(stubs).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  for (const [name, value] of Object.entries(stubs)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete (globalThis as Record<string, unknown>)[name];
    }
  };
}

/** A compiled model. `delete` gives its memory back. */
export interface LitertModel {
  readonly inputShapes: readonly (readonly number[])[];
  /** Runs the model on one array for each input, in the order and in the number types of the file. */
  run(inputs: readonly Numbers[]): Promise<LitertTensor[]>;
  delete(): void;
}

export async function loadLitert(bytes: Uint8Array, packages?: Packages): Promise<LitertModel> {
  const { runtime } = await litert(packages);
  const wasm = runtime.liteRtWasm;
  const environment = runtime.getDefaultEnvironment().liteRtEnvironment;
  const pointer = wasm._malloc(bytes.length);
  wasm.HEAPU8.set(bytes, pointer);
  const model = wasm.loadModel(environment, pointer, bytes.length);
  const compiled = await orComplain(() => wasm.compileModel(environment, model, { accelerator: 'wasm' }));
  const inputCount = model.getSignature(0).inputNames().size();
  const inputTypes = Array.from({ length: inputCount }, (_, index) => model.getInputTensorType(0, index));

  return {
    inputShapes: inputTypes.map(shapeOf),
    async run(inputs) {
      if (inputs.length !== inputCount)
        throw new Error(`LiteRT: the model has ${inputCount} inputs, given ${inputs.length}`);
      const buffers = inputs.map((input, index) => toBuffer(input, inputTypes[index]));
      const outputs = await orComplain(() => compiled.run(0, buffers));
      const tensors = outputs.map((output) => fromBuffer(output));
      for (const buffer of [...buffers, ...outputs]) buffer.delete();
      return tensors;
    },
    delete() {
      for (const type of inputTypes) type.delete();
      compiled.delete();
      model.delete();
      wasm._free(pointer);
    },
  };

  function toBuffer(input: Numbers, type: TensorType) {
    const Type = arrayTypeOf(type);
    if (!(input instanceof Type) || input.byteLength !== type.bytes()) {
      throw new Error(
        `LiteRT: wanted a ${Type.name} for [${shapeOf(type)}], given ${input.length} of ${input.constructor.name}`,
      );
    }
    const memory = wasm.LiteRtTensorBufferType.HOST_MEMORY;
    const buffer = wasm.LiteRtTensorBuffer.createManaged(environment, memory, type, input.byteLength);
    const at = buffer.lock(wasm.LiteRtTensorBufferLockMode.WRITE);
    wasm.HEAPU8.set(new Uint8Array(input.buffer, input.byteOffset, input.byteLength), at);
    buffer.unlock();
    return buffer;
  }

  function fromBuffer(buffer: ReturnType<Wasm['LiteRtTensorBuffer']['createManaged']>): LitertTensor {
    const type = buffer.tensorType();
    const at = buffer.lock(wasm.LiteRtTensorBufferLockMode.READ);
    const copy = wasm.HEAPU8.slice(at, at + type.bytes());
    buffer.unlock();
    const tensor = { shape: shapeOf(type), data: new (arrayTypeOf(type))(copy.buffer) };
    type.delete();
    return tensor;
  }
}

/** One run of a model on its only input; the runtime is loaded on the first call. */
export async function runLitert(bytes: Uint8Array, input: Numbers): Promise<LitertTensor[]> {
  const model = await loadLitert(bytes);
  try {
    return await model.run([input]);
  } finally {
    model.delete();
  }
}

function arrayTypeOf(type: TensorType) {
  const { value } = type.elementType();
  if (!Object.hasOwn(arrayTypes, value)) throw new Error(`LiteRT: element type ${value} is not known here`);
  return arrayTypes[value as keyof typeof arrayTypes];
}

function shapeOf(type: TensorType): number[] {
  const layout = type.layout();
  const sizes = layout.dimensions();
  const shape = Array.from({ length: sizes.size() }, (_, axis) => sizes.get(axis) as number);
  sizes.delete();
  layout.delete();
  return shape;
}
