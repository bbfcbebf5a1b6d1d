import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNetworkFile } from '../../src/formats/files.js';
import { uniformRandom } from '../../src/random.js';
import { writeCifar10 } from '../training/cifar.js';
import { built, depthwise, depthwiseJson, main, temporaryFolder } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);
const data = `cifar10:${folder.path('cifar')}`;

/** V1 with 8 to 51 channels, 100 pictures, 5 steps an epoch: a second or two. */
const command = (out: string, ...more: string[]): string[] => [
  ...['train', '--data', data, '--network', 'mobilenet_v1', '--alpha', '0.05', '--conventions', 'slim'],
  ...['--small-pictures', '--epochs', '3', '--batch', '20', '--augment', 'flip,crop,cutout,mixup:0.2'],
  ...['--dropout', '0.1', '--learning-rate', '0.02', '--resolutions', '24x1,32', '--out', folder.path(out), ...more],
];

const file = (run: string, name: string) => readFileSync(`${folder.path(run)}/${name}`);
const model = (run: string) => file(run, 'model.safetensors');
/** Without the seconds, the only numbers of a run that are never the same. */
const metrics = (run: string) => `${file(run, 'metrics.csv')}`.replaceAll(/,[^,\n]*$/gm, '');

/** Starts the run, or goes on with it where a checkpoint lies. */
function start(run: string): ChildProcess {
  const resume = existsSync(`${folder.path(run)}/checkpoint.safetensors`) ? ['--resume'] : [];
  return spawn(process.execPath, [main, ...command(run, ...resume)], { stdio: ['ignore', 'ignore', 'pipe'] });
}

beforeAll(() => {
  writeCifar10(folder.path('cifar'), 20);
  expect(built(...command('whole')).stderr).toContain('epoch 3/3: loss ');
}, 120_000);

test('a run writes its model, metrics and report', async () => {
  const rows = metrics('whole').trimEnd().split('\n');
  expect(rows[0]).toBe('epoch,trainLoss,trainAccuracy,testAccuracy,learningRate');
  expect(rows.slice(1).map((row) => row.split(',')[0])).toEqual(['1', '2', '3']);
  const network = await readNetworkFile(`${folder.path('whole')}/model.safetensors`);
  expect(network.name).toBe('mobilenet_v1_0.05_32_small');
  expect(network.conventions.labels?.slice(0, 2)).toEqual(['airplane', 'automobile']);
  const report = `${file('whole', 'report.html')}`;
  expect(report).toContain('<title>mobilenet_v1_0.05_32_small on CIFAR-10, training</title>');
  expect(report.match(/<polyline/g)).toHaveLength(4);
  expect(report).not.toMatch(/https?:|<script|<link/);
});

test('a loss beyond that of guessing is told with the likely reason', () => {
  const { exitCode, stderr } = built(...command('steep', '--epochs', '1', '--learning-rate', '200'));
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(
    /epoch 1\/1: loss .*; guessing would give a loss of 2\.303: a smaller learning rate may help$/m,
  );
});

