/** The models of tensorflow/tfjs-models, for programs written for them: so far `mobilenet`. */
import { pagePlatform } from '../load/index.js';
import { mobilenetFor } from './mobilenet.js';

export type { InferredTensor } from './inferred-tensor.js';
export type { IOHandler, LoadMobileNet, ModelConfig } from './mobilenet.js';
export type { ClassProbability, InputRange, MobileNet } from './mobilenet-model.js';
export type { MobileNetInput, PixelTensor } from './pixels.js';

export const mobilenet = mobilenetFor(pagePlatform);
