/** From a picture to the objects in it. */
import type { Picture } from '../image/picture.js';
import type { Network } from '../network/index.js';
import { checkCall, inputTensor, preprocessingFor, type TaskOptions } from '../tasks/execute.js';
import { runKernels } from '../tasks/plans.js';
import { type BoxOptions, type Detection, detections } from './detections.js';

export interface DetectOptions extends BoxOptions, TaskOptions {}

/** The objects in a picture, the surest first; for several pictures a list for each. Pictures run one by one. */
export async function detect(network: Network, picture: Picture, options?: DetectOptions): Promise<Detection[]>;
export async function detect(
  network: Network,
  pictures: readonly Picture[],
  options?: DetectOptions,
): Promise<Detection[][]>;
export async function detect(
  network: Network,
  pictures: Picture | readonly Picture[],
  options: DetectOptions = {},
): Promise<Detection[] | Detection[][]> {
  checkCall('detect', network, pictures, options.run);
  const ask = async (picture: Picture) => {
    const outputs = await (options.run ?? runKernels)(network, inputTensor(network, picture, options));
    const seen = { picture, preprocessing: preprocessingFor(network, options), options };
    return detections(network, outputs, seen, options);
  };
  if ('data' in pictures) return ask(pictures);
  const lists: Detection[][] = [];
  for (const picture of pictures) lists.push(await ask(picture));
  return lists;
}
