/**
 * PNG, by Rust's png: every colour type, depth and interlacing; 16 bits are cut to 8, and of an animation the still picture is taken.
 * A file is 8 bytes and then chunks: length, type, data, checksum (PNG, third edition, 5.3).
 *
 * jSquash's `decode` holds the picture twice, as the file says it and as RGBA: 7 bytes for a pixel of three colours. Rust's png could give rows,
 * which the module does not export; fast-png holds the inflated file beside the result too.
 */
import { type Orientation, orientationOf } from './exif.js';
import type { PictureFile } from './picture-file.js';
import { decodingWith, moduleOf, type Rgba, type WasmDecoder } from './wasm-decoder.js';

const PALETTE = 3;
const GREY_ALPHA = 4;
const RGB_ALPHA = 6;
/** Numbers of a pixel, by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

export function openPng(bytes: Uint8Array): PictureFile {
  if (bytes.length < 33 || typeAt(bytes, 12) !== 'IHDR') throw new Error('its header is not complete');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hasAlpha = [GREY_ALPHA, RGB_ALPHA].includes(bytes[25]);
  let orientation: Orientation = 1;
  for (let at = 8; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = typeAt(bytes, at + 4);
    if (type === 'IEND') break;
    if (type === 'tRNS') hasAlpha = true; // of a palette's colours, or one colour that is transparent
    if (type === 'eXIf') orientation = orientationOf(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
    if (at > bytes.length) throw new Error(`it ends inside its chunk ${JSON.stringify(type)}`);
  }
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    orientation,
    // As the file says it, and RGBA. A palette is looked up in between.
    bytesPerPixel: 4 + (bytes[25] === PALETTE ? 4 : ((SAMPLES[bytes[25]] ?? 4) * bytes[24]) / 8),
    decode: () => decode(bytes, hasAlpha),
  };
}

function typeAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

const decode = decodingWith(async () => {
  const { WASM } = await import('./generated/png.js');
  return pngDecoder(moduleOf(WASM));
});

/** The file of a picture of RGBA, 8 bits. */
export async function encodePng({ width, height, data }: Rgba): Promise<Uint8Array> {
  const { WASM } = await import('./generated/png.js');
  const { exports } = instantiate(moduleOf(WASM));
  const result = exports.__wbindgen_add_to_stack_pointer(-16); // where encode() writes address and length of the file
  exports.encode(result, copied(exports, data), data.length, width, height, 8);
  const [at, length] = new Uint32Array(exports.memory.buffer, result, 2);
  return new Uint8Array(exports.memory.buffer, at, length).slice();
}

interface PngExports {
  readonly memory: WebAssembly.Memory;
  /** Takes the bytes over and calls `new ImageData` with the result. */
  decode(bytes: number, length: number): number;
  encode(result: number, bytes: number, length: number, width: number, height: number, bits: number): void;
  __wbindgen_malloc(length: number, alignment: number): number;
  __wbindgen_free(bytes: number, length: number, alignment: number): void;
  __wbindgen_add_to_stack_pointer(bytes: number): number;
}

function pngDecoder(module: WebAssembly.Module): WasmDecoder {
  const { exports, results } = instantiate(module);
  return {
    memory: exports.memory,
    decode(bytes) {
      for (const { data } of results.splice(0)) exports.__wbindgen_free(data.byteOffset, data.length, 1);
      try {
        exports.decode(copied(exports, bytes), bytes.length);
      } catch (cause) {
        throw new Error('its compressed data is not complete, or not as its header says', { cause });
      }
      return results[0];
    },
  };
}

/** An instance, by wasm-bindgen's conventions, and its results, which lie in its memory until they are freed. jSquash's own loader keeps one for ever, also after a panic. */
function instantiate(module: WebAssembly.Module): { exports: PngExports; results: Rgba[] } {
  const results: Rgba[] = [];
  const newImageData = (at: number, length: number, width: number, height: number): number => {
    const data = new Uint8ClampedArray(exports.memory.buffer, at >>> 0, length >>> 0);
    results.push({ width: width >>> 0, height: height >>> 0, data });
    return 0; // the handle of the ImageData, which decode() returns
  };
  const imports = WebAssembly.Module.imports(module).map(({ name }) => {
    const panic = () => {
      throw new Error(name);
    };
    return [name, name.startsWith('__wbg_newwithownedu8clampedarray') ? newImageData : panic] as const;
  });
  const instance = new WebAssembly.Instance(module, { wbg: Object.fromEntries(imports) });
  const exports = instance.exports as unknown as PngExports;
  return { exports, results };
}

/** Where the bytes lie in the instance's memory, which decode() and encode() free. */
function copied({ memory, __wbindgen_malloc }: PngExports, bytes: ArrayLike<number>): number {
  const at = __wbindgen_malloc(bytes.length, 1) >>> 0;
  new Uint8Array(memory.buffer).set(bytes, at);
  return at;
}
