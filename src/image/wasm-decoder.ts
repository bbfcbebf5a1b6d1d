/**
 * The decoders of JPEG, PNG and WebP are the standard ones, mozjpeg, Rust's png and libwebp, as WebAssembly (jSquash). They write RGBA
 * into memory of their own. An instance is kept for the next picture, since making one takes about a millisecond. It is dropped after an
 * error, because its state is then unknown, and after a large picture, because the memory of WebAssembly grows and never shrinks.
 */
import type { Picture } from './picture.js';

/** Pixels in rows from the top, four bytes each. */
export interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export interface WasmDecoder {
  readonly memory: WebAssembly.Memory;
  /** Throws where the bytes cannot be decoded; the message says why, if the decoder does. The pixels may lie in the memory, until the next call. */
  decode(bytes: Uint8Array): Rgba;
}

/** An instance with more memory than this is not kept: 64 MiB, which pictures of some ten megapixels take. */
export const KEPT_BYTES = 64 * 2 ** 20;

/** Decodes with an instance that `make` makes, or with the one that the last call left. Alpha stays only where the file can say something with it. */
export function decodingWith(
  make: () => Promise<WasmDecoder>,
): (bytes: Uint8Array, hasAlpha: boolean) => Promise<Picture> {
  let idle: WasmDecoder | undefined;
  return async (bytes, hasAlpha) => {
    const decoder = idle ?? (await make());
    idle = undefined;
    const { width, height, data } = decoder.decode(bytes);
    const rgba = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const channels = hasAlpha ? 4 : 3;
    const pixels = hasAlpha ? rgba : withoutAlpha(rgba);
    // A large picture stays where it is, in a memory that nothing else uses any more.
    if (decoder.memory.buffer.byteLength > KEPT_BYTES) return { width, height, channels, data: pixels };
    idle = decoder;
    return { width, height, channels, data: pixels.slice() };
  };
}

/** The compiled module in a base64 text of src/image/generated. */
export function moduleOf(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(Buffer.from(base64, 'base64'));
}

/** RGB, in the same bytes. */
function withoutAlpha(pixels: Uint8Array): Uint8Array {
  let to = 0;
  for (let from = 0; from < pixels.length; from += 4) {
    pixels[to++] = pixels[from];
    pixels[to++] = pixels[from + 1];
    pixels[to++] = pixels[from + 2];
  }
  return pixels.subarray(0, to);
}
