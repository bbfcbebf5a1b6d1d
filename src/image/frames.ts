/**
 * A film's pixels without a canvas. A VideoFrame copies them as RGBA in a third of the time or less (Chromium 156: 0.5 ms in place of 2.5 for
 * 640×480). Browsers may convert colours otherwise for that than for a canvas: Firefox 153 mixes neighbouring colours of NV12 in one
 * and not in the other. So the first frame of each kind is taken in both ways, and only kinds whose bytes are equal are copied.
 */
import { tagOf } from '../found.js';
import { draw } from './canvas.js';
import type { Picture, Region } from './picture.js';
import type { PictureSource } from './sources.js';

/** As much of the platform's VideoFrame as is used. */
interface Frame {
  readonly format: string | null;
  readonly colorSpace: object;
  readonly visibleRect: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly displayWidth: number;
  readonly displayHeight: number;
  /** Browsers that do not turn frames leave both out. */
  readonly rotation?: number;
  readonly flip?: boolean;
  allocationSize(options: object): number;
  copyTo(bytes: Picture['data'], options: object): Promise<unknown>;
  close(): void;
}

/** Pixels that `reuse` may take back. */
export interface Pixels {
  readonly picture: Picture;
  /** Where in the picture the region lies that was asked for. */
  readonly region: Region;
}

/** Without transparency, which a canvas multiplies into the colours and divides out again. */
const OPAQUE = /^(I420|I422|I444|NV12|RGBX|BGRX)$/;

/** Larger buffers are not kept: 16 MB. */
const KEPT_BYTES = 2 ** 24;

/** By kind of frame, whether its copied bytes are those of the canvas. */
const equalByKind = new Map<string, boolean>();

/** The buffer of a picture that is no longer needed. Whoever copies takes it away, so that nobody else writes into it. */
let spare: Picture['data'] | undefined;

/** The region's pixels, by `draw` or with the same bytes. What a video shows is taken before this returns. Throws as `draw` does. */
export async function pixelsOf(source: PictureSource, region: Region): Promise<Pixels> {
  const frame = frameOf(source);
  try {
    const pixels = frame && (await copyOf(frame, region));
    if (pixels) return pixels;
  } finally {
    if (frame !== (source as unknown)) frame?.close();
  }
  return { picture: draw(source, region, region.width, region.height), region: { ...region, left: 0, top: 0 } };
}

/** The picture's bytes may be overwritten from now on. */
export function reuse({ data }: Picture): void {
  if (data.length <= KEPT_BYTES) spare = data;
}

/** What a video shows, without a copy of its pixels; a VideoFrame is its own. undefined where only a canvas can tell what is wrong. */
export function frameOf(source: PictureSource): Frame | undefined {
  const tag = tagOf(source);
  if (tag === 'VideoFrame') return source as unknown as Frame;
  if (tag !== 'HTMLVideoElement') return undefined;
  try {
    return new (globalThis as unknown as { VideoFrame: new (source: PictureSource) => Frame }).VideoFrame(source);
  } catch {
    return undefined; // such as a film of another site, or a browser without frames
  }
}

async function copyOf(frame: Frame, region: Region): Promise<Pixels | undefined> {
  const kind = kindOf(frame);
  if (kind === undefined || equalByKind.get(kind) === false) return undefined;
  const part = evenPart(region, frame.visibleRect);
  const { left, top, width, height } = part;
  const options = { format: 'RGBA', rect: { x: left, y: top, width, height } };
  const size = 4 * width * height;
  try {
    if (frame.allocationSize(options) !== size) return undefined; // of a browser that copies what is stored, whatever format is asked for
    const drawn = equalByKind.has(kind) ? undefined : draw(frame, part, width, height).data;
    const data = spare?.length === size ? spare : new Uint8ClampedArray(size);
    spare = undefined;
    await frame.copyTo(data, options);
    if (drawn) {
      const isEqual = drawn.every((value, at) => value === data[at]);
      if (!isEqual || !isOfOneColour(drawn)) equalByKind.set(kind, isEqual);
      if (!isEqual) data.set(drawn);
    }
    return {
      picture: { width, height, channels: 4, data },
      region: { ...region, left: region.left - left, top: region.top - top },
    };
  } catch {
    return undefined; // a canvas may succeed, or else says why not
  }
}

/** What decides how colours are converted. undefined for frames that a canvas turns, cuts, stretches or blends. */
function kindOf({ format, colorSpace, visibleRect, displayWidth, displayHeight, rotation, flip }: Frame) {
  const { x, y, width, height } = visibleRect;
  const isPlain = !rotation && !flip && x === 0 && y === 0 && width === displayWidth && height === displayHeight;
  if (!isPlain || !OPAQUE.test(format ?? '')) return undefined;
  return JSON.stringify([format, colorSpace, width, height]);
}

/** Begins and ends at even pixels, or at the border, since 2 × 2 pixels share a colour: Chromium shifts colours if it does not. */
function evenPart(region: Region, whole: Frame['visibleRect']): Region {
  const [left, top] = [region.left & ~1, region.top & ~1];
  const right = Math.min((region.left + region.width + 1) & ~1, whole.width);
  const bottom = Math.min((region.top + region.height + 1) & ~1, whole.height);
  return { left, top, width: right - left, height: bottom - top };
}

/** Such as a camera's first, black frames, which show no difference. */
const isOfOneColour = (rgba: Uint8Array | Uint8ClampedArray): boolean =>
  rgba.every((value, at) => value === rgba[at & 3]);
