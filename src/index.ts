/**
 * What a page needs: a model's bytes to a network, a picture to an answer. The rest has doors of its own: `depthwise/layers`,
 * `/models`, `/network`, `/formats`, `/image`, `/tasks`. Nothing here touches Node; picture files are decoded by `depthwise/image` in
 * Node and by the platform in a page, whose `ImageData` with `channels: 4` beside it is a `Picture`.
 */
export { type CameraError, type CameraProblem, DepthwiseError, type ErrorCode } from './errors.js';
export { type FileBytes, type ReadOptions, readNetwork, writeNetwork } from './formats/index.js';
export type { Reader } from './formats/reader.js';
export type { AlphaRule, Picture, PictureOptions, Region, Rotation } from './image/picture.js';
export { prepare } from './image/with-kernels.js';
export { clearCache, isCached, load } from './load/index.js';
export type {
  LoadOptions,
  LoadProgress,
  Model,
  ModelClassifyOptions,
  ModelEmbedOptions,
  ModelInput,
  ModelReport,
  ModelRunOptions,
  ModelSource,
} from './load/model.js';
export { mobilenet, mobilenetV1, mobilenetV2 } from './models/index.js';
export {
  type Conventions,
  type Network,
  type Preprocessing,
  type PresetName,
  randomWeights,
  run,
  summarize,
  trace,
  withWeights,
} from './network/index.js';
export {
  type ClassifyOptions,
  classify,
  type EmbedOptions,
  type Executor,
  embed,
  type Prediction,
  type TaskOptions,
} from './tasks/index.js';
export { type FloatArray, type Shape, type Tensor, tensor, zeros } from './tensor.js';
