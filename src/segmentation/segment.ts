/** From a picture to the class of every pixel. */
import type { Picture } from '../image/picture.js';
import type { Network } from '../network/index.js';
import { checkCall, execute, preprocessingFor, type TaskOptions } from '../tasks/execute.js';
import { type PixelOptions, type Segmentation, segmentation } from './segmentation.js';

export interface SegmentOptions extends PixelOptions, TaskOptions {}

/**
 * The class of each pixel. A network that yields scores [1, h, w, classes] is asked where its scores, resized to the picture, are highest; one that
 * yields labels gives the nearest. The map lies as the picture does, whatever its region and rotation; pixels that the network did not see have
 * label 255.
 */
export async function segment(network: Network, picture: Picture, options: SegmentOptions = {}): Promise<Segmentation> {
  checkCall('segment', network, picture, options.run);
  const seen = { picture, preprocessing: preprocessingFor(network, options), options };
  return segmentation(network, await execute(network, picture, options), seen, options);
}
