/** As `index.ts`, for Node: `load` takes paths, and the names of published networks, too. */
export * from './index.js';
export { clearCache, isCached, load } from './load/node.js';
