/** `load` in Node: every source gives the same model. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DownloadError, FormatError, UsageError } from '../../src/errors.js';
import { writeNetwork } from '../../src/formats/index.js';
import type { ModelSource } from '../../src/load/model.js';
import { clearCache, isCached, load } from '../../src/load/node.js';
import type { Network } from '../../src/network/index.js';
import { probabilities } from '../../src/tasks/index.js';
import { type Answer, type FileServer, noise, serveFiles, smallFile, smallNetwork, tfjsFiles } from './models.js';

const picture = noise(1);
const files = new Map<string, Answer | Uint8Array>();
let network: Network;
let bytes: Uint8Array<ArrayBuffer>;
let server: FileServer;
let folder: string;

beforeAll(async () => {
  network = smallNetwork();
  bytes = await smallFile();
  folder = await mkdtemp(join(tmpdir(), 'depthwise-load-'));
  server = await serveFiles(files);
  files.set('small.safetensors', bytes);
  await writeFile(join(folder, 'small.safetensors'), bytes);
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const sha256 = (content: Uint8Array) => createHash('sha256').update(content);
const hex = (content: Uint8Array) => sha256(content).digest('hex');

describe('sources', () => {
  test.each<[string, () => ModelSource | Promise<ModelSource>, 'kept' | 'read again']>([
    ['a network', () => network, 'kept'],
    ['a Uint8Array', () => bytes, 'kept'],
    ['a Buffer', () => Buffer.from(bytes), 'kept'],
    ['an ArrayBuffer', () => bytes.buffer, 'kept'],
    ['a Blob', () => new Blob([bytes]), 'read again'],
    ['a File', () => new File([bytes], 'small.safetensors'), 'read again'],
    ['a Response', () => new Response(bytes), 'kept'],
    ['a fetched Response', () => fetch(`${server.address}small.safetensors`), 'kept'],
    ['a Request', () => new Request(`${server.address}small.safetensors`), 'read again'],
    ['an address', () => `${server.address}small.safetensors`, 'read again'],
    ['an address with a query', () => `${server.address}small.safetensors?version=3`, 'read again'],
    ['a URL', () => new URL('small.safetensors', server.address), 'read again'],
    ['a path', () => join(folder, 'small.safetensors'), 'read again'],
    ['a file URL', () => pathToFileURL(join(folder, 'small.safetensors')), 'read again'],
    [
      'a data: address',
      () => `data:application/octet-stream;base64,${Buffer.from(bytes).toString('base64')}`,
      'read again',
    ],
  ])('%s', async (_, source, weights) => {
    const model = await load(await source());
    expect(await model.probabilities(picture)).toEqual(await probabilities(network, picture));
    expect(model.report().weights).toBe(weights);
    expect([model.labels, model.inputSize]).toEqual([
      ['ant', 'bee', 'cat'],
      [32, 32],
    ]);
    // Another layer than the plan of all tasks has: the weights are there still, or again.
    expect((await model.embed(picture, { layer: 'conv_pw_3_relu' })).shape).toEqual([1, 12]);
    model.dispose();
  });

  test.each(['safetensors', 'npz', 'tflite', 'onnx'] as const)('a file of the format %s', async (format) => {
    const preprocessing = network.conventions.preprocessing!;
    const model = await load(await writeNetwork(network, format), { preprocessing });
    const [found, wanted] = [await model.probabilities(picture), await probabilities(network, picture)];
    expect(found.shape).toEqual(wanted.shape);
    found.data.forEach((value, i) => {
      expect(value).toBeCloseTo(wanted.data[i], 5);
    });
  });

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [{}, 'an Object'],
    [Promise.resolve(1), 'a Promise; await it'],
    [new Map(), 'a Map'],
    [new Float32Array(2), 'a Float32Array'],
  ])('%o is none', async (source, what) => {
    await expect(load(source as never)).rejects.toThrow(
      new UsageError(`load: wanted a model's address, Response, Blob, bytes or network, found ${what}`),
    );
  });

  test('a model, a plan', async () => {
    await expect(load((await load(network)) as never)).rejects.toThrow(/found a loaded model$/);
    const { compile } = await import('../../src/engine/index.js');
    await expect(load((await compile(network)) as never)).rejects.toThrow(/found a compiled plan$/);
  });

  test('a text that names nothing', async () => {
    await expect(load('mobilenet_v1_0.3_224')).rejects.toThrow(
      /^load: 'mobilenet_v1_0.3_224' is no file here, no address and no published network; similar names: mobilenet_v1_0.25_224, /,
    );
    await expect(load('mobilenet_v2')).rejects.toThrow(/similar names: mobilenet_v2_1/);
    for (const path of ['./nope.h5', 'nope.h5', 'folder/nope']) {
      await expect(load(path)).rejects.toThrow(new UsageError(`load: '${path}': there is no such file`));
    }
    await expect(load('')).rejects.toThrow(
      new UsageError("load: the text is empty; wanted a model's address, Response, Blob, bytes or network"),
    );
    await expect(load(Promise.resolve(new Response()) as never)).rejects.toThrow(/found a Promise; await it$/);
    await expect(load(pathToFileURL(join(folder, 'none.h5')))).rejects.toThrow(
      new FormatError(`${join(folder, 'none.h5')}: there is no such file or folder`),
    );
    await expect(load(folder)).rejects.toThrow(new FormatError(`${folder}: is a folder, not a file`));
  });

  test('a network without weights', async () => {
    await expect(load({ ...network, weights: new Map() })).rejects.toThrow(/weight .* is missing/);
  });

  test('what changes after it was loaded is not mixed with what was', async () => {
    const path = join(folder, 'changing.safetensors');
    await writeFile(path, bytes);
    const model = await load(path);
    await writeFile(path, await smallFile(smallNetwork(2)));
    await expect(model.embed(picture, { layer: 'conv1' })).rejects.toThrow(
      new DownloadError(`${path}: has changed since the model was loaded; load the model again`),
    );
    expect((await model.classify(picture)).length).toBe(3);
  });
});

describe('TensorFlow.js models', () => {
  const preprocessing = () => network.conventions.preprocessing!;

  beforeAll(async () => {
    for (const [name, content] of await tfjsFiles(network)) {
      files.set(`tfjs/${name}`, content);
      await writeFile(join(folder, name), content);
    }
  });

  test('the address or path of model.json stands for its shards', async () => {
    const wanted = await probabilities(network, picture);
    for (const source of [`${server.address}tfjs/model.json?v=1`, join(folder, 'model.json')]) {
      const model = await load(source, { preprocessing: preprocessing() });
      (await model.probabilities(picture)).data.forEach((value, i) => {
        expect(value).toBeCloseTo(wanted.data[i], 5);
      });
      expect(model.report().weights).toBe('read again');
    }
    const response = await load(await fetch(`${server.address}tfjs/model.json`), { preprocessing: preprocessing() });
    expect(response.report().weights).toBe('kept');
  });

  test('a shard that is missing', async () => {
    files.set('half/model.json', files.get('tfjs/model.json')!);
    await expect(load(`${server.address}half/model.json`)).rejects.toThrow(
      /half\/group1-shard1of1\.bin: the server answered 404 Not Found: "no such file"$/,
    );
  });

  test('without its address, its shards are out of reach', async () => {
    const json = files.get('tfjs/model.json') as Uint8Array<ArrayBuffer>;
    await expect(load(new File([json], 'model.json'))).rejects.toThrow(
      new UsageError(
        "model.json: is a TensorFlow.js model, whose weights are in other files ('group1-shard1of1.bin'); load it by its address or path, or a .zip of them all",
      ),
    );
  });

  test('shards elsewhere', async () => {
    const json = JSON.parse(Buffer.from(files.get('tfjs/model.json') as Uint8Array).toString());
    for (const path of ['../secret.bin', 'http://localhost:1/shard.bin', '/etc/passwd']) {
      json.weightsManifest[0].paths = [path];
      files.set('evil/model.json', { body: JSON.stringify(json) });
      await expect(load(`${server.address}evil/model.json`)).rejects.toThrow(/outside of the model's folder/);
    }
  });
});

describe('what servers answer in place of a model', () => {
  test.each<[string, Answer, string]>([
    [
      'an error and its text',
      { status: 503, headers: { 'content-type': 'text/plain' }, body: 'try\n again later' },
      'the server answered 503 Service Unavailable: "try again later"',
    ],
    [
      'an error in JSON',
      { status: 403, headers: { 'content-type': 'application/json' }, body: '{"error":"denied"}' },
      'the server answered 403 Forbidden: "{"error":"denied"}"',
    ],
    [
      'an error page',
      { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' },
      'the server answered 404 Not Found with an HTML page',
    ],
    [
      'an error of bytes',
      { status: 500, headers: { 'content-type': 'application/octet-stream' }, body: Uint8Array.of(1, 2) },
      'the server answered 500 Internal Server Error',
    ],
    [
      'a long text',
      { status: 400, headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(1000) },
      `the server answered 400 Bad Request: "${'x'.repeat(200)}…"`,
    ],
    [
      'a page in place of the file',
      { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<!doctype html>' },
      'the server answered with an HTML page; check the address',
    ],
  ])('%s', async (_, answer, message) => {
    files.set('wrong', answer);
    const address = `${server.address}wrong`;
    await expect(load(address)).rejects.toThrow(new DownloadError(`${address}: ${message}`));
    await expect(load(await fetch(address))).rejects.toThrow(new DownloadError(`${address}: ${message}`));
  });

  test('a page that is not called one', async () => {
    files.set('wrong', { headers: { 'content-type': 'application/octet-stream' }, body: '<!doctype html><p>log in' });
    await expect(load(`${server.address}wrong`)).rejects.toThrow(/wrong: is HTML, not a model/);
  });

  test('nobody', async () => {
    await expect(load('http://localhost:1/x.tflite')).rejects.toThrow(
      new DownloadError('http://localhost:1/x.tflite: bad port'),
    );
    const failing = async () => {
      throw new TypeError('Failed to fetch');
    };
    await expect(load('http://a.example/x.tflite', { fetch: failing })).rejects.toThrow(
      new DownloadError(
        'http://a.example/x.tflite: could not be fetched (Failed to fetch): there is no connection, or the server does not allow this page to read it (CORS)',
      ),
    );
  });

  test('a response that was read', async () => {
    const response = new Response(bytes);
    await response.arrayBuffer();
    await expect(load(response)).rejects.toThrow(
      new DownloadError('the response: the response has been read already; fetch it again'),
    );
  });

  test("an error of the caller's onProgress is no broken connection", async () => {
    const own = new TypeError('bar is null');
    const onProgress = () => {
      throw own;
    };
    await expect(load(new Response(bytes), { onProgress })).rejects.toBe(own);
    await expect(load(network, { onProgress })).rejects.toBe(own);
    await expect(load(`${server.address}small.safetensors`, { onProgress })).rejects.toBe(own);
  });

  test('a connection that breaks', async () => {
    let sent = 0;
    const breaking = new ReadableStream({
      pull(controller) {
        if (sent++ < 2) controller.enqueue(bytes.subarray(0, 100));
        else controller.error(new Error('reset'));
      },
    });
    await expect(load(new Response(breaking))).rejects.toThrow(
      new DownloadError('the response: the connection broke after 200 bytes (reset)'),
    );
  });
});

describe('integrity', () => {
  const source = () => `${server.address}small.safetensors`;
  const wrong = 'a'.repeat(64);

  test('both notations, for every source that is bytes', async () => {
    const base64 = `sha256-${sha256(bytes).digest('base64')}`;
    for (const integrity of [base64, hex(bytes), hex(bytes).toUpperCase()]) {
      for (const one of [source(), bytes, new Blob([bytes]), new Response(bytes), join(folder, 'small.safetensors')]) {
        expect((await load(one, { integrity })).name).toBe(network.name);
      }
    }
  });

  test('another file', async () => {
    for (const one of [source(), bytes, new Blob([bytes]), new Response(bytes), join(folder, 'small.safetensors')]) {
      await expect(load(one, { integrity: wrong })).rejects.toThrow(
        new RegExp(`: another file than expected: its SHA-256 is ${hex(bytes)}, wanted ${wrong}$`),
      );
    }
  });

  test.each(['', 'sha256-', 'sha384-abc', 'deadbeef', `sha256-${'!'.repeat(44)}`])(
    "'%s' is none",
    async (integrity) => {
      const before = server.asked.length;
      await expect(load(source(), { integrity })).rejects.toThrow(
        new UsageError(
          `integrity: wanted 'sha256-' and 44 characters of base64, or 64 hexadecimal digits, found '${integrity}'`,
        ),
      );
      expect(server.asked.length).toBe(before);
    },
  );

  test('of several files there is no hash', async () => {
    const integrity = hex(files.get('tfjs/model.json') as Uint8Array);
    await expect(load(`${server.address}tfjs/model.json`, { integrity })).rejects.toThrow(
      /integrity is the hash of one file, and a TensorFlow\.js model is several; convert it to \.safetensors$/,
    );
  });
});

describe('the cache of addresses', () => {
  const cache = () => join(folder, 'cache');

  test('a file is fetched once, and let go when told to', async () => {
    const address = `${server.address}small.safetensors`;
    const asked = () => server.asked.length;
    const before = asked();
    expect(await isCached(address, cache())).toBe(false);
    await load(address, { cache: cache() });
    expect(await isCached(new URL(address), cache())).toBe(true);
    const model = await load(address, { cache: cache() });
    await model.embed(picture, { layer: 'conv1' });
    expect(asked()).toBe(before + 1);
    await writeFile(join(cache(), 'mine.txt'), 'stays');
    await clearCache(cache());
    expect(await isCached(address, cache())).toBe(false);
    expect(await readdir(cache())).toEqual(['mine.txt']);
    await load(address);
    expect(await isCached(address, cache())).toBe(false);
  });

  test('a kept file with another hash is deleted and fetched again', async () => {
    files.set('new.safetensors', await smallFile(smallNetwork(3)));
    const address = `${server.address}new.safetensors`;
    await load(address, { cache: cache() });
    files.set('new.safetensors', bytes);
    const model = await load(address, { cache: cache(), integrity: hex(bytes) });
    expect(await model.probabilities(picture)).toEqual(await probabilities(network, picture));
    const before = server.asked.length;
    await load(address, { cache: cache(), integrity: hex(bytes) });
    expect(server.asked.length).toBe(before);
  });

  test('a wrong file is not kept', async () => {
    const address = `${server.address}small.safetensors?wrong`;
    await expect(load(address, { cache: cache(), integrity: 'b'.repeat(64) })).rejects.toThrow('another file');
    expect(await isCached(address, cache())).toBe(false);
  });

  test('all files of a TensorFlow.js model are kept', async () => {
    const address = `${server.address}tfjs/model.json`;
    const { preprocessing } = network.conventions;
    await load(address, { cache: cache(), preprocessing: preprocessing! });
    const before = server.asked.length;
    await load(address, { cache: cache(), preprocessing: preprocessing! });
    expect(server.asked.slice(before).filter((path) => !path.endsWith('metadata.json'))).toEqual([]);
  });

  test('what is no address', async () => {
    await expect(isCached('model.h5')).rejects.toThrow(new UsageError("isCached: 'model.h5' is no address"));
  });
});

test('a given fetch is used for everything', async () => {
  const asked: string[] = [];
  const given = async (address: string) => {
    asked.push(address);
    return new Response(address.endsWith('jpg') ? 'no picture' : bytes);
  };
  const model = await load('https://a.example/small.safetensors', { fetch: given });
  await model.embed(picture, { layer: 'conv1' });
  await expect(model.classify('https://a.example/cat.jpg')).rejects.toThrow(/cat\.jpg: found 10 bytes/);
  expect(asked).toEqual([
    'https://a.example/small.safetensors',
    'https://a.example/small.safetensors',
    'https://a.example/cat.jpg',
  ]);
});

test('weights are let go where they can be read again, and not where they cannot', async () => {
  let reads = 0;
  const source = new (class extends Blob {
    override arrayBuffer() {
      reads++;
      return super.arrayBuffer();
    }
  })([bytes]);
  const model = await load(source);
  for (let i = 0; i < 2; i++) {
    await model.classify(picture);
    await model.logits(picture);
    await model.probabilities(picture);
    await model.embed(picture);
  }
  expect(reads).toBe(1);
  for (let i = 0; i < 2; i++) await model.embed(picture, { layer: 'conv1' });
  expect(reads).toBe(2);
});