describe('the same bits', () => {
  test('with one worker as with two, and with more than there are shards', () => {
    for (const workers of ['1', '5']) {
      expect(built(...command(`workers-${workers}`, '--workers', workers)).exitCode).toBe(0);
      expect(model(`workers-${workers}`).equals(model('whole'))).toBe(true);
      expect(metrics(`workers-${workers}`)).toBe(metrics('whole'));
    }
  });

  test('a run that has ended goes on at a restart as one that had it from the beginning', () => {
    const longer = ['--epochs', '5', '--restarts', '3x0.01:flip+cutout:6', '--average-cycles'];
    expect(built(...command('at-once', ...longer)).exitCode).toBe(0);
    expect(built(...command('in-two', '--warmup', '1', '--average-cycles')).exitCode).toBe(0);
    expect(model('in-two').equals(model('at-once'))).toBe(false);
    const other = built(...command('in-two', '--epochs', '5', '--restarts', '2x0.01', '--average-cycles', '--resume'));
    expect(other.stderr).toMatch(/was trained with epochs 3, this run has 5; it can only be resumed with the same/);
    expect(built(...command('in-two', ...longer, '--resume')).exitCode).toBe(0);
    expect(model('in-two').equals(model('at-once'))).toBe(true);
    expect(metrics('in-two')).toBe(metrics('at-once'));
  });

  test('killed at five moments, whatever it was doing, and resumed', async () => {
    const random = uniformRandom(2);
    for (let kill = 0; kill < 5; kill++) {
      const child = start('killed');
      const timer = setTimeout(() => child.kill('SIGKILL'), 300 + 2500 * random());
      await once(child, 'exit');
      clearTimeout(timer);
    }
    const [code] = await once(start('killed'), 'exit');
    expect(code).toBe(0);
    expect(model('killed').equals(model('whole'))).toBe(true);
    expect(metrics('killed')).toBe(metrics('whole'));
  });

  test('stopped by Ctrl-C within an epoch, and resumed by the command that it prints', async () => {
    const child = start('stopped');
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (!child.killed && said.includes('epoch 1/3: ')) child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    const [, words] = /^stopped and saved; to go on: depthwise (.*)$/m.exec(said) ?? [];
    expect(words).toBe([...command('stopped'), '--resume'].join(' '));
    expect(built(...words.split(' ')).exitCode).toBe(0);
    expect(model('stopped').equals(model('whole'))).toBe(true);
    expect(metrics('stopped')).toBe(metrics('whole'));
  });
});

describe('resuming', () => {
  test('a run that has ended writes its model and report once more', () => {
    const before = model('whole');
    expect(built(...command('whole', '--resume')).exitCode).toBe(0);
    expect(model('whole').equals(before)).toBe(true);
  });

  test('a folder that holds a run is not begun anew', async () => {
    expect(await depthwise(...command('whole'))).toMatchObject({
      exitCode: 2,
      stderr: `error: --out: '${folder.path('whole')}' holds a run already; --resume goes on with it, --overwrite begins anew in its place\n`,
    });
  });

  test('where there is none', async () => {
    const { exitCode, stderr } = await depthwise(...command('nothing', '--resume'));
    expect([exitCode, stderr]).toEqual([
      1,
      `error: ${folder.path('nothing')}/checkpoint.safetensors: there is no such file or folder\n`,
    ]);
  });

  test('with another recipe', async () => {
    const { exitCode, stderr } = await depthwise(...command('whole', '--resume', '--seed', '2'));
    expect([exitCode, stderr]).toEqual([
      2,
      `error: ${folder.path('whole')}/checkpoint.safetensors was trained with seed 1, this run has 2; it can only be resumed with the same\n`,
    ]);
  });

  test('from a damaged checkpoint', async () => {
    const path = folder.path('whole');
    const bytes = file('whole', 'checkpoint.safetensors');
    writeFileSync(`${path}/checkpoint.safetensors`, bytes.subarray(0, 1000));
    const { exitCode, stderr } = await depthwise(...command('whole', '--resume'));
    writeFileSync(`${path}/checkpoint.safetensors`, bytes);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^error: .*checkpoint.safetensors: truncated: the header ends at byte \d+, the file at 1000\n$/,
    );
    writeFileSync(`${path}/checkpoint.safetensors`, model('whole'));
    expect((await depthwise(...command('whole', '--resume'))).stderr).toBe(
      `error: ${path}/checkpoint.safetensors: holds no training run\n`,
    );
    writeFileSync(`${path}/checkpoint.safetensors`, bytes);
  });
});

