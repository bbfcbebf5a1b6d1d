/** Training in Node: all that runs in a page, data sets in folders, files, and worker threads. */

export { type PictureFolderOptions, readPictureFolder } from './data/picture-folder.js';
export * from './index.js';
export { train } from './loop/train.node.js';
export { readData } from './named-datasets.js';
