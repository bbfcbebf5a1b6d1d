/** `depthwise verify` of quantised files with LiteRT.js: bound 0. */
import { describe, expect, test } from 'vitest';
import { dataPath, noData } from '../data.js';
import { cat, depthwise, depthwiseJson } from './command.js';

describe.skipIf(noData)('quantised files (needs DEPTHWISE_DATA)', () => {
  const model = (name: string) => dataPath(`models/${name}.tflite`);

  test('int8 for each channel: every number is equal', async () => {
    const report = await depthwiseJson('verify', model('vww_96_int8'), cat, '--with', 'litert');
    expect(report).toMatchObject({ rounding: 'single', compared: 232068, different: 0, known: [], unknown: [] });
    expect(report.runtime).toMatch(/^@litertjs\/core \d+\.\d+\.\d+$/);
  });

  test('uint8: a table of the kinds, and what is known of the differences', async () => {
    const { exitCode, stdout } = await depthwise('verify', model('mobilenet_v1_0.25_128_quant'), '--with', 'litert');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^mobilenet_v1_0.25_128_quant, integers, single rounding, beside @litertjs/);
    expect(stdout).toMatch(/^softmax +1 +1,001 +0 +0$/m);
    expect(stdout).toMatch(/^\d of 414,907 numbers differ\.$/m);
  });

  test('the other rounding is another answer', async () => {
    const { exitCode, stderr } = await depthwise(
      ...['verify', model('vww_96_int8'), cat, '--with', 'litert', '--rounding', 'double'],
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/layers of vww_96_int8 differ from @litertjs\/core \S+ for no known reason: /);
  });
});
