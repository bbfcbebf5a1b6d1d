/** Published weights by name on the command line, from a mirror on this machine. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataPath, noData } from '../data.js';
import { type Server, sendFile, serve } from '../pretrained/server.js';
import { cat, main, type Outcome, smallNetwork, temporaryFolder, withoutProgress, writeModel } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

let mirror: Server;
let labels: Uint8Array;
let weights: Uint8Array;
beforeAll(async () => {
  // The list of labels has a known hash, so that no other will do.
  labels = noData ? Buffer.from('background\n') : readFileSync(dataPath('labels', 'imagenet_labels_1001.txt'));
  // A file says what it holds by its content: here a small network, whatever the name.
  weights = readFileSync(await writeModel(folder.path('small.safetensors'), smallNetwork({ classes: 1000 })));
  mirror = await serve((request, response) => {
    if (request.url === '/imagenet_labels.txt') sendFile(request, response, labels);
    else if (request.url === '/mobilenet_2_5_128_tf.h5') sendFile(request, response, weights);
    else response.writeHead(404).end();
  });
});
afterAll(() => mirror.close());

/** Runs the command as users do, beside this process, which serves it. */
function depthwise(cache: string, ...args: string[]): Promise<Outcome> {
  const environment = { ...process.env, DEPTHWISE_CACHE: folder.path(cache), DEPTHWISE_MIRROR: mirror.address };
  const child = spawn(process.execPath, [main, ...args], { env: environment });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  return new Promise((done) =>
    child.on('close', (exitCode) => done({ exitCode, stdout, stderr: withoutProgress(stderr) })),
  );
}

const name = 'mobilenet_v1_0.25_128';

test.skipIf(noData)('classify fetches, and from then on needs no server (needs DEPTHWISE_DATA)', async () => {
  const args = ['classify', cat, '--model', name, '--top', '2'];
  const first = await depthwise('classify', ...args);
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toMatch(/\n +\d+\.\d % {2}\S.*\n +\d+\.\d % {2}\S.*\n$/);
  const before = mirror.requests.length;
  expect(await depthwise('classify', ...args)).toEqual(first);
  expect(mirror.requests.length).toBe(before);
});

test('a list of labels that was cut off is refused and deleted; the weights stay', async () => {
  const cut = await serve((request, response) => {
    if (request.url === '/imagenet_labels.txt') sendFile(request, response, Buffer.from('background\ntench\ngoldf'));
    else sendFile(request, response, weights);
  });
  const environment = { ...process.env, DEPTHWISE_CACHE: folder.path('cut'), DEPTHWISE_MIRROR: cut.address };
  const child = spawn(process.execPath, [main, 'classify', cat, '--model', name], { env: environment });
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  expect(await new Promise((done) => child.on('close', done)).finally(() => cut.close())).toBe(1);
  expect(stderr).toMatch(/imagenet_labels\.txt: another file than expected, deleted: its SHA-256 is /);
  expect(readdirSync(folder.path('cut')).sort()).toEqual(['mobilenet_2_5_128_tf.h5', 'mobilenet_2_5_128_tf.h5.sha256']);
});

test('weights whose labels cannot be had: what is missing, and how to go on', async () => {
  const partly = await serve((request, response) => {
    if (request.url === '/imagenet_labels.txt') response.writeHead(404).end();
    else sendFile(request, response, weights);
  });
  const environment = { ...process.env, DEPTHWISE_CACHE: folder.path('partly'), DEPTHWISE_MIRROR: partly.address };
  const run = (...args: string[]): Promise<Outcome> => {
    const child = spawn(process.execPath, [main, ...args], { env: environment });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    return new Promise((done) => child.on('close', (exitCode) => done({ exitCode, stdout, stderr })));
  };
  try {
    const { exitCode, stderr } = await run('classify', cat, '--model', name);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      '\nThe weights are here; these are the labels. To do without them, state others: load(name, { labels }), or [] for none; classify and convert take --labels FILE\n',
    );
    // Numbers alone need no names.
    for (const command of ['golden', 'trace']) {
      const out = folder.path(`${command}.safetensors`);
      const numbers = await run(command, '--model', name, '--noise', 'normal', '--out', out);
      expect([numbers.exitCode, existsSync(out)]).toEqual([0, true]);
    }
    expect((await run('models')).stdout).toMatch(/^mobilenet_v1_0\.25_128 .* no labels$/m);
    const model = JSON.parse((await run('models', '--json')).stdout).find((one: { name: string }) => one.name === name);
    expect(model).toMatchObject({ cached: false, missing: 'imagenet_labels.txt' });
    const own = folder.path('own.txt');
    writeFileSync(own, Array.from({ length: 1000 }, (_, i) => `thing ${i}\n`).join(''));
    expect(await run('classify', cat, '--model', name, '--labels', own, '--top', '1')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/% {2}thing \d+\n$/),
    });
  } finally {
    partly.close();
  }
});

test.skipIf(noData)('two processes at once (needs DEPTHWISE_DATA)', async () => {
  const args = ['classify', cat, '--model', name, '--json'];
  const [one, other] = await Promise.all([depthwise('both', ...args), depthwise('both', ...args)]);
  expect(one).toMatchObject({ exitCode: 0, stderr: '' });
  expect(other).toEqual(one);
  expect(readdirSync(folder.path('both')).sort()).toEqual([
    'imagenet_labels.txt',
    'mobilenet_2_5_128_tf.h5',
    'mobilenet_2_5_128_tf.h5.sha256',
  ]);
  expect(Buffer.compare(readFileSync(join(folder.path('both'), 'mobilenet_2_5_128_tf.h5')), weights)).toBe(0);
});

