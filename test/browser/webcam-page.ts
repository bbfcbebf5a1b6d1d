/** The script of the page in which webcam.test.ts opens cameras. */
import { devices, webcam } from '../../src/browser/webcam.js';

declare global {
  var cameras: { readonly devices: typeof devices; readonly webcam: typeof webcam };
}

globalThis.cameras = { devices, webcam };
