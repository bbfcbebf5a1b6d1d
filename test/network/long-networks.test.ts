/** Networks of ten thousand layers: whatever walks a graph takes time that grows with its edges, and finds what it finds in small ones. */
import { expect, test } from 'vitest';
import { compile } from '../../src/engine/index.js';
import { planMemory } from '../../src/engine/memory-plan.js';
import { readNetwork, writeNetwork } from '../../src/formats/index.js';
import { soleReaders } from '../../src/network/graph.js';
import { type Network, type NetworkNode, run, summarize, trace } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

const COUNT = 10_000;

/** Where a list was copied or searched for each of its members, one of these steps took 5 to 20 s. */
const MOST_CPU_MS = 4000;

function network(nodes: NetworkNode[], outputs: readonly string[]): Network {
  return {
    name: 'long',
    inputs: [{ name: 'x', shape: [1, 2, 2, 1] }],
    nodes,
    outputs,
    weights: new Map(),
    conventions: { source: 'other', output: 'features' },
  };
}

const node = (name: string, kind: string, inputs: readonly string[], attributes: object = {}) =>
  ({ name, kind, inputs, attributes }) as NetworkNode;

const names = Array.from({ length: COUNT - 1 }, (_, index) => `n${index}`);
const before = (index: number): string => (index === 0 ? 'x' : names[index - 1]);
const noBorder = { padding: { top: 0, bottom: 0, left: 0, right: 0 }, value: 0 };

/** Each with its output for x = [-1, 2, 3, 4]. */
const cases: readonly [what: string, network: Network, output: readonly number[]][] = [
  [
    'layers in a row',
    network(
      names.map((name, index) => node(name, 'relu', [before(index)])),
      [names.at(-1)!],
    ),
    [0, 2, 3, 4],
  ],
  [
    'additions in a row, one term always the same',
    network(
      names.map((name, index) => node(name, 'add', [before(index), 'x'])),
      [names.at(-1)!],
    ),
    [-COUNT, 2 * COUNT, 3 * COUNT, 4 * COUNT],
  ],
  [
    'readers of one tensor, all of them outputs',
    network(
      names.map((name) => node(name, 'relu', ['x'])),
      names,
    ),
    [0, 2, 3, 4],
  ],
  [
    'readers of one tensor, borders that could be a convolution’s, and one reader of them all',
    network(
      [...names.slice(1).map((name) => node(name, 'pad', ['x'], noBorder)), node('sum', 'add', names.slice(1))],
      ['sum'],
    ),
    [-1, 2, 3, 4].map((value) => value * (COUNT - 2)),
  ],
];

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** The first test of the file: the most that the process ever held tells nothing about what comes after something larger. */
test('a memory plan keeps no list of the steps: a thousand sums of a thousand terms in 100 MB', () => {
  const terms = (index: number) => new Array<string>(1000).fill(before(index));
  const sums = names.slice(0, 1000).map((name, index) => node(name, 'add', terms(index)));
  const held = process.resourceUsage().maxRSS;
  // A sum and the one before it, each a cache line of 64 bytes.
  expect(planMemory(network(sums, ['n999']))).toEqual({
    weightBytes: 0,
    activationBytes: 128,
    wholeMapsActivationBytes: 128,
  });
  expect(process.resourceUsage().maxRSS - held).toBeLessThan(100 * 1024);
});

test.each(cases)('%s', async (_, described, output) => {
  const x = tensor([1, 2, 2, 1], [-1, 2, 3, 4]);
  const last = described.outputs.at(-1)!;
  const file = await writeNetwork(described, 'safetensors');
  const steps: Record<string, () => unknown> = {
    read: () => readNetwork(file, { fileName: 'x.safetensors' }),
    summary: () => summarize(described),
    'grouped summary': () => summarize(described, { grouped: true }),
    'memory plan': () => planMemory(described),
    run: () => expect([...run(described, x).get(last)!.data]).toEqual(output),
    trace: () => expect(trace(described, x).size).toBe(described.nodes.length + 1),
    compile: async () => expect([...(await compile(described)).run(x).get(last)!.data]).toEqual(output),
    'compile for every tensor': async () => {
      const plan = await compile(described, { everyTensor: true });
      expect([...plan.run(x).get(last)!.data]).toEqual(output);
      plan.dispose();
    },
    'write .tflite': () => writeNetwork(described, 'tflite'),
  };
  for (const [what, step] of Object.entries(steps)) {
    const begin = cpuMs();
    await step();
    expect(cpuMs() - begin, what).toBeLessThan(MOST_CPU_MS);
  }
});

test('the only reader of a tensor', () => {
  const [a, b, c] = [node('a', 'relu', ['x']), node('b', 'add', ['a', 'a']), node('c', 'add', ['b', 'x'])];
  const found = soleReaders([a, b, c], ['c']);
  expect(found.get('b')).toBe(c);
  expect(found.get('a')).toBeUndefined(); // read twice by one node
  expect(found.get('x')).toBeUndefined(); // read by two
  expect(found.get('c')).toBeUndefined(); // an output
  expect(soleReaders([a], ['x']).get('x')).toBeUndefined(); // read outside too
});