test.skipIf(noData)('convert, embed and golden take the name too (needs DEPTHWISE_DATA)', async () => {
  const out = folder.path('converted.safetensors');
  expect(await depthwise('others', 'convert', name, out)).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining(`wrote ${out}: ${name}, `),
  });
  expect(
    await depthwise('others', 'embed', cat, '--model', name, '--layer', 'conv_pw_13_relu', '--json'),
  ).toMatchObject({
    exitCode: 0,
  });
  expect(
    await depthwise('others', 'golden', '--model', name, '--picture', cat, '--out', folder.path('golden.npz')),
  ).toMatchObject({ exitCode: 0 });
});

test('a name without weights on the server: what to do, and exit code 1', async () => {
  const { exitCode, stderr } = await depthwise('none', 'classify', cat, '--model', 'mobilenet_v2_0.35_96', '--json');
  expect(exitCode).toBe(1);
  const { error } = JSON.parse(stderr);
  expect(error.code).toBe('download');
  expect(error.message).toMatch(/the server answered 404 Not Found\nTo do without this connection, fetch\n {2}https:/);
  expect(error.message).toContain(
    join(folder.path('none'), 'mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96.h5'),
  );
});

test('summary of a name fetches nothing', async () => {
  const before = mirror.requests.length;
  expect(await depthwise('summary', 'summary', name)).toMatchObject({ exitCode: 0 });
  expect(mirror.requests.length).toBe(before);
  expect(existsSync(folder.path('summary'))).toBe(false);
});

test('--network is for files', async () => {
  const { exitCode, stderr } = await depthwise(
    'network',
    'classify',
    cat,
    '--model',
    name,
    '--network',
    'mobilenet_v1',
  );
  expect([exitCode, stderr]).toEqual([
    2,
    `error: --network is for files of weights; there is no file '${name}', and the published weights of that name have their network\n`,
  ]);
});

test('a file of that name goes before the name', async () => {
  mkdirSync(folder.path('here'));
  symlinkSync(folder.path('small.safetensors'), join(folder.path('here'), name));
  const before = mirror.requests.length;
  const path = join(folder.path('here'), name);
  expect(await depthwise('file', 'classify', cat, '--model', path)).toMatchObject({ exitCode: 0 });
  expect(mirror.requests.length).toBe(before);
});

test('Ctrl-C leaves what has come, and says so', async () => {
  const slow = await serve((request, response) => {
    const from = request.headers.range ? 1000 : 0;
    if (from > 0 || request.url === '/imagenet_labels.txt') sendFile(request, response, from ? weights : labels);
    else sendFile(request, response, weights, { upTo: 1000 });
  });
  try {
    const environment = { ...process.env, DEPTHWISE_CACHE: folder.path('slow'), DEPTHWISE_MIRROR: slow.address };
    const child = spawn(process.execPath, [main, 'classify', cat, '--model', name], { env: environment });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    const closed = new Promise((done) => child.on('close', done));
    const arrived = (): boolean =>
      existsSync(folder.path('slow')) &&
      readdirSync(folder.path('slow')).some((entry) => {
        const bytes = join(folder.path('slow'), entry, 'bytes');
        return existsSync(bytes) && readFileSync(bytes).length === 1000;
      });
    while (!arrived()) await new Promise((next) => setTimeout(next, 10));
    child.kill('SIGINT');
    expect(await closed).toBe(130);
    expect(withoutProgress(stderr)).toBe('interrupted; the next call continues the download\n');
    expect(readdirSync(folder.path('slow'))).toEqual(['mobilenet_2_5_128_tf.h5.part']);
  } finally {
    slow.close();
  }
});

test.skipIf(noData)('the real file, under its hash (needs DEPTHWISE_DATA)', async () => {
  const real = await serve((request, response) => {
    const file =
      request.url === '/imagenet_labels.txt'
        ? dataPath('labels', 'imagenet_labels_1001.txt')
        : dataPath('models', request.url!.slice(1));
    sendFile(request, response, readFileSync(file));
  });
  try {
    const environment = { ...process.env, DEPTHWISE_CACHE: folder.path('real'), DEPTHWISE_MIRROR: real.address };
    const args = ['classify', cat, '--model', 'mobilenet_v1_0.25_224', '--top', '1'];
    const child = spawn(process.execPath, [main, ...args], { env: environment });
    let stdout = '';
    child.stdout.on('data', (text) => (stdout += text));
    await new Promise((done) => child.on('close', done));
    expect(stdout).toBe(`${cat}\n 54.0 %  Egyptian cat\n`);
    // The file itself has Keras' name for it, mobilenet_0.25_224.
    const summary = spawnSync(
      process.execPath,
      [main, 'convert', 'mobilenet_v1_0.25_224', folder.path('real.npz'), '--json'],
      {
        env: environment,
        encoding: 'utf8',
      },
    );
    expect(JSON.parse(summary.stdout).network).toBe('mobilenet_v1_0.25_224');
  } finally {
    real.close();
  }
});
