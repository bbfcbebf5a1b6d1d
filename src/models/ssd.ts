/**
 * SSD (arXiv:1512.02325) and SSDLite (§6.2 of arXiv:1801.04381) on MobileNet, as Google's object_detection builds them
 * (ssd_mobilenet_v1_feature_extractor.py, ssd_mobilenet_v2_feature_extractor.py, feature_map_generators.py, convolutional_box_predictor.py).
 *
 * Two maps are read from within the backbone, four more are made behind it. On each of the six one head answers with the codes of boxes and one
 * with the scores of classes, for three anchors a cell on the first map and six on the others. "Lite": the convolutions of extras and heads
 * are depthwise separable.
 */

import { expectFields } from '../checks.js';
import { UsageError } from '../errors.js';
import { SMALLEST_SSD_SIDE, SSD_SCALES, SSD_SHAPES, SSD_SUPPRESSION, ssdAnchors } from '../network/anchors.js';
import { type Network, NetworkBuilder } from '../network/index.js';
import { conventionPresets } from '../network/presets.js';
import type { Pair } from '../padding.js';
import { mobilenetV1 } from './mobilenet-v1.js';
import { mobilenetV2 } from './mobilenet-v2.js';
import { V1_NAMES, V2_NAMES } from './node-names.js';
import { checkChoice, checkOption } from './options.js';
import { UnitBuilder } from './units.js';

interface ExtraRow {
  /** Channels of the map; the 1 × 1 convolution before it has half. */
  readonly c: number;
  readonly s: 2;
}

/** The four maps behind the backbone, each made from the one before. */
export const SSD_EXTRAS: readonly ExtraRow[] = [
  { c: 512, s: 2 },
  { c: 256, s: 2 },
  { c: 256, s: 2 },
  { c: 128, s: 2 },
];

/** `min_depth` of the configurations. */
const LEAST_CHANNELS = 16;

const backbones = ['v1', 'v2'] as const;
const headKinds = ['ssdlite', 'pointwise', 'full'] as const;
const extraKinds = ['depthwise', 'full'] as const;

export interface SsdOptions {
  /** Default 'v2'. */
  readonly backbone?: (typeof backbones)[number];
  /** Width multiplier of the backbone, its last convolution and the extras. Default 1. */
  readonly alpha?: number;
  /** Side of the input in pixels, or [height, width]; 33 or more. Default 320 for SSDLite, otherwise 300. */
  readonly resolution?: number | Pair;
  /** Without background, for which there is one more score. Default 80, COCO's. */
  readonly classes?: number;
  /** 'ssdlite': 3 × 3 depthwise and 1 × 1; 'pointwise': 1 × 1; 'full': 3 × 3. Default 'ssdlite'. */
  readonly heads?: (typeof headKinds)[number];
  /** The convolution of stride 2 in the extras. Default 'depthwise' for SSDLite heads, otherwise 'full'. */
  readonly extras?: (typeof extraKinds)[number];
}

/** 1.0 as '1.0'. */
const multiplier = (alpha: number): string => (Number.isInteger(alpha) ? alpha.toFixed(1) : `${alpha}`);

/**
 * The network, without weights: [1, height, width, 3] → 'codes' [1, N, 4] and 'scores' [1, N, classes + 1], the latter after sigmoid, for
 * N anchors in the order map → row → column → shape. Throws a UsageError for options that make none.
 */
