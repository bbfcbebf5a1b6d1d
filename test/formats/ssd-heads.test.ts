/** Detectors whose files tell no anchors: which of two outputs are boxes and which are scores. */
import { expect, test } from 'vitest';
import { assumedSsd } from '../../src/formats/ssd-heads.js';
import { NetworkBuilder } from '../../src/network/index.js';

/** Anchors of the usual six maps of 300 × 300 pixels: 19² · 3 + (10² + 5² + 3² + 2² + 1²) · 6 (Liu et al. 2016, table of SSD MobileNet's configuration). */
const ANCHORS = 19 ** 2 * 3 + (10 ** 2 + 5 ** 2 + 3 ** 2 + 2 ** 2 + 1) * 6;

/** A picture to an output [1, 1917, size] for each size, in this order. */
function detector(sizes: readonly number[]) {
  const net = new NetworkBuilder();
  const pooled = net.add('pooled', 'globalAveragePool', net.input('picture', [1, 300, 300, 3]));
  const outputs = sizes.map((size) => {
    const flat = net.add(`flat${size}`, 'dense', pooled, { units: ANCHORS * size });
    return net.add(`of ${size}`, 'reshape', flat, { shape: [ANCHORS, size] });
  });
  return net.build('detector', outputs, { source: 'other', output: 'features' });
}

test.each([
  ['boxes first', [4, 91]],
  ['scores first', [91, 4]],
  ['fewer classes than a box has numbers', [4, 2]],
  ['they first', [3, 4]],
])('%s', (_, sizes) => {
  const slots = sizes.find((size) => size !== 4);
  expect(assumedSsd(detector(sizes)).detection).toMatchObject({
    codes: 'of 4',
    scores: `of ${slots}`,
    background: 'slot 0',
    scoresAre: 'logits',
  });
});

test('no boxes, one output, or another number of rows: nothing is assumed', () => {
  expect(assumedSsd(detector([5, 6]))).toEqual({});
  expect(assumedSsd(detector([4]))).toEqual({});
});
