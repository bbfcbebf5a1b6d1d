/** What a page gets from a CDN as a module, dist/cdn/depthwise.js. See scripts/bundle-cdn.mjs. */
export { createWorker } from './browser/index.js';
export * from './cdn.global.js';
