/**
 * The script tag's `depthwise`, dist/cdn/depthwise.global.js: all of `depthwise`, cameras and pictures, and the engine's `compile`. `createWorker` is
 * in the module alone, since a script that holds everything would hold everything twice with it.
 */
export { watch } from './browser/watch.js';
export { devices, webcam } from './browser/webcam.js';
export { capabilities, compile } from './engine/index.js';
export * from './image/browser.js';
export * from './index.js';
