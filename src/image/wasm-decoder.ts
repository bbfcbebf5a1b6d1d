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
  readonly data: Uint8ClampedArray;
}

export interface WasmDecoder {
  readonly memory: WebAssembly.Memory;
  /** Throws where the bytes cannot be decoded; the message says why, if the decoder does. The pixels may lie in the memory, until the next call. */
  decode(bytes: Uint8Array): Rgba;
}

/** An instance with more memory than this is not kept: 64 MiB, which pictures of some ten megapixels take. */
const KEPT_BYTES = 64 * 2 ** 20;

/** Decodes with an instance that `make` makes, or with the one that the last call left. `hasAlpha`: see `pictureOf`. */
export function decodingWith(
  make: () => Promise<WasmDecoder>,
): (bytes: Uint8Array, hasAlpha: boolean) => Promise<Picture> {
  let idle: WasmDecoder | undefined;
  return async (bytes, hasAlpha) => {
    const decoder = idle ?? (await make());
    idle = undefined;
    const picture = pictureOf(decoder.decode(bytes), hasAlpha);
    if (decoder.memory.buffer.byteLength <= KEPT_BYTES) idle = decoder;
    return picture;
  };
}

/** The compiled module in a base64 text of src/image/generated. */
export function moduleOf(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(Buffer.from(base64, 'base64'));
}

/** A copy. Alpha stays only where the file can say something with it. */
function pictureOf({ width, height, data }: Rgba, hasAlpha: boolean): Picture {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return hasAlpha
    ? { width, height, channels: 4, data: bytes.slice() }
    : { width, height, channels: 3, data: withoutAlpha(bytes) };
}

function withoutAlpha(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
}