describe("a folder that is not this run's", () => {
  const files = { 'model.safetensors': 'mine', 'metrics.csv': 'mine too', 'notes.txt': 'whatever' };
  const fill = (run: string) => {
    mkdirSync(folder.path(run), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(`${folder.path(run)}/${name}`, text);
  };

  test('is refused, and what would be replaced is named', async () => {
    fill('others');
    const path = folder.path('others');
    expect(await depthwise(...command('others'))).toMatchObject({
      exitCode: 2,
      stderr: `error: --out: '${path}' holds metrics.csv, model.safetensors of something else; --overwrite replaces them\n`,
    });
    for (const [name, text] of Object.entries(files)) expect(`${file('others', name)}`).toBe(text);
    expect(readdirSync(path).sort()).toEqual(Object.keys(files).sort());
  });

  test('--overwrite replaces these files, and leaves others', () => {
    fill('replaced');
    expect(built(...command('replaced', '--overwrite')).exitCode).toBe(0);
    expect(model('replaced').equals(model('whole'))).toBe(true);
    expect(`${file('replaced', 'notes.txt')}`).toBe('whatever');
    expect(readdirSync(folder.path('replaced')).sort()).toEqual([
      ...['checkpoint.safetensors', 'metrics.csv', 'model.safetensors', 'notes.txt', 'report.html'],
    ]);
  });

  test('--overwrite and --resume', async () => {
    const { exitCode, stderr } = await depthwise(...command('whole', '--overwrite', '--resume'));
    expect([exitCode, stderr]).toEqual([2, "error: option '--resume' cannot be used with option '--overwrite'\n"]);
  });

  test('is refused while another process trains into it, and taken over when that was killed', async () => {
    const child = spawn(process.execPath, [main, ...command('shared', '--epochs', '300')], { stdio: 'ignore' });
    while (!existsSync(`${folder.path('shared')}/.depthwise.lock`)) await new Promise((next) => setTimeout(next, 20));
    const refusal = await depthwise(...command('shared'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(refusal).toMatchObject({
      exitCode: 2,
      stderr: `error: --out: '${folder.path('shared')}': process ${child.pid} is writing into this folder; wait for its end, or name another folder\n`,
    });
    const next = await depthwise(...command('shared', '--dropout', '2', '--overwrite'));
    expect(next.stderr).not.toContain('is writing');
    expect(existsSync(`${folder.path('shared')}/.depthwise.lock`)).toBe(false);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s saves, and leaves neither lock nor temporary file', async (signal, exitCode) => {
    const child = start(`ended-${signal}`);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (!child.killed && said.includes('epoch 1/3: ')) child.kill(signal);
    });
    const [code] = await once(child, 'close');
    expect([code, said]).toEqual([exitCode, expect.stringContaining('stopped and saved; to go on: ')]);
    expect(readdirSync(folder.path(`ended-${signal}`)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test.runIf(process.platform === 'linux')('that cannot be made is said before the data is read', async () => {
    const args = command('x').map((word) => (word === folder.path('x') ? '/proc/depthwise/run' : word));
    expect(await depthwise(...args)).toMatchObject({
      exitCode: 2,
      stderr: "error: --out: '/proc/depthwise/run' cannot be made a folder: there is no such file or folder\n",
    });
  });
});

describe('--begin-with and --teachers', () => {
  const taught = (out: string, ...more: string[]) =>
    command(
      out,
      '--alpha',
      '0.06',
      '--warmup',
      '1',
      '--begin-with',
      `${folder.path('whole')}/model.safetensors`,
      ...more,
    );

  test('a wider network begins as a narrower one, is taught by it, and goes on to the same bits', () => {
    const teachers = ['--teachers', `${folder.path('whole')}/model.safetensors`, '--teaching', '0.7'];
    expect(built(...taught('taught', ...teachers)).exitCode).toBe(0);
    const longer = ['--epochs', '4', '--restarts', '3x0.01', ...teachers];
    expect(built(...taught('taught', ...longer, '--resume')).exitCode).toBe(0);
    expect(built(...taught('taught-at-once', ...longer, '--workers', '1')).exitCode).toBe(0);
    expect(model('taught').equals(model('taught-at-once'))).toBe(true);
    expect(built(...taught('untaught')).exitCode).toBe(0);
    expect(metrics('untaught')).not.toBe(metrics('taught'));
    const { stderr } = built(...taught('taught', ...longer, '--teaching', '0.6', '--resume'));
    expect(stderr).toMatch(
      /was trained with data \{"name":"CIFAR-10, training \(taught 0\.7 by [0-9a-f]{8}\)","pictures":100\}, this run has \{"name":"CIFAR-10, training \(taught 0\.6 by /,
    );
  });

  test('a network begins as the folded file in 8 bits that was made of another', async () => {
    const small = folder.path('folded.safetensors');
    await depthwise('convert', `${folder.path('whole')}/model.safetensors`, small, '--fold', '--int8');
    expect(built(...command('unfolded', '--begin-with', small, '--epochs', '1')).exitCode).toBe(0);
    expect(built(...command('fresh', '--epochs', '1')).exitCode).toBe(0);
    expect(metrics('unfolded')).not.toBe(metrics('fresh'));
    const { nodes } = await readNetworkFile(`${folder.path('unfolded')}/model.safetensors`);
    expect(nodes).toEqual((await readNetworkFile(`${folder.path('whole')}/model.safetensors`)).nodes);
  });

  test('a network that does not fit, a teacher of other classes, a share of nobody', async () => {
    const wrong = async (...flags: string[]) => (await depthwise(...command('refused', ...flags))).stderr;
    const whole = `${folder.path('whole')}/model.safetensors`;
    expect(await wrong('--network', 'mobilenet_v2', '--begin-with', whole)).toMatch(
      /^error: mobilenet_v2_0\.05_32_small cannot begin as mobilenet_v1_0\.05_32_small: it has weight .+, the other .+; wanted the same layers/,
    );
    writeCifar10(folder.path('renamed'), 1);
    const names = ['plane', 'car', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
    writeFileSync(`${folder.path('renamed')}/batches.meta.txt`, names.join('\n'));
    expect(await wrong('--data', `cifar10:${folder.path('renamed')}`, '--teachers', whole)).toMatch(
      /^error: mobilenet_v1_0\.05_32_small has other classes than CIFAR-10, training: airplane, .*; wanted plane, car/,
    );
    expect(await wrong('--teaching', '0.5')).toBe('error: --teaching goes with --teachers, which was not given\n');
    expect(await wrong('--engine', 'wasm', '--target', 'simd')).toBe(
      'error: --engine has no effect with --target: it is the older word for the same\n',
    );
    expect(await wrong('--target', 'wasm')).toBe(
      "error: option '--target <name>' argument 'wasm' is invalid. Allowed choices are relaxed, simd, scalar, reference.\n",
    );
  });
});

test('--float16 halves the model, whose accuracy is measured as it was written', async () => {
  const { stderr } = built(
    ...command('half', '--float16', '--epochs', '1', '--augment', 'none', '--resolutions', '32'),
  );
  expect(model('half').length).toBeLessThan(0.75 * model('whole').length);
  const { top1 } = await depthwiseJson('evaluate', `${folder.path('half')}/model.safetensors`, '--data', data);
  expect(stderr).toContain(`model.safetensors: right about ${(100 * top1).toFixed(1)} % of the test pictures\n`);
});

describe('evaluate', () => {
  test('fractions, on the engine as on the readable layers', async () => {
    const path = `${folder.path('whole')}/model.safetensors`;
    const answer = await depthwiseJson('evaluate', path, '--data', data);
    expect(Object.keys(answer)).toEqual(['top1', 'top5', 'perClass']);
    expect(Object.keys(answer.perClass)).toHaveLength(10);
    // The last line of the metrics says the same: the epoch's test is of these weights.
    expect(metrics('whole').trimEnd().split('\n').at(-1)?.split(',')[3]).toBe(`${answer.top1}`);
    const reference = await depthwiseJson('evaluate', path, '--data', data, '--engine', 'reference');
    expect(reference).toEqual(answer);
    const mirrored = await depthwiseJson('evaluate', path, '--data', data, '--mirror');
    expect(mirrored).not.toEqual(answer);
    expect(await depthwiseJson('evaluate', path, '--data', data, '--mirror', '--engine', 'reference')).toEqual(
      mirrored,
    );
    const { stdout } = await depthwise('evaluate', path, '--data', data);
    expect(stdout).toContain(`CIFAR-10, test: right ${(100 * answer.top1).toFixed(2)} %, among the best five `);
    expect(stdout).toContain('automobile');
  });

  test('another network than the data wants', async () => {
    writeCifar10(folder.path('other'), 1);
    const names = ['plane', 'car', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
    writeFileSync(`${folder.path('other')}/batches.meta.txt`, names.join('\n'));
    const path = `${folder.path('whole')}/model.safetensors`;
    const { stderr } = await depthwise('evaluate', path, '--data', `cifar10:${folder.path('other')}`);
    expect(stderr).toMatch(
      /^error: mobilenet_v1_0.05_32_small has other classes than CIFAR-10, test: airplane, .*; wanted plane, car/,
    );
  });
});

describe('data', () => {
  test('digits are drawn, --limit takes a part of them', async () => {
    const args = ['--network', 'mobilenet_v1', '--alpha', '0.05', '--small-pictures', '--epochs', '1', '--batch', '20'];
    const out = folder.path('digits');
    const { exitCode, stderr } = built('train', '--data', 'digits', '--limit', '60', ...args, '--out', out);
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/right about \d+\.\d % of the test pictures\n$/)]);
    expect(`${file('digits', 'report.html')}`).toContain(' on drawn digits, training, 60 of 2000</title>');
    // A run's folder is its model.
    const { stdout } = await depthwise('evaluate', out, '--data', 'digits', '--limit', '40');
    expect(stdout).toMatch(/^drawn digits, test, 40 of 500: right /);
  });

  test('--network takes a file for its architecture, and no option that would change it', async () => {
    const network = `${folder.path('whole')}/model.safetensors`;
    const args = ['train', '--data', data, '--network', network, '--epochs', '1', '--batch', '20'];
    expect(built(...args, '--out', folder.path('own')).exitCode).toBe(0);
    const [own, whole] = [await readNetworkFile(folder.path('own/model.safetensors')), await readNetworkFile(network)];
    expect(own.nodes).toEqual(whole.nodes);
    expect(own.weights).not.toEqual(whole.weights);
    const { exitCode, stderr } = await depthwise(...args, '--alpha', '0.5', '--out', folder.path('own2'));
    expect([exitCode, stderr]).toEqual([
      2,
      `error: --alpha has no effect with --network ${network}, which is a file\n`,
    ]);
  });

  test.each([
    ['cifar10:nothere', 'nothere/batches\\.meta\\.txt', 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'],
    [
      'mnist:nothere',
      'nothere/(train|t10k)-(images|labels)-idx[13]-ubyte',
      'https://storage.googleapis.com/cvdf-datasets/mnist/',
    ],
  ])('%s: where it comes from', async (source, missing, address) => {
    const { exitCode, stderr } = await depthwise('train', '--data', source, '--out', folder.path('no'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`^error: ${missing}: there is no such file or folder\n`)); // MNIST's are read at once
    expect(stderr).toContain(address);
  });
});

test.each<[readonly string[], string]>([
  [['--classes', '9'], '--classes: the data says how many classes there are'],
  [
    ['--augment', 'turn'],
    "option '--augment <list>' argument 'turn' is invalid. Wanted flip, crop[:pixels], cutout[:pixels], mixup[:a] or none.",
  ],
  [
    ['--resolutions', '24,32'],
    "option '--resolutions <list>' argument '24,32' is invalid. Wanted side x epochs, as in 24x10,32.",
  ],
  [
    ['--restarts', '2'],
    "option '--restarts <list>' argument '2' is invalid. Wanted epochs x learning rate, as in 30x0.05.",
  ],
  [
    ['--restarts', '2x0.1:turn'],
    "option '--restarts <list>' argument '2x0.1:turn' is invalid. Wanted flip, crop[:pixels], cutout[:pixels], mixup[:a] or none.",
  ],
  [['--momentum', '-1'], "option '--momentum <m>' argument '-1' is invalid. Wanted a number of 0 or more."],
  [['--label-smoothing', '1'], 'training: labelSmoothing must be at least 0 and below 1, found 1'],
  [
    ['--network', 'resnet'],
    "there is no network 'resnet'; wanted mobilenet_v1, mobilenet_v2, or a name such as mobilenet_v1_0.75_192",
  ],
  [['--optimizer', 'adam', '--momentum', '0.9'], '--momentum is for sgd and rmsprop, found adam'],
  [
    ['--network', 'mobilenet_v1_0.25_96_small', '--alpha', '0.25'],
    'mobilenet_v1_0.25_96_small wants pictures of 96×96, CIFAR-10, training has 32×32',
  ],
  [['--resolution', '64'], 'mobilenet_v1_0.05_64_small wants pictures of 64×64, CIFAR-10, training has 32×32'],
])('%j is refused', async (flags, message) => {
  const { exitCode, stderr } = await depthwise(...command('refused', ...flags));
  expect([exitCode, stderr]).toEqual([2, `error: ${message}\n`]);
});
