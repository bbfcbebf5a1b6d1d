/** Options that would have no effect are refused by name, for every kind of source and of file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DownloadError, UsageError } from '../../src/errors.js';
import type { LoadOptions, ModelSource } from '../../src/load/model.js';
import { load } from '../../src/load/node.js';
import { smallFile, smallNetwork } from './models.js';

const network = smallNetwork();
let bytes: Uint8Array<ArrayBuffer>;
let folder: string;
beforeAll(async () => {
  bytes = await smallFile();
  folder = await mkdtemp(join(tmpdir(), 'depthwise-idle-'));
  await writeFile(join(folder, 'small.safetensors'), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const ADDRESS = 'https://a.example/small.safetensors';
const VALUES = {
  cache: true,
  integrity: '0'.repeat(64),
  readers: [],
  fileName: 'small.h5',
  architecture: network,
} satisfies LoadOptions;
const OF_FILES = ['integrity', 'readers', 'fileName', 'architecture'] as const;

type Case = [what: string, source: () => ModelSource, idle: readonly (keyof typeof VALUES)[]];

describe.each<Case>([
  ['a network', () => network, ['cache', ...OF_FILES]],
  ['a published network', () => 'mobilenet_v1_0.25_224', OF_FILES],
  ['a file', () => join(folder, 'small.safetensors'), ['cache']],
  ['a response', () => new Response(bytes), ['cache']],
  ['bytes in memory', () => bytes, ['cache']],
  ['bytes in memory', () => new Blob([bytes]), ['cache']],
  ['a request that is no GET', () => new Request(ADDRESS, { method: 'POST' }), ['cache']],
])('%s', (what, source, idle) => {
  test.each(idle)('%s', async (option) => {
    await expect(load(source(), { [option]: VALUES[option] })).rejects.toThrow(
      new UsageError(`load: ${option} has no effect with ${what}`),
    );
  });
});

test('cache: false is true of everything but a published network in Node', async () => {
  for (const source of [network, bytes, join(folder, 'small.safetensors')]) {
    (await load(source, { cache: false })).dispose();
  }
  await expect(load('mobilenet_v1_0.25_224', { cache: false })).rejects.toThrow(
    new UsageError('load: cache: false has no effect with a published network: in Node a folder keeps it in any case'),
  );
});

test('published networks come by the given fetch', async () => {
  const asked: string[] = [];
  const given = async (address: string) => {
    asked.push(address);
    return new Response('gone', { status: 410 });
  };
  const platform = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('asked the platform'));
  await expect(load('mobilenet_v1_0.25_224', { cache: folder, fetch: given })).rejects.toThrow(DownloadError);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatch(/^https:.*mobilenet/i);
  expect(platform).not.toHaveBeenCalled();
  platform.mockRestore();
});

test('onProgress and fetch have their use with every source', async () => {
  const phases: string[] = [];
  const given = async () => new Response('no picture');
  const model = await load(network, { onProgress: ({ phase }) => phases.push(phase), fetch: given });
  expect(phases).toEqual(['compile', 'compile']);
  await expect(model.classify('https://a.example/cat.jpg')).rejects.toThrow(/cat\.jpg: found 10 bytes/);
  model.dispose();
});
