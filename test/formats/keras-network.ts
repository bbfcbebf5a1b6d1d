import { importKerasConfig } from '../../src/formats/keras/config.js';
import { allowance } from '../../src/formats/steps.js';
import type { Network } from '../../src/network/index.js';
import type { Pair } from '../../src/padding.js';

/** Bytes of weights that a description without a file may ask for: enough to copy 4,096 channels. */
export const MOST_MADE = 2 ** 26;

/** The network that a configuration of this version of Keras describes, without the weights of its file. */
export const networkFromKerasConfig = (config: unknown, resolution?: Pair, keras?: string): Network =>
  importKerasConfig(config, resolution, keras, allowance(MOST_MADE)).network;
