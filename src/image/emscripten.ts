/** An instance of a decoder that Emscripten compiled: jSquash's JPEG and WebP. */
import { KEPT_BYTES, type WasmDecoder } from './wasm-decoder.js';

/** What Emscripten's loader returns, as far as it is used here. */
interface EmscriptenModule {
  /** null where the decoder fails and says no more. */
  decode(bytes: Uint8Array, ...options: readonly unknown[]): PlainImageData | null;
}

export type EmscriptenFactory = (options: object) => Promise<EmscriptenModule>;

interface Calling {
  /** What decode() takes after the bytes. */
  readonly options?: readonly unknown[];
  /** Which lines on the decoder's stderr are no error. Any other line is one. */
  readonly accepts?: (line: string) => boolean;
}

export async function emscriptenDecoder(
  create: EmscriptenFactory,
  module: WebAssembly.Module,
  { options = [], accepts = () => false }: Calling = {},
): Promise<WasmDecoder> {
  const complaints: string[] = [];
  let memory: WebAssembly.Memory | undefined;
  const loading = {
    noInitialRun: true,
    printErr: (line: string) => complaints.push(line),
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory);
      done(instance);
      return instance.exports;
    },
  };
  const decoder = await withStandIns(() => create(loading));

  return {
    memory: memory!,
    decode(bytes) {
      complaints.length = 0;
      try {
        const image = withStandIns(() => decoder.decode(bytes, ...options));
        if (image !== null && complaints.every(accepts)) return { ...image, data: image.pixels.restore() };
      } catch (cause) {
        throw new Error(complaints.join(', ') || (cause as Error).message, { cause });
      }
      throw new Error(complaints.join(', '));
    },
  };
}

/**
 * The decoders make their result with the page's ImageData, which Node lacks, and copy it with Uint8ClampedArray, which takes as much memory
 * again. Both are replaced for as long as they run, which is no wait.
 */
function withStandIns<T>(work: () => T): T {
  const names = Object.keys(STAND_INS);
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  for (const [name, value] of Object.entries(STAND_INS)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  try {
    return work();
  } finally {
    names.forEach((name, i) => {
      if (before[i]) Object.defineProperty(globalThis, name, before[i]);
      else Reflect.deleteProperty(globalThis, name);
    });
  }
}

/** Bytes at both ends of its memory that an allocator writes its lists to when a buffer is freed. */
const ENDS = 64;

/** A decoder's result: a copy, or for a large picture the decoder's own buffer, which is freed after this but not used again. */
class Pixels {
  readonly data: Uint8Array;
  readonly #ends: Uint8Array[];

  constructor(buffer: Uint8Array) {
    const isLarge = buffer.length > KEPT_BYTES;
    this.data = isLarge ? buffer : buffer.slice();
    this.#ends = isLarge ? [buffer.slice(0, ENDS), buffer.slice(-ENDS)] : [];
  }

  /** To be called once the decoder has returned. */
  restore(): Uint8Array {
    this.#ends.forEach((bytes, i) => {
      this.data.set(bytes, i * (this.data.length - ENDS));
    });
    return this.data;
  }
}

class PlainImageData {
  readonly pixels: Pixels;
  readonly width: number;
  readonly height: number;

  constructor(pixels: Pixels, width: number, height: number) {
    this.pixels = pixels;
    this.width = width;
    this.height = height;
  }
}

const STAND_INS = { ImageData: PlainImageData, Uint8ClampedArray: Pixels };
