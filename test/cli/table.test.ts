/** Tables, and the terminals that they stand on. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hasColour, readable, styled, wantsAscii } from '../../src/cli/display.js';
import { hanging, middleCut, textTable } from '../../src/cli/table.js';
import { depthwise } from './command.js';

const columns = [
  { title: 'name', align: 'left' },
  { title: 'kernel', align: 'left', spare: 1 },
  { title: 'params', align: 'right' },
  { title: 'field', align: 'right', spare: 2 },
] as const;
const rows = [
  ['conv1', '3×3', '864', '3'],
  ['a_rather_long_name_of_a_layer', '1×1', '1,024', '7'],
];

describe('a table', () => {
  test('has its full width where there is room', () => {
    expect(textTable(columns, rows, Number.POSITIVE_INFINITY)).toBe(
      [
        'name                           kernel  params  field',
        'conv1                          3×3        864      3',
        'a_rather_long_name_of_a_layer  1×1      1,024      7',
      ].join('\n'),
    );
  });

  test('leaves columns out by their numbers, and says which', () => {
    expect(textTable(columns, rows, 45)).toBe(
      [
        'name                           kernel  params',
        'conv1                          3×3        864',
        'a_rather_long_name_of_a_layer  1×1      1,024',
        '',
        'Left out: field; --wide shows all.',
      ].join('\n'),
    );
    expect(textTable(columns, rows, 40)).toContain('Left out: kernel, field; --wide shows all.');
  });

  test('then cuts names in their middles', () => {
    const [head, short, long] = textTable(columns, rows, 28).split('\n');
    expect([head, short, long]).toEqual([
      'name                  params',
      'conv1                    864',
      'a_rather_l…f_a_layer   1,024',
    ]);
  });

  test('totals are broken below their beginning', () => {
    expect(hanging('params   1,234 trainable, 5,678 stored', 24)).toBe(
      'params   1,234\n         trainable,\n         5,678 stored',
    );
    expect(hanging('short  line', 80)).toBe('short  line');
    expect(hanging('word  unbreakableunbreakable', 10)).toBe('word  unbreakableunbreakable');
  });

  test.each([
    ['conv_pw_13_relu', 15, 'conv_pw_13_relu'],
    ['conv_pw_13_relu', 9, 'conv…relu'],
    ['conv_pw_13_relu', 8, 'conv…elu'],
  ])('middleCut(%s, %i) is %s', (text, length, cut) => expect(middleCut(text, length)).toBe(cut));
});

describe('colour', () => {
  test.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '3', NO_COLOR: '1' }, true],
  ])('terminal %s, %j: %s', (isTTY, environment, wanted) =>
    expect(hasColour({ isTTY, columns: 80 }, environment)).toBe(wanted),
  );

  test('styled text without colour is the text', () => {
    vi.stubEnv('FORCE_COLOR', '0');
    expect(styled('red', 'error:')).toBe('error:');
    vi.unstubAllEnvs();
  });
});

describe('characters', () => {
  test.each([
    [{ LC_ALL: 'C' }, true],
    [{ LC_ALL: 'C.UTF-8', LANG: 'C' }, false],
    [{ LANG: 'POSIX' }, true],
    [{ LC_CTYPE: 'C', LANG: 'de_DE.UTF-8' }, true],
    [{}, false],
  ])('%j wants ASCII: %s', (environment, wanted) =>
    expect(wantsAscii({ isTTY: false, columns: 80 }, environment)).toBe(wanted),
  );

  test('a dumb terminal has ASCII alone', () => {
    expect(wantsAscii({ isTTY: true, columns: 80 }, { TERM: 'dumb' })).toBe(true);
    expect(wantsAscii({ isTTY: false, columns: 80 }, { TERM: 'dumb' })).toBe(false);
  });

  test('what commands write is in ASCII, what others named stays', async () => {
    vi.stubEnv('LC_ALL', 'C');
    expect(readable('3×3 … ≤ ∞ кошка')).toBe('3x3 ... <= inf кошка');
    const { stdout } = await depthwise('summary', 'mobilenet_v1', '--grouped');
    expect(stdout).toMatch(/conv1 +conv2d \+ batchNorm \+ relu6 +3x3 +2 +112x112x32 /);
    expect(stdout).not.toMatch(/[^\p{ASCII}]/u);
    vi.unstubAllEnvs();
  });
});

describe('a terminal of 80 columns', () => {
  const { isTTY, columns: before } = process.stdout;
  afterEach(() => Object.assign(process.stdout, { isTTY, columns: before }));

  test.each([
    ['summary', 'mobilenet_v1'],
    ['summary', 'mobilenet_v2', '--grouped'],
    ['models'],
    ['bench', 'mobilenet_v1_0.25_32_small', '--seconds', '0.01'],
  ])('%s %s: no row is longer; --wide leaves all columns', async (...args) => {
    Object.assign(process.stdout, { isTTY: true, columns: 80 });
    const narrow = await depthwise(...args);
    expect(narrow.exitCode).toBe(0);
    for (const line of narrow.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    const wide = await depthwise(...args, '--wide');
    expect(wide.exitCode).toBe(0);
    expect(wide.stdout).not.toContain('Left out');
    vi.unstubAllEnvs();
  });
});
