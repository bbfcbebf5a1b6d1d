/** What others have named reaches the terminal as text, never as a command to it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { harmless, harmlessJson, readable } from '../../src/cli/display.js';
import { note } from '../../src/cli/output.js';
import { textTable } from '../../src/cli/table.js';
import { type Network, preprocessingPreset, randomWeights } from '../../src/network/index.js';
import { capture, cat, depthwise, temporaryFolder, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

/** Clears the screen, sets the window's title, begins a new line, and writes from right to left. */
const HOSTILE = 'a\x1b[2J\x1b]0;title\x07\r\nerror: b\u202ec\x9b';
const SHOWN = String.raw`a\x1b[2J\x1b]0;title\x07\r\nerror: b\u202ec\x9b`;
/** All that a terminal may obey, but the end of a line. */
const OBEYED = /(?!\n)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

describe('harmless', () => {
  test('shows what it is', () => {
    expect(harmless(HOSTILE)).toBe(SHOWN);
    expect(harmless('\t\x00\x7f\u2028')).toBe(String.raw`\t\x00\x7f\u2028`);
    expect(harmless('Zürich × 東京 · naïve 🐈')).toBe('Zürich × 東京 · naïve 🐈');
  });

  test('leaves one line without any such character, of whatever text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => !OBEYED.test(harmless(text)) && !harmless(text).includes('\n'),
      ),
    );
  });

  test('JSON means the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = harmlessJson(JSON.stringify({ [text]: text }, undefined, 2));
        expect(OBEYED.test(json)).toBe(false);
        expect(JSON.parse(json)).toEqual({ [text]: text });
      }),
    );
  });

  test('the sink lets lines through, and bold type where there are colours', () => {
    const stream = { isTTY: false, columns: 80 };
    expect(readable('a\nb\x1b[1m\x1b[31m', stream)).toBe('a\nb\\x1b[1m\\x1b[31m');
  });

  test('a remark is one line, and so is a row', () => {
    const stderr = capture(process.stderr);
    note(HOSTILE);
    stderr.restore();
    expect(stderr.text()).toBe(`${SHOWN}\n`);
    expect(textTable([{ title: 'name', align: 'left' }], [[HOSTILE]])).toBe(`name\n${SHOWN}`);
  });
});

const hostile: Network = randomWeights(
  {
    name: HOSTILE,
    inputs: [{ name: 'x', shape: [1, 4, 4, 3] }],
    nodes: [
      { name: `pool ${HOSTILE}`, kind: 'globalAveragePool', inputs: ['x'], attributes: { keepDims: false } },
      { name: 'p', kind: 'softmax', inputs: [`pool ${HOSTILE}`], attributes: {} },
    ],
    outputs: ['p'],
    weights: new Map(),
    conventions: {
      source: 'other',
      output: 'probabilities',
      labels: [HOSTILE, `${HOSTILE} 2`, '\x1b[8mhidden'],
      preprocessing: preprocessingPreset('tfjs-hub', [4, 4]),
    },
  },
  1,
);

describe('commands show names as they are, with nothing that a terminal obeys', async () => {
  const model = await writeModel(folder.path('hostile.safetensors'), hostile);
  const named = folder.path('named\x1b[2J\n.txt');
  writeFileSync(named, 'no model');
  mkdirSync(folder.path('theirs'));

  test.each([
    ['classify', [cat, '--model', model], SHOWN],
    [
      'classify --json',
      [cat, '--model', model, '--json'],
      String.raw`a\u001b[2J\u001b]0;title\u0007\r\nerror: b\u202ec\u009b`,
    ],
    ['summary', [model], SHOWN.slice(0, 20)],
    ['summary --markdown', [model, '--markdown'], SHOWN],
    ['summary --csv', [model, '--csv'], `pool ${SHOWN}`],
    ['bench', [model, '--seconds', '0.01'], SHOWN],
    ['trace', ['--model', model, '--out', folder.path('t\x1b[2J.npz')], String.raw`t\x1b[2J.npz`],
    ['convert', [model, folder.path('c.safetensors')], SHOWN],
    ['convert', [model, folder.path('no\x1b[2J\n'), '--int8'], String.raw`no\x1b[2J`],
    ['summary', [named], String.raw`named\x1b[2J`],
    ['classify', [cat, '--model', model, '--top', '\x1b[2J'], String.raw`\x1b[2J`],
    ['embed', [cat, '--model', model, '--layer', `pool ${HOSTILE}x`, '--json'], String.raw`\u001b[2J`],
    [
      'embed',
      [cat, '--model', model, '--layer', `pool ${HOSTILE}x`, '--out', folder.path('e.npy')],
      String.raw`\x1b[2J`,
    ],
  ])('%s %j', async (command, args, shown) => {
    const { stdout, stderr } = await depthwise(command.split(' ')[0], ...args);
    expect(stdout + stderr).toContain(shown);
    expect(stdout + stderr).not.toMatch(OBEYED);
    expect(`\n${stdout}${stderr}`.match(/\nerror: b/)).toBeNull();
  });
});
