/** The counts of all published α × resolution pairs, and the published tables, cell by cell. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mobilenet, mobilenetV1, mobilenetV2 } from '../../src/models/index.js';
import { parseModelName } from '../../src/models/names.js';
import { type LayerKind, summarize } from '../../src/network/index.js';
import { dataPath, noData } from '../data.js';
import { count } from './golden.js';

/** α, then multiply-adds at each resolution (1000 classes), kernels, trainable, stored. Computed independently of this code. */
const V1_RESOLUTIONS = [224, 192, 160, 128];
const V1: readonly (readonly number[])[] = [
  [1.0, 568_740_352, 418_121_728, 290_675_200, 186_400_768, 4_209_088, 4_231_976, 4_253_864],
  [0.75, 325_400_448, 239_273_472, 166_396_800, 106_770_432, 2_568_144, 2_585_560, 2_601_976],
  [0.5, 149_497_088, 109_970_432, 76_524_800, 49_160_192, 1_319_648, 1_331_592, 1_342_536],
  [0.25, 41_030_272, 30_212_608, 21_059_200, 13_570_048, 463_600, 470_072, 475_544],
];

const V2_RESOLUTIONS = [224, 192, 160, 128, 96];
const V2: readonly (readonly number[])[] = [
  [1.4, 582_195_824, 0, 0, 0, 0, 6_059_840, 6_108_776, 6_156_712],
  [1.3, 509_374_560, 0, 0, 0, 0, 5_341_536, 5_386_792, 5_431_048],
  [1.0, 300_774_272, 221_316_608, 154_083_200, 99_074_048, 56_289_152, 3_469_760, 3_504_872, 3_538_984],
  [0.75, 209_069_792, 153_941_888, 107_295_200, 69_129_728, 39_445_472, 2_608_784, 2_636_424, 2_663_064],
  [0.5, 97_131_840, 71_701_760, 50_184_000, 32_578_560, 18_885_440, 1_949_136, 1_968_680, 1_987_224],
  [0.35, 59_285_808, 43_896_512, 30_874_800, 20_220_672, 11_934_128, 1_662_048, 1_677_128, 1_691_208],
];

/** [architecture, α, resolution, what is to be counted], the cells that were never published (0) left out. */
function pairs(architecture: 'mobilenet_v1' | 'mobilenet_v2', table: typeof V1, resolutions: number[]) {
  return table.flatMap(([alpha, ...cells]) => {
    const [kernels, trainable, stored] = cells.slice(-3);
    return resolutions.flatMap((resolution, column) => {
      const wanted = { multiplyAdds: cells[column], kernels, trainable, stored };
      return cells[column] === 0 ? [] : [[architecture, alpha, resolution, wanted] as const];
    });
  });
}

const published = [...pairs('mobilenet_v1', V1, V1_RESOLUTIONS), ...pairs('mobilenet_v2', V2, V2_RESOLUTIONS)];

describe('exact counts', () => {
  test('there are 38 published pairs', () => expect(published).toHaveLength(38));

  test.each(published)('%s, alpha %d, resolution %d, in all conventions', (architecture, alpha, resolution, wanted) => {
    for (const conventions of ['slim', 'keras', 'torchvision'] as const) {
      expect(count(mobilenet(architecture, { alpha, resolution, conventions, classes: 1000 })), conventions).toEqual(
        wanted,
      );
    }
  });

  test('1001 classes add one column to the classifier', () => {
    expect(count(mobilenetV1({ classes: 1001 }))).toMatchObject({
      multiplyAdds: 568_741_376,
      trainable: 4_233_001,
      stored: 4_254_889,
    });
    expect(count(mobilenetV2({ classes: 1001 }))).toMatchObject({
      multiplyAdds: 300_775_552,
      trainable: 3_506_153,
      stored: 3_540_265,
    });
  });

  test('the reference does not agree with the numbers that are often seen instead', () => {
    const { multiplyAdds } = count(mobilenetV2());
    for (const wrong of [313_619_328, 314_130_496, 327_000_000, 330_000_000, 429_000_000])
      expect(multiplyAdds).not.toBe(wrong);
  });
});

/** Shares of one kind of layer in the multiply-adds and in the kernels and biases of convolutions, in per cent. */
function share(kinds: readonly LayerKind[], only: (name: string) => boolean = () => true) {
  const { layers } = summarize(mobilenetV1());
  const convolutions = layers.filter(({ kernelParams }) => kernelParams > 0);
  const sum = (of: (layer: (typeof layers)[number]) => number, list = convolutions) =>
    list.reduce((s, layer) => s + of(layer), 0);
  const chosen = convolutions.filter(({ kind, name }) => kinds.some((chosen) => chosen === kind) && only(name));
  const part = (of: (layer: (typeof layers)[number]) => number) => (100 * sum(of, chosen)) / sum(of);
  return { multiplyAdds: part((layer) => layer.multiplyAdds), params: part((layer) => layer.kernelParams) };
}

