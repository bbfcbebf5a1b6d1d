/** As `index.ts`, for Node: `modelUrl` may be a path, too. */
import { nodePlatform } from '../load/node.js';
import { mobilenetFor } from './mobilenet.js';

export * from './index.js';
export const mobilenet = mobilenetFor(() => nodePlatform);
