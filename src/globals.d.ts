/**
 * The platform's types that the package's declarations name, for programs whose tsconfig.json lists neither the DOM nor web workers: the
 * build puts this file beside the declarations. Where the platform is declared these interfaces merge with its own and add nothing; so
 * each has one member, as lib.dom.d.ts has it, that tells it from other things.
 */

interface AbortSignal {
  readonly aborted: boolean;
}
interface Blob {
  readonly size: number;
}
interface URL {
  href: string;
}
interface Request {
  readonly url: string;
}
interface Response {
  readonly status: number;
}
interface RequestInit {
  method?: string;
}
interface Worker {
  terminate(): void;
}
interface MessagePort {
  close(): void;
}
interface MediaStream {
  readonly active: boolean;
}
interface MediaStreamTrack {
  readonly kind: string;
}
interface HTMLImageElement {
  readonly naturalWidth: number;
}
interface HTMLVideoElement {
  readonly videoWidth: number;
}
interface HTMLCanvasElement {
  width: number;
}
interface SVGImageElement {
  readonly href: SVGAnimatedString;
}
interface SVGAnimatedString {
  baseVal: string;
}
interface OffscreenCanvas {
  width: number;
}
interface ImageBitmap {
  readonly width: number;
}
interface ImageData {
  readonly width: number;
}
interface VideoFrame {
  readonly codedWidth: number;
}
interface SymbolConstructor {
  readonly dispose: unique symbol;
}
declare namespace WebAssembly {
  // biome-ignore lint/suspicious/noEmptyInterface: nor has lib.dom.d.ts a member here, and a type would not merge
  interface Module {}
  interface Memory {
    grow(delta: number): number;
  }
}
