/** What all commands have in common: help, wrong calls, errors, exit codes, pipes, Ctrl-C, progress. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeNetwork } from '../../src/formats/index.js';
import { mobilenetV1 } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/index.js';
import { built, depthwise, main, root } from './command.js';

const commands = [
  ...['summary', 'classify', 'detect', 'segment', 'embed', 'trace', 'golden', 'compare', 'verify'],
  ...['bench', 'convert', 'train', 'evaluate', 'demo', 'models', 'quantize', 'reduce'],
];

describe('help', () => {
  test('lists the commands, and no others', async () => {
    const { exitCode, stdout } = await depthwise('--help');
    expect(exitCode).toBe(0);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) +\S/gm)].map(([, command]) => command);
    expect(listed.sort()).toEqual([...commands].sort());
  });

  test.each(commands)(
    '%s --help shows examples that begin with the command, each once, and --json',
    async (command) => {
      const { exitCode, stdout } = await depthwise(command, '--help');
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^ {2}--json +\S/m);
      const examples = stdout.split('Examples:\n')[1].split('\n\n')[0].trimEnd().split('\n');
      expect(examples.length).toBeGreaterThan(1);
      expect(new Set(examples).size, 'each of them once').toBe(examples.length);
      for (const example of examples) expect(example).toMatch(new RegExp(`^  depthwise ${command}( |$)`));
    },
  );

  test('`help summary` is `summary --help`', async () => {
    expect(await depthwise('help', 'summary')).toEqual(await depthwise('summary', '--help'));
  });

  test('--version is the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(await depthwise('--version')).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('without a command: what to try first, on stderr, since nothing was asked for', async () => {
    const { exitCode, stdout, stderr } = await depthwise();
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    const tried = [...stderr.matchAll(/^ {2}depthwise (\w+)/gm)].map(([, command]) => command);
    expect(tried).toEqual(['demo', 'classify', 'classify', 'models', 'summary']);
    for (const line of stderr.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('wrong calls exit with 2 and say what is wrong', () => {
  test.each([
    [['sumary'], "unknown command 'sumary'\n(Did you mean summary?)"],
    [['summary'], 'wanted a model: a file, or a name such as mobilenet_v1_0.25_224'],
    [['summary', 'mobilenet_v1', 'mobilenet_v2'], "too many arguments for 'summary'. Expected 1 argument but got 2."],
    [['summary', 'mobilenet_v1', '--alhpa', '1'], "unknown option '--alhpa'\n(Did you mean --alpha?)"],
    [['summary', 'mobilenet_v1', '--alpha'], "option '--alpha <number>' argument missing"],
    [['embed', 'cat.jpg'], "required option '--model <file>' not specified"],
    [['trace', 'cat.jpg', '--model', 'x.h5'], "required option '--out <file>' not specified"],
    [['convert', 'x.h5'], 'wanted a model and a file to write: convert MODEL OUT, found x.h5'],
  ])('%j', async (args, message) => {
    expect(await depthwise(...args)).toEqual({ exitCode: 2, stdout: '', stderr: `error: ${message}\n` });
    const { exitCode, stdout, stderr } = await depthwise(...args, '--json');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(JSON.parse(stderr).error.code).toBe('usage');
  });
});

test('with --json an error is JSON, on stderr', async () => {
  const { exitCode, stdout, stderr } = await depthwise('classify', 'no.jpg', '--model', 'no.h5', '--json');
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(JSON.parse(stderr)).toEqual({ error: { code: 'format', message: 'no.h5: there is no such file or folder' } });
});

describe('as a process', () => {
  test('the exit code is 0 only when it worked', () => {
    expect(built('summary', 'mobilenet_v1').exitCode).toBe(0);
    expect(built('summary', 'mobilenet_v1', '--nonsense').exitCode).toBe(2);
    expect(built('classify', 'no.jpg', '--model', 'no.h5').exitCode).toBe(1);
  });

  test('a reader that closes the pipe early ends it without a word, as other programs', () => {
    const script = `"${process.execPath}" "${main}" summary mobilenet_v2 --json | head -n 1; echo "\${PIPESTATUS[0]}"`;
    expect(spawnSync('bash', ['-c', script], { encoding: 'utf8' })).toMatchObject({ stdout: '{\n141\n', stderr: '' });
  });

  test('demo names the cat in the bundled picture, on the WASM engine, without any network', () => {
    const { exitCode, stdout, stderr } = built('demo');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/assets\/pictures\/chelsea\.jpg: \d+\.\d % cat, /);
    const { answers, engine, totals } = JSON.parse(built('demo', '--json').stdout);
    expect(answers.map(({ predictions }: { predictions: { label: string }[] }) => predictions[0].label)).toEqual([
      'cat',
    ]);
    expect(engine.target).not.toBe('reference');
    expect(totals.params.trainable).toBe(1_354_914); // V2 α 0.75 of ten classes has 1,368,234; 13,320 numbers of batch norm are folded away
    expect(stdout).toContain('1,354,914 parameters');
  });

  test('Ctrl-C ends it at once, in the middle of a layer too', async () => {
    const model = join(mkdtempSync(join(tmpdir(), 'depthwise-')), 'v1.safetensors');
    // Several seconds of the readable layers; the first sign of progress comes after one.
    const network = randomWeights(mobilenetV1({ resolution: 448 }), 1);
    writeFileSync(model, await writeNetwork(network, 'safetensors'));
    const args = ['classify', 'assets/pictures/chelsea.jpg', '--model', model, '--engine', 'reference'];
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)));
    await new Promise((resolve) => child.stderr.once('data', resolve)); // progress: layers are being computed
    await new Promise((resolve) => setTimeout(resolve, 300));
    const interrupted = performance.now();
    child.kill('SIGINT');
    expect(await ended).toBe('SIGINT');
    expect(performance.now() - interrupted).toBeLessThan(1000);
  });
});
