/**
 * What browsers can draw, recognised by tag (`instanceof` fails across frames), and what is wrong with it where it cannot be drawn yet.
 * The types are only as much of the platform's as is used, so that they compile where no DOM is declared.
 */
import { PictureError } from '../errors.js';
import { found, tagOf } from '../found.js';

interface ImageLike {
  readonly complete: boolean;
  readonly currentSrc: string;
  readonly naturalWidth: number;
  readonly naturalHeight: number;
}

interface SvgImageLike {
  readonly href: { readonly baseVal: string };
  readonly ownerDocument: object;
  getAttribute(name: string): string | null;
}

/** An <img> of the same document, as far as it is used. */
interface Loading extends ImageLike {
  src: string;
  crossOrigin: string | null;
  decode(): Promise<void>;
}

interface VideoLike {
  readonly readyState: number;
  readonly videoWidth: number;
  readonly videoHeight: number;
  readonly error: { readonly message: string } | null;
}

interface FrameLike {
  readonly displayWidth: number;
  readonly displayHeight: number;
}

/** A canvas, an OffscreenCanvas or an ImageBitmap. */
interface Sized {
  readonly width: number;
  readonly height: number;
}

/** An <img>, SVG <image>, <video>, <canvas>, OffscreenCanvas, ImageBitmap or VideoFrame. */
export type PictureSource = ImageLike | SvgImageLike | VideoLike | FrameLike | Sized;

/** A frame can be drawn from this `readyState` on: HAVE_CURRENT_DATA. */
const HAS_FRAME = 2;

type Size = readonly [width: number, height: number];

/** Size by tag: of the picture itself, not of its box on the page. */
const SIZES: Readonly<Record<string, (source: never) => Size>> = {
  HTMLImageElement: (image: ImageLike) => [image.naturalWidth, image.naturalHeight],
  SVGImageElement: () => [0, 0], // a canvas draws it stretched to its box
  HTMLVideoElement: (video: VideoLike) =>
    video.readyState < HAS_FRAME ? [0, 0] : [video.videoWidth, video.videoHeight],
  VideoFrame: (frame: FrameLike) => [frame.displayWidth, frame.displayHeight],
  HTMLCanvasElement: ({ width, height }: Sized) => [width, height],
  OffscreenCanvas: ({ width, height }: Sized) => [width, height],
  ImageBitmap: ({ width, height }: Sized) => [width, height],
};

export const isSource = (value: unknown): value is PictureSource => Object.hasOwn(SIZES, tagOf(value));

/** [width, height] in the source's own pixels. Throws a PictureError where it has none, with what to do about it. */
export function sizeOfSource(source: PictureSource): Size {
  const tag = tagOf(source);
  if (!isSource(source)) throw new PictureError(`picture: ${wantedSource(source)}`);
  const size = SIZES[tag](source as never);
  if (size[0] > 0 && size[1] > 0) return size;
  throw new PictureError(`picture: ${whyEmpty(tag, source as never)}`);
}

export const isSvgImage = (source: unknown): source is SvgImageLike => tagOf(source) === 'SVGImageElement';

/** The picture of an SVG <image> at its own resolution, whatever its box. Rejects with a PictureError where it cannot be had. */
export async function pictureOfSvgImage(source: SvgImageLike): Promise<PictureSource> {
  const address = source.href.baseVal;
  if (address === '') throw new PictureError('picture: the SVG <image> has no href');
  const image = (source.ownerDocument as { createElement(name: 'img'): Loading }).createElement('img');
  image.crossOrigin = source.getAttribute('crossorigin');
  image.src = address;
  try {
    await image.decode();
  } catch (cause) {
    const what = address.slice(0, 100);
    throw new PictureError(`picture: the SVG <image> is broken: ${what} is not there, or is no picture`, { cause });
  }
  return image;
}

function whyEmpty(tag: string, source: ImageLike & SvgImageLike & VideoLike & Sized): string {
  switch (tag) {
    case 'HTMLImageElement':
      if (source.currentSrc === '' && source.complete) return 'the <img> has no src';
      if (!source.complete) return 'the <img> has not loaded yet; wait for its load event, or await img.decode()';
      return `the <img> is broken: ${source.currentSrc.slice(0, 100)} is not there, is no picture, or is an SVG without width and height`;
    case 'SVGImageElement':
      return 'an SVG <image> is to be loaded at its own resolution first; await grab(image), or give an <img> with its href';
    case 'HTMLVideoElement':
      if (source.error !== null) return `the <video> cannot be played: ${source.error.message}`;
      if (source.readyState >= HAS_FRAME) return 'the <video> has sound but no picture';
      return "the <video> has no frame yet; wait for its 'loadeddata' event";
    case 'VideoFrame':
      return 'the VideoFrame is closed; classify it before frame.close()';
    case 'ImageBitmap':
      return 'the ImageBitmap is closed, or was sent to a worker; make another with createImageBitmap';
    default:
      return `the canvas is empty: ${source.width}×${source.height} pixels`;
  }
}

function wantedSource(value: unknown): string {
  const wanted = 'wanted an <img>, SVG <image>, <video>, <canvas>, OffscreenCanvas, ImageBitmap or VideoFrame, found';
  const tag = tagOf(value);
  if (tag === 'Null') return `${wanted} null; was the element in the document when it was looked for?`;
  if (tag === 'String') return `${wanted} ${found(value)}; document.querySelector finds the element of a selector`;
  if (tag === 'Blob' || tag === 'File') return `${wanted} ${found(value)}; fromBlob reads files`;
  if (tag === 'ImageData') return `${wanted} ${found(value)}; fromImageData takes it`;
  const first = (value as { readonly 0?: unknown } | undefined)?.[0];
  if (isSource(first)) return `${wanted} ${found(value)} that holds ${found(first)}; pass that, list[0]`;
  return `${wanted} ${found(value)}`;
}
