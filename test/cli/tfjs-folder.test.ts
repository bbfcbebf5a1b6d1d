/** A TensorFlow.js model is whole at every moment, whatever lay in its folder before. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, expect, test } from 'vitest';
import { writeTfjsFolder } from '../../src/cli/tfjs-folder.js';
import { writeTfjs } from '../../src/formats/index.js';
import { readTfjs } from '../../src/formats/tfjs.js';
import { type Network, randomWeights } from '../../src/network/index.js';
import { smallNetwork, temporaryFolder } from './command.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const networks = [1, 2].map((seed) => randomWeights(smallNetwork(), seed));

async function write(name: string, network: Network): Promise<string[]> {
  await writeTfjsFolder(folder.path(name), await writeTfjs(network));
  return readdirSync(folder.path(name)).sort();
}

const read = async (name: string): Promise<Network> => {
  const files = readdirSync(folder.path(name)).map(
    (file) => [file, readFileSync(folder.path(`${name}/${file}`))] as const,
  );
  return readTfjs(new Map(files));
};

const kernelOf = ({ weights }: Network) => [...[...weights.values()][0].data];

test('the usual names where the folder is empty or holds the same weights', async () => {
  mkdirSync(folder.path('fresh'));
  for (let time = 0; time < 2; time++) {
    expect(await write('fresh', networks[0])).toEqual(['group1-shard1of1.bin', 'model.json']);
  }
});

test('names with a hash beside another model, whose weights go after its model.json', async () => {
  mkdirSync(folder.path('second'));
  await write('second', networks[0]);
  const files = await write('second', networks[1]);
  expect(files).toEqual([expect.stringMatching(/^[0-9a-f]{8}-group1-shard1of1\.bin$/), 'model.json']);
  expect(kernelOf(await read('second'))).toEqual(kernelOf(await readTfjs(await writeTfjs(networks[1]))));
  expect(await write('second', networks[0])).toEqual(['group1-shard1of1.bin', 'model.json']);
  expect(kernelOf(await read('second'))).toEqual(kernelOf(await readTfjs(await writeTfjs(networks[0]))));
});

test('what a run left that was killed before its model.json goes with the next', async () => {
  mkdirSync(folder.path('killed'));
  writeFileSync(folder.path('killed/0123abcd-group1-shard1of2.bin'), 'half');
  expect(await write('killed', networks[0])).toEqual(['group1-shard1of1.bin', 'model.json']);
});

test("another program's file of the same name stays", async () => {
  mkdirSync(folder.path('other'));
  writeFileSync(folder.path('other/group1-shard1of1.bin'), 'mine');
  await write('other', networks[0]);
  expect(readFileSync(folder.path('other/group1-shard1of1.bin'), 'utf8')).toBe('mine');
  const { weightsManifest } = JSON.parse(readFileSync(folder.path('other/model.json'), 'utf8'));
  expect(weightsManifest[0].paths).toEqual([expect.stringMatching(/^[0-9a-f]{8}-group1-shard1of1\.bin$/)]);
});

test('one process at a time: two at once could give one model the weights of the other', async () => {
  mkdirSync(folder.path('locked'));
  writeFileSync(folder.path('locked/.depthwise.lock'), `${process.ppid} ${hostname()}\n`);
  await expect(write('locked', networks[0])).rejects.toThrow(
    `<out>: '${folder.path('locked')}': process ${process.ppid} is writing into this folder; wait for its end, or name another folder`,
  );
  expect(readdirSync(folder.path('locked'))).toEqual(['.depthwise.lock']);
});
