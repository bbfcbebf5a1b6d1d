/** An instance of a decoder that Emscripten compiled: jSquash's JPEG and WebP. */
import type { Rgba, WasmDecoder } from './wasm-decoder.js';

/** What Emscripten's loader returns, as far as it is used here. */
interface EmscriptenModule {
  /** null where the decoder fails and says no more. */
  decode(bytes: Uint8Array, ...options: readonly unknown[]): Rgba | null;
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
  const decoder = await withImageData(() => create(loading));

  return {
    memory: memory!,
    decode(bytes) {
      complaints.length = 0;
      try {
        const pixels = withImageData(() => decoder.decode(bytes, ...options));
        if (pixels !== null && complaints.every(accepts)) return pixels;
      } catch (cause) {
        throw new Error(complaints.join(', ') || (cause as Error).message, { cause });
      }
      throw new Error(complaints.join(', '));
    },
  };
}

/** The decoders make their result with the page's ImageData, which Node lacks: it is there for as long as they run, which is no wait. */
function withImageData<T>(work: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'ImageData');
  Object.defineProperty(globalThis, 'ImageData', { value: PlainImageData, configurable: true, writable: true });
  try {
    return work();
  } finally {
    if (before) Object.defineProperty(globalThis, 'ImageData', before);
    else Reflect.deleteProperty(globalThis, 'ImageData');
  }
}

class PlainImageData implements Rgba {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}