export function ssd(options: SsdOptions = {}): Network {
  const { backbone = 'v2', alpha = 1, classes = 80, heads = 'ssdlite' } = options;
  const lite = heads === 'ssdlite';
  const { extras = lite ? 'depthwise' : 'full', resolution = lite ? 320 : 300 } = options;
  expectFields(UsageError, 'ssd, options', ['backbone', 'alpha', 'resolution', 'classes', 'heads', 'extras'], options);
  checkChoice('ssd', 'backbone', backbones, backbone);
  checkChoice('ssd', 'heads', headKinds, heads);
  checkChoice('ssd', 'extras', extraKinds, extras);
  checkOption('ssd', 'classes', 'a whole number of 1 or more', classes, Number.isInteger(classes) && classes >= 1);
  const size: Pair = typeof resolution === 'number' ? [resolution, resolution] : resolution;
  checkOption(
    'ssd',
    'resolution',
    `${SMALLEST_SSD_SIDE} pixels or more`,
    resolution,
    Array.isArray(size) && size.every((n) => n >= SMALLEST_SSD_SIDE),
  );

  const { network, taps, lastTap } = backboneOf(backbone, alpha, size);
  const net = NetworkBuilder.from(network);
  const units = new UnitBuilder(net, 'slim');
  const once = { stride: 1, dilation: 1 };
  const width = (channels: number) => Math.max(Math.floor(channels * alpha), LEAST_CHANNELS);

  const maps = [...taps];
  SSD_EXTRAS.forEach(({ c, s }, index) => {
    const number = index + taps.length;
    const narrow = `${lastTap}_1_Conv2d_${number}_1x1_${width(c / 2)}`;
    const wide = `${lastTap}_2_Conv2d_${number}_3x3_s2_${width(c)}`;
    const x = units.pointwise(maps[maps.length - 1], unit(narrow), width(c / 2));
    const halve = { stride: s, dilation: 1 };
    maps.push(
      extras === 'full'
        ? units.convolution(x, unit(wide), width(c), halve)
        : units.pointwise(units.depthwise(x, unit(`${wide}_depthwise`), halve), unit(wide), width(c)),
    );
  });

  const codes = concatenated('codes', 'BoxEncodingPredictor', 4);
  const logits = concatenated('logits', 'ClassPredictor', classes + 1);
  const scores = net.add('scores', 'sigmoid', logits);
  const name = `ssd${lite ? 'lite' : ''}_mobilenet_${backbone}_${multiplier(alpha)}_${size[0] === size[1] ? size[0] : size.join('x')}`;
  return net.build(name, [codes, scores], {
    source: 'slim',
    output: 'features',
    preprocessing: { ...conventionPresets.slim(size), crop: { kind: 'stretch' }, resize: 'half-pixel' },
    detection: {
      codes,
      scores,
      background: 'slot 0',
      anchors: Array.from(ssdAnchors(size).data),
      scales: SSD_SCALES,
      suppression: SSD_SUPPRESSION,
    },
  });

  /** One head on each map, its answers as rows [cells · anchors, length], the maps one after the other. */
  function concatenated(result: string, predictor: string, length: number): string {
    const rows = maps.map((map, index) => {
      const scope = `BoxPredictor_${index}/${predictor}`;
      const answer = head(map, scope, SSD_SHAPES[index].length * length);
      return net.add(`${scope}/rows`, 'reshape', answer, { shape: [-1, length] });
    });
    return net.add(result, 'concat', rows, { axis: 1 });
  }

  function head(map: string, name: string, filters: number): string {
    if (heads !== 'full') {
      const x = lite ? units.depthwise(map, unit(`${name}_depthwise`), once) : map;
      return net.add(name, 'pointwiseConv2d', x, { filters, bias: true });
    }
    return net.add(name, 'conv2d', map, { filters, kernelSize: [3, 3], bias: true });
  }
}

const unit = (layer: string) => ({ layer, norm: `${layer}/BatchNorm`, relu6: `${layer}/Relu6` });

/** The taps are maps of stride 16 and 32, after their activation. */
function backboneOf(backbone: 'v1' | 'v2', alpha: number, resolution: Pair) {
  const options = { alpha, resolution, conventions: 'slim', head: 'features' } as const;
  if (backbone === 'v1') {
    const names = V1_NAMES.slim;
    return {
      network: mobilenetV1(options),
      taps: [names.pointwise(11), names.pointwise(13)].map(({ relu6 }) => relu6 as string),
      lastTap: 'Conv2d_13_pointwise',
    };
  }
  const names = V2_NAMES.slim;
  return {
    network: mobilenetV2({ ...options, narrowLast: true }),
    // `layer_15/expansion_output`, before the depthwise convolution of stride 2, and `layer_19`.
    taps: [names.expand(13), names.last].map(({ relu6 }) => relu6 as string),
    lastTap: 'layer_19',
  };
}
