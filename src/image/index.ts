/** Pictures: decoding, conversions, the named resize rules, preprocessing. Decoding loads sharp when it is called, and only in Node. */
export * from './decode.js';
export * from './picture.js';
export * from './preprocess.js';
export * from './resize.js';
