/** What stays of the base makes maps of pictures, once for all epochs. */
import type { Network, Preprocessing } from '../../network/index.js';
import { preprocessingFor } from '../../tasks/execute.js';
import type { Tensor } from '../../tensor.js';
import type { WebAbortSignal } from '../../web-types.js';

/** What the front makes of pictures, until a signal comes. */
export interface BaseMaps {
  readonly of: (x: Tensor) => Promise<Float32Array[]>;
  readonly onPicture: (done: number) => void;
  readonly signal: WebAbortSignal | undefined;
}

/** A classifier's own rule would cut objects off. */
export const wholePicture = (front: Network): Preprocessing => ({
  ...preprocessingFor(front, {}),
  crop: { kind: 'stretch' },
});
