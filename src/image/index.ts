/** Pictures: decoding, conversions, the named resize rules, preprocessing. Decoders are loaded when they are called, and only in Node. */

export { type DecodeOptions, readPicture } from './decode.js';
export {
  type AlphaRule,
  crop,
  mirror,
  type Picture,
  type PictureOptions,
  type Region,
  type Rotation,
  turn,
} from './picture.js';
export { resize } from './resize.js';
export { prepare } from './with-kernels.js';
