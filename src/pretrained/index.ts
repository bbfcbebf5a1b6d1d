/** Trained networks by name, in pages: fetched once, kept in the browser's Cache API. `index.node.ts` keeps them in a folder. */
export { type Release, type RemoteFile, releases } from './releases.js';
export { loadPretrained, type PretrainedOptions } from './web.js';
