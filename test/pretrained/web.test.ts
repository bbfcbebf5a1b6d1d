/** Networks by name as a page loads them: what is fetched, kept and checked, and what its errors say. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { DownloadError, FormatError, UsageError } from '../../src/errors.js';
import { writeNetwork } from '../../src/formats/index.js';
import { load } from '../../src/load/index.js';
import { mobilenetV1 } from '../../src/models/index.js';
import { randomWeights } from '../../src/network/index.js';
import { loadPretrained, type PretrainedOptions, type Release } from '../../src/pretrained/index.js';
import { fileStore } from '../../src/remote/file-store.js';

const network = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 }), 1);
const NAME = 'mobilenet_v1_0.25_32';
const HOST = 'https://storage.googleapis.com/somewhere';
const weights = { file: 'small.safetensors', address: `${HOST}/weights/small.safetensors` };
const labels = { file: 'three.txt', address: `${HOST}/three.txt` };
const table: readonly Release[] = [{ name: NAME, weights, labels }];

let files: Map<string, Uint8Array | string>;
let fetched: string[];
beforeEach(async () => {
  await fileStore().clear();
  fetched = [];
  files = new Map<string, Uint8Array | string>()
    .set(weights.address, await writeNetwork(network, 'safetensors'))
    .set(labels.address, 'a\nb\nc\n');
});

const get = (async (address: string) => {
  fetched.push(address);
  const content = files.get(address);
  if (content === undefined) throw new TypeError('Failed to fetch');
  return new Response(content as BodyInit);
}) as typeof fetch;

const loadIt = (options: PretrainedOptions = {}) => loadPretrained(NAME, { releases: table, fetch: get, ...options });

const ADVICE = (address: string): string =>
  `To do without this connection, fetch\n  ${address}\nelsewhere, serve it with the page, and load it by its address there; or all files of a model: loadPretrained(name, { mirror: 'their folder' })`;

describe('loadPretrained', () => {
  test('fetches once, keeps the files, and gives the network its labels', async () => {
    const first = await loadIt();
    expect(first.conventions).toEqual({ ...network.conventions, labels: ['a', 'b', 'c'] });
    expect(first.weights.get('conv1/kernel')).toEqual(network.weights.get('conv1/kernel'));
    expect(await loadIt()).toEqual(first);
    expect(fetched).toEqual([weights.address, labels.address]);
  });

  test('keeps nothing, or elsewhere, where that is asked for', async () => {
    await loadIt({ cache: false });
    await loadIt({ cache: 'elsewhere' });
    expect(await fileStore().get(weights.address)).toBeUndefined();
    expect(await fileStore('elsewhere').get(weights.address)).toBeDefined();
    await fileStore('elsewhere').clear();
  });

  test('from a mirror, under the same names', async () => {
    files = new Map(
      [...files].map(([address, content]) => [`https://own.example/${address.split('/').at(-1)}`, content]),
    );
    await loadIt({ mirror: 'https://own.example/' });
    expect(fetched).toEqual(['https://own.example/small.safetensors', 'https://own.example/three.txt']);
  });

  test('from a mirror with a password, which is sent as a header and shown nowhere', async () => {
    const asked: [string, RequestInit | undefined][] = [];
    const refuse = (async (address: string, init?: RequestInit) => {
      asked.push([address, init]);
      throw new TypeError('Failed to fetch');
    }) as typeof fetch;
    const message = await loadIt({ mirror: 'https://user:secret@own.example', fetch: refuse }).catch(
      (error: Error) => error.message,
    );
    expect(asked).toEqual([
      ['https://own.example/small.safetensors', { headers: { authorization: `Basic ${btoa('user:secret')}` } }],
    ]);
    expect(message).toContain(`${NAME}: https://own.example/small.safetensors: could not be fetched`);
    expect(message).not.toMatch(/user|secret/);
  });

  test('an answer without an end', async () => {
    const endless = (async () => {
      const chunk = new Uint8Array(50_000_000);
      return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
    }) as unknown as typeof fetch;
    await expect(loadIt({ fetch: endless })).rejects.toThrow(
      `${NAME}: ${weights.address}: has more than the 200000000 bytes that are read`,
    );
    const long = (async () => new Response('x', { headers: { 'content-length': `${2 ** 30 + 1}` } })) as typeof fetch;
    await expect(loadIt({ fetch: long })).rejects.toThrow(
      `${NAME}: ${weights.address}: has more than the 1073741824 bytes that are read`,
    );
  });

  test('progress is that of the weights: bytes, never fewer', async () => {
    const seen: number[] = [];
    await loadIt({ onProgress: (loaded) => seen.push(loaded) });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe((files.get(weights.address) as Uint8Array).length);
  });

  test('a host that lets no page read: its name, the file, and what to do', async () => {
    files.delete(weights.address);
    await expect(loadIt()).rejects.toThrow(
      new DownloadError(
        `${NAME}: ${weights.address}: could not be fetched (Failed to fetch): there is no connection, or the server does not allow this page to read it (CORS)\nstorage.googleapis.com may not let pages of other sites read its files.\n${ADVICE(weights.address)}`,
      ),
    );
  });

  test('a host that does', async () => {
    const address = 'https://raw.githubusercontent.com/somebody/something/small.safetensors';
    const releases = [{ name: NAME, weights: { ...weights, address } }];
    const message = await loadIt({ releases }).catch((error: Error) => error.message);
    expect(message).toBe(
      `${NAME}: ${address}: could not be fetched (Failed to fetch): there is no connection, or the server does not allow this page to read it (CORS)\n${ADVICE(address)}`,
    );
  });

  test('another file than the hash says', async () => {
    const releases = [{ name: NAME, weights: { ...weights, sha256: '0'.repeat(64) } }];
    const hash = createHash('sha256').update(files.get(weights.address)!).digest('hex');
    const message = await loadIt({ releases }).catch((error: Error) => error.message);
    expect(message).toContain(`${weights.address}: another file than expected: its SHA-256 is ${hash}`);
    expect(await fileStore().get(weights.address)).toBeUndefined();
  });

  test('a damaged file is kept no longer', async () => {
    files.set(weights.address, files.get(weights.address)!.slice(0, 5000));
    await expect(loadIt()).rejects.toThrow(FormatError);
    await expect(loadIt()).rejects.toThrow(`${NAME}: ${weights.address}: small.safetensors: truncated`);
    expect(fetched).toEqual([weights.address, weights.address]);
  });

  test('labels that cannot be had say how to go on; labels: false does without', async () => {
    files.delete(labels.address);
    await expect(loadIt()).rejects.toThrow(
      /\nThe weights are here; these are the labels\. To do without them, state others: /,
    );
    expect((await loadIt({ labels: false })).conventions.labels).toBeUndefined();
  });

  test('labels of another length', async () => {
    files.set(labels.address, 'a\nb\n');
    await expect(loadIt()).rejects.toThrow(
      new FormatError(`${NAME}: ${labels.address}: labels: found 2 labels for 3 outputs, wanted 3`),
    );
  });

  test('a name without weights', async () => {
    await expect(loadPretrained('mobilenet_v1_0.3_224', { releases: table })).rejects.toThrow(
      new UsageError(`there are no published weights called 'mobilenet_v1_0.3_224'; similar names: ${NAME}`),
    );
  });
});

describe('load', () => {
  const fetchNothing = (async (address: string) => {
    fetched.push(String(address));
    throw new TypeError('Failed to fetch');
  }) as typeof fetch;

  test('takes the name of a published network', async () => {
    await expect(load('mobilenet_v2_1.0_224', { fetch: fetchNothing })).rejects.toThrow(
      'mobilenet_v2_1.0_224: https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/',
    );
    expect(fetched).toHaveLength(1);
  });

  test('takes anything else as an address', async () => {
    const addresses = ['mobilenet_v1_0.25_224.h5', 'mobilenet.safetensors', 'models/mobilenet_v1_0.25_224'];
    for (const address of addresses) {
      await expect(load(new URL(address, 'https://own.example/'), { fetch: fetchNothing })).rejects.toThrow(
        `https://own.example/${address}: could not be fetched`,
      );
    }
  });
});
