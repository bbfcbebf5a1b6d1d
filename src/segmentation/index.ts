/** Semantic segmentation: labels of pixels from maps of scores, and their colours. All pure functions. */
export * from './labels.js';
export * from './overlay.js';
export * from './palette.js';
export * from './segment.js';