describe('Table 2 of the V1 paper: where its multiply-adds and parameters are', () => {
  const body = (name: string) => name !== 'conv_preds';

  test.each([
    ['Conv 1 × 1', share(['pointwiseConv2d'], body), 94.86, 74.59],
    ['Conv DW 3 × 3', share(['depthwiseConv2d']), 3.06, 1.06],
    ['Fully Connected', share(['pointwiseConv2d'], (name) => !body(name)), 0.18, 24.33],
  ])('%s', (_, { multiplyAdds, params }, publishedAdds, publishedParams) => {
    expect(Math.abs(multiplyAdds - publishedAdds)).toBeLessThanOrEqual(0.005);
    expect(Math.abs(params - publishedParams)).toBeLessThanOrEqual(0.005);
  });

  test('Conv 3 × 3: 1.91 % of the multiply-adds; the printed 1.19 % has its digits swapped', () => {
    const { multiplyAdds, params } = share(['conv2d']);
    expect(multiplyAdds).toBeCloseTo(1.906, 3);
    expect(params).toBeCloseTo(0.02, 2);
  });
});

/** Published cells that no reading of the architecture reproduces; each with what the architecture gives. */
const KNOWN_WRONG: Readonly<Record<string, string>> = {
  'slim README, MobileNet_v1_0.75_224: 317': '325.4, which the V1 paper prints too',
  'slim README, MobileNet_v1_0.75_192: 233': '239.3',
  'slim README, MobileNet_v1_0.75_160: 162': '166.4',
  'slim README, MobileNet_v1_0.75_128: 104': '106.8',
  'slim README, MobileNet_v1_0.25_192: 34': '30.2',
  'V1 paper, T12-faceattr, 0.25 MobileNet-224: 45': '40.8 without a head; the α 1 and 0.5 rows agree',
  'V1 paper, T12-faceattr, 0.25 MobileNet-128: 15': '13.3 without a head',
  'V2 paper, T4-ImageNet, MobileNetV1: 575': '568.7; the V1 paper prints 569',
  'V2 paper, T4-ImageNet, MobileNetV2 (1.4): 585': '582.2, which slim prints too',
  'V2 paper, T4-ImageNet, MobileNetV2 (1.4): 6.9M': '6.06 kernels, 6.11 trainable',
  // Tables 5 of the V2 paper (SSDLite's 0.35 B is twice its 177.6 M multiply-adds) belongs to the detection networks.
};

/** Rows of a published table as records. */
function readTable(name: string): Record<string, string>[] {
  const [head, ...lines] = readFileSync(dataPath('tables', name), 'utf8').trim().split(/\r?\n/);
  const columns = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? '']));
  });
}

const used = new Set<string>();

/** Whether a cell may differ, because it is listed as wrong. */
function knownWrong(cell: string): boolean {
  used.add(cell);
  return Object.hasOwn(KNOWN_WRONG, cell);
}

/** Published millions, rounded down, up or to the nearest, must lie within 1 of the exact count; a listed wrong cell must not. */
function compareMillions(cell: string, exact: number, millions: number): void {
  const agrees = Math.abs(exact / 1e6 - millions) < 1;
  expect(agrees, `${cell}: computed ${exact}`).toBe(!knownWrong(cell));
}

