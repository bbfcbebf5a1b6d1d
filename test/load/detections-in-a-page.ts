/** The script of the page in which memory.test.ts detects ten thousand times. */
import { load } from '../../src/index.js';

declare global {
  var detector: { load: typeof load };
}

globalThis.detector = { load };
