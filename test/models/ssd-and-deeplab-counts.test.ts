/** Multiply-adds and parameters of the detectors and segmenters: every row of the table that was computed independently of this code. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deeplabV3, mobilenetV2, ssd } from '../../src/models/index.js';
import { inferShapes, type Network, summarize } from '../../src/network/index.js';
import { dataPath, noData } from '../data.js';

const SSDLITE = 'dw3x3+1x1 heads; dw extras';
const SCALES = [0.5, 0.75, 1, 1.25, 1.5, 1.75];

/** The options that a row's first four cells stand for. */
const detectors: Record<string, Parameters<typeof ssd>[0]> = {
  [`V2 SSDLite,${SSDLITE}`]: { backbone: 'v2', heads: 'ssdlite' },
  [`V1 SSDLite,${SSDLITE}`]: { backbone: 'v1', heads: 'ssdlite' },
  'V1 SSD,1x1 heads; full 3x3 extras': { backbone: 'v1', heads: 'pointwise', extras: 'full' },
  'V1 0.75 SSD,1x1 heads; full 3x3 extras': { backbone: 'v1', alpha: 0.75, heads: 'pointwise', extras: 'full' },
  'V2 SSD,full 3x3 heads; dw extras': { backbone: 'v2', heads: 'full', extras: 'depthwise' },
  'V2 SSD,1x1 heads; full 3x3 extras': { backbone: 'v2', heads: 'pointwise', extras: 'full' },
  'V2 0.75 SSDLite,dw3x3+1x1 heads; last layer 960': { backbone: 'v2', alpha: 0.75, heads: 'ssdlite' },
};
const withoutBackbone: Record<string, Parameters<typeof ssd>[0]> = {
  'V2 SSD extras+heads only,full 3x3 heads and extras': { heads: 'full', extras: 'full' },
  'V2 SSDLite extras+heads only,dw3x3+1x1': { heads: 'ssdlite' },
};
const rates = [6, 12, 18];
const segmenters: Record<string, Parameters<typeof deeplabV3>[0]> = {
  'DeepLabV3 V2* OS16,pool + 1x1': {},
  'DeepLabV3 V2* OS8,pool + 1x1': { outputStride: 8 },
  'DeepLabV3 V2* OS32,pool + 1x1': { outputStride: 32 },
  'DeepLabV3 V2* OS8 multi-scale + flip,pool + 1x1': { outputStride: 8 },
  'DeepLabV3 V2* OS16,pool + 1x1 + 3 full atrous': { aspp: rates },
  'DeepLabV3 V2* OS16,pool + 1x1 + 3 separable atrous': { aspp: rates, separable: true },
  'DeepLabV3 V2* OS8 multi-scale + flip,pool + 1x1 + 3 full atrous': { outputStride: 8, aspp: rates },
  'DeepLabV3 V2 (with 1280) OS16,pool + 1x1 + 3 full atrous': { aspp: rates, lastConvolution: true },
  'DeepLabV3 V2 (with 1280) OS16,pool + 1x1': { lastConvolution: true },
  'DeepLabV3 V1 OS16,pool + 1x1 + 3 full atrous': { backbone: 'v1', aspp: rates },
  'DeepLabV3 V1 OS16,pool + 1x1': { backbone: 'v1' },
  'DeepLabV3 V1 OS8,pool + 1x1 + 3 full atrous': { backbone: 'v1', outputStride: 8, aspp: rates },
  'DeepLabV3 V1 OS8 multi-scale + flip,pool + 1x1 + 3 full atrous': { backbone: 'v1', outputStride: 8, aspp: rates },
  'DeepLabV3 V2* OS16 Cityscapes,pool + 1x1': {},
  'DeepLabV3 V2 0.5 OS8 (unrounded channels),pool + 1x1': { alpha: 0.5, outputStride: 8 },
};

function counts(network: Network) {
  const { multiplyAdds, params } = summarize(network).totals;
  const shapes = inferShapes(network);
  const norms = network.nodes.filter(({ kind }) => kind === 'batchNorm');
  const normed = norms.reduce((sum, { name }) => sum + (shapes.get(name)?.at(-1) ?? 0), 0);
  const { kernels, trainable } = params;
  // Folded, a batch norm's two numbers a channel become one bias.
  return { multiplyAdds, kernels, trainable, folded: trainable - normed };
}

const rows = noData
  ? []
  : readFileSync(dataPath('tables', 'ssd_deeplab_exact_counts.csv'), 'utf8').trim().split(/\r?\n/).slice(1);

/** Compares the cells that the row fills. */
function compare(found: ReturnType<typeof counts>, [multiplyAdds, , kernels, folded, trainable]: string[]): void {
  for (const [name, cell] of Object.entries({ multiplyAdds, kernels, folded, trainable })) {
    if (cell !== '') expect(found[name as keyof typeof found], name).toBe(Number(cell));
  }
}

describe.skipIf(noData)('ssd_deeplab_exact_counts.csv (needs DEPTHWISE_DATA)', () => {
  const split = rows.map((row) => row.split(','));

  test('there are 30 rows', () => expect(split).toHaveLength(30));

  test.each(split)('%s, %s, %s, %s classes', (net, head, input, classes, ...cells) => {
    const key = `${net},${head}`;
    const resolution = input.includes('x') && !input.includes(' ') ? input.split('x').map(Number) : Number(input);
    const given = { resolution: resolution as number, classes: Number.parseInt(classes, 10) };
    if (Object.hasOwn(detectors, key)) {
      compare(counts(ssd({ ...detectors[key], ...given })), cells);
    } else if (Object.hasOwn(withoutBackbone, key)) {
      const whole = counts(ssd({ ...withoutBackbone[key], ...given }));
      const backbone = counts(mobilenetV2({ conventions: 'slim', head: 'features', resolution: given.resolution }));
      expect(whole.multiplyAdds - backbone.multiplyAdds).toBe(Number(cells[0]));
      expect(whole.kernels - backbone.kernels).toBe(Number(cells[2]));
    } else if (input === '6 scales x 2') {
      const at = (scale: number) => counts(deeplabV3({ ...segmenters[key], resolution: Math.trunc(512 * scale + 1) }));
      const total = 2 * SCALES.reduce((sum, scale) => sum + at(scale).multiplyAdds, 0);
      // Rounded to ten millions in the table.
      expect(Math.abs(total - Number(cells[0]))).toBeLessThanOrEqual(5e6);
      compare(at(1), ['', ...cells.slice(1)]);
    } else {
      compare(counts(deeplabV3({ ...segmenters[key], ...given })), cells);
    }
  });
});