describe.skipIf(noData)('published tables (needs DEPTHWISE_DATA)', () => {
  test('exact_counts.csv', () => {
    const rows = readTable('exact_counts.csv');
    expect(rows.length).toBeGreaterThanOrEqual(76);
    for (const row of rows) {
      const options = { alpha: Number(row.alpha), resolution: Number(row.res), classes: Number(row.classes) };
      const { multiplyAdds, trainable, stored } = count(
        mobilenet(row.arch === 'v1' ? 'mobilenet_v1' : 'mobilenet_v2', options),
      );
      expect([multiplyAdds, trainable, stored], JSON.stringify(options)).toEqual(
        [row.exact_macs, row['trainable_params(conv+2*bn+fc)'], row['total_keras(conv+4*bn+fc)']].map(Number),
      );
    }
  });

  test("slim's README of V1: multiply-adds, and parameters with three of the four numbers of batch norm", () => {
    for (const { model, million_macs, million_params } of readTable('slim_mobilenet_v1.csv')) {
      const { alpha, resolution } = parseModelName(model)!;
      const network = mobilenetV1({ alpha, resolution, conventions: 'slim' } as object);
      const { multiplyAdds, stored } = count(network);
      if (!model.endsWith('_quant'))
        compareMillions(`slim README, ${model}: ${million_macs}`, multiplyAdds, Number(million_macs));
      const channels = summarize(network).layers.reduce(
        (sum, { kind, output }) => sum + (kind === 'batchNorm' ? output[3] : 0),
        0,
      );
      expect(((stored - channels) / 1e6).toFixed(2), model).toBe(million_params);
    }
  });

  test("slim's README of V2: multiply-adds rounded down, parameters are kernels", () => {
    for (const { model, million_macs, million_params } of readTable('slim_mobilenet_v2.csv')) {
      const { multiplyAdds, kernels } = count(mobilenetV2({ ...parseModelName(model) } as object));
      expect(Math.floor(multiplyAdds / 1e6), model).toBe(Number(million_macs));
      expect((kernels / 1e6).toFixed(2), model).toBe(million_params);
    }
  });

  test('the V1 paper', () => {
    for (const row of readTable('paper_v1_tables.csv')) {
      const network = ofV1Paper(row);
      if (network === undefined) continue;
      const cell = `V1 paper, ${row.table}, ${row.model}`;
      // The paper leaves the classifier out of the full convolutions' multiply-adds, though not out of their parameters.
      const full = row.model === 'Conv MobileNet';
      const { multiplyAdds } = count(full ? mobilenetV1({ convolutions: 'full', head: 'features' }) : network);
      const { kernels } = count(network);
      compareMillions(`${cell}: ${row.million_mult_adds}`, multiplyAdds, Number(row.million_mult_adds));
      const digits = row.million_params.split('.')[1]?.length ?? 0;
      expect(Math.abs(kernels / 1e6 - Number(row.million_params)), cell).toBeLessThanOrEqual(0.6 * 10 ** -digits);
    }
  });

  test('the V2 paper, Table 4', () => {
    for (const { table, network: name, params, madds } of readTable('paper_v2_tables.csv')) {
      const network = {
        MobileNetV1: mobilenetV1(),
        MobileNetV2: mobilenetV2(),
        'MobileNetV2 (1.4)': mobilenetV2({ alpha: 1.4 }),
      }[name];
      if (table !== 'T4-ImageNet' || network === undefined) continue;
      const { multiplyAdds, kernels } = count(network);
      compareMillions(`V2 paper, ${table}, ${name}: ${madds.slice(0, -1)}`, multiplyAdds, Number(madds.slice(0, -1)));
      const cell = `V2 paper, ${table}, ${name}: ${params}`;
      expect(Math.floor(kernels / 1e5) / 10 === Number(params.slice(0, -1)), cell).toBe(!knownWrong(cell));
    }
  });

  test('timm: parameters, multiply-adds with batch norm counted, activations of the convolutions', () => {
    const timm = {
      mobilenetv1_100: { architecture: 'mobilenet_v1', alpha: 1 },
      mobilenetv1_125: { architecture: 'mobilenet_v1', alpha: 1.25 },
      mobilenetv2_035: { architecture: 'mobilenet_v2', alpha: 0.35 },
      mobilenetv2_050: { architecture: 'mobilenet_v2', alpha: 0.5 },
      mobilenetv2_075: { architecture: 'mobilenet_v2', alpha: 0.75 },
      mobilenetv2_100: { architecture: 'mobilenet_v2', alpha: 1 },
      mobilenetv2_140: { architecture: 'mobilenet_v2', alpha: 1.4 },
    } as const;
    let compared = 0;
    for (const row of readTable('timm_gmacs_mobilenet_v1v2.csv')) {
      const found = timm[row.model as keyof typeof timm];
      if (found === undefined) continue; // 100h, 110d, 120d: another head, other depths
      const { architecture, alpha } = found;
      const network = mobilenet(architecture, {
        alpha,
        resolution: Number(row.infer_img_size),
        conventions: 'torchvision',
      });
      const { multiplyAdds, params, activations } = summarize(network, { counting: 'batch-norm' }).totals;
      expect(Math.abs(params.trainable / 1e6 - Number(row.param_count)), `${row.model} params`).toBeLessThanOrEqual(
        0.00501,
      );
      expect(Math.abs(multiplyAdds / 1e9 - Number(row.infer_gmacs)), `${row.model} GMACs`).toBeLessThanOrEqual(0.00501);
      expect(
        Math.abs(activations.featureMaps / 1e6 - Number(row.infer_macts)),
        `${row.model} Macts`,
      ).toBeLessThanOrEqual(0.00501);
      compared += 1;
    }
    expect(compared).toBe(9);
  });

  test('every cell listed as wrong was met', () => {
    expect(Object.keys(KNOWN_WRONG).filter((cell) => !used.has(cell))).toEqual([]);
  });
});

/** The network of a row, or undefined for other families and for heads that the paper does not describe. */
function ofV1Paper({ table, model }: Record<string, string>) {
  if (model === 'Conv MobileNet') return mobilenetV1({ convolutions: 'full' });
  if (model === 'Shallow MobileNet') return mobilenetV1({ shallow: true });
  const [, alpha = '1', , resolution = '224'] = /^(?:([\d.]+) )?MobileNet(-(\d+))?$/.exec(model) ?? [];
  if (!/^([\d.]+ )?MobileNet(-\d+)?$/.test(model) || table === 'T14-facenet') return undefined;
  const options = { alpha: Number(alpha), resolution: Number(resolution) };
  if (table === 'T12-faceattr') return mobilenetV1({ ...options, head: 'features' });
  // Stanford Dogs has 120 classes; the paper prints the multiply-adds of 1000, and the parameters of 120.
  return table === 'T10-dogs' ? undefined : mobilenetV1(options);
}
