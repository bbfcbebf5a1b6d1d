/** The rule of TensorFlow's bilinear resize, by the two switches that its operators have. */
import type { BilinearRule } from '../layers/resizeBilinear.js';

/** undefined where both are set, which exclude each other. */
export function tensorflowResizeRule(alignCorners: boolean, halfPixelCenters: boolean): BilinearRule | undefined {
  if (alignCorners) return halfPixelCenters ? undefined : 'tf1-align-corners';
  return halfPixelCenters ? 'half-pixel' : 'tf1-legacy';
}
