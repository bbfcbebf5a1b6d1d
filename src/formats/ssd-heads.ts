/** Detectors whose files end with the raw answers of their heads: Google's SSD is told by the number of its anchors. */
import { SMALLEST_SSD_SIDE, SSD_SCALES, SSD_SUPPRESSION, ssdAnchors } from '../network/anchors.js';
import { endsInProbabilities } from '../network/heads.js';
import { type Conventions, inferShapes, type Network, type Preprocessing } from '../network/index.js';

/**
 * What is to be assumed of a network of one picture and two outputs, codes [1, N, 4] and scores [1, N, slots], where N is the number of SSD's anchors
 * for its input: those anchors, slot 0 for background, and, where no file states it, the whole picture from −1 to 1. Nothing for other networks.
 */
export function assumedSsd(network: Network): Partial<Conventions> {
  const [input, ...others] = network.inputs;
  const [, height, width, channels] = input?.shape ?? [];
  const isPicture = input?.shape.length === 4 && channels === 3 && Math.min(height, width) >= SMALLEST_SSD_SIDE;
  if (!isPicture || others.length > 0 || network.outputs.length !== 2) return {};
  const anchors = Array.from(ssdAnchors([height, width]).data);
  const shapes = inferShapes(network);
  const rows = network.outputs.filter((name) => {
    const shape = shapes.get(name)!;
    return shape.length === 3 && shape[1] === anchors.length / 4;
  });
  const codes = rows.find((name) => shapes.get(name)![2] === 4);
  const scores = rows.find((name) => name !== codes);
  if (codes === undefined || scores === undefined) return {};
  return {
    assumed: ['anchors'],
    preprocessing: network.conventions.preprocessing ?? wholePicture([height, width]),
    detection: {
      ...{ codes, scores, background: 'slot 0', anchors, scales: SSD_SCALES },
      ...(!endsInProbabilities(network, scores) && { scoresAre: 'logits' }),
      suppression: SSD_SUPPRESSION,
    },
  };
}

const wholePicture = (size: readonly [number, number]): Preprocessing => ({
  crop: { kind: 'stretch' },
  resize: 'half-pixel',
  size,
  channels: 'rgb',
  scale: 1 / 127.5,
  mean: [1, 1, 1],
  deviation: [1, 1, 1],
  assumed: ['crop', 'resize', 'scale'],
});
