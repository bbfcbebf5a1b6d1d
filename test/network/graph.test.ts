/** Which node makes a tensor, which read it, what stands before and behind it; held to definitions by brute force. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ancestors,
  append,
  lastUses,
  nodeBehind,
  nodeNamed,
  nodesByName,
  ownerOf,
  readersOf,
  soleReaders,
  unusedName,
  weightsOfNodes,
} from '../../src/network/graph.js';
import { type Network, NetworkBuilder } from '../../src/network/index.js';
import { tensor } from '../../src/tensor.js';

/** Nodes n0, n1, … of which each reads some of those before it, or the input x, perhaps one of them twice. */
const graphs = fc
  .array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((reads) =>
    reads.map((each, index) => ({
      name: `n${index}`,
      inputs: each.map((at) => (at % (index + 1) === index ? 'x' : `n${at % (index + 1)}`)),
    })),
  );
const names = fc.subarray(['x', 'n0', 'n2', 'n5']);

describe('by definition', () => {
  test('readers are the nodes that have the tensor among their inputs', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const readers = readersOf(nodes, ({ inputs }) => inputs);
        for (const name of ['x', ...nodes.map((node) => node.name)]) {
          expect(readers.get(name) ?? []).toEqual(nodes.filter(({ inputs }) => inputs.includes(name)));
        }
      }),
    );
  });

  test('a sole reader reads once, is alone, and what it reads is no output', () => {
    fc.assert(
      fc.property(graphs, names, (nodes, outputs) => {
        const sole = soleReaders(nodes, outputs);
        for (const name of ['x', ...nodes.map((node) => node.name)]) {
          const reads = nodes.flatMap((node) => node.inputs.filter((input) => input === name).map(() => node));
          expect(sole.get(name)).toBe(reads.length === 1 && !outputs.includes(name) ? reads[0] : undefined);
        }
      }),
    );
  });

  test('a tensor is needed to its last reader', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const last = lastUses({ nodes: nodes as never, outputs: ['n0'] });
        for (const [at, { name }] of nodes.entries()) {
          const reads = nodes.flatMap(({ inputs }, index) => (inputs.includes(name) ? [index] : []));
          expect(last.get(name)).toBe(name === 'n0' ? undefined : (reads.at(-1) ?? at));
        }
      }),
    );
  });

  test('ancestors are what a walk along the inputs reaches, up to what is known', () => {
    fc.assert(
      fc.property(graphs, names, (nodes, known) => {
        const reached = new Set<string>();
        const visit = (name: string) => {
          reached.add(name);
          const inputs = nodeNamed({ nodes }, name)?.inputs ?? [];
          for (const input of inputs) if (!known.includes(input)) visit(input);
        };
        const last = nodes[nodes.length - 1].name;
        visit(last);
        expect(ancestors(nodes, [last], new Set(known))).toEqual(reached);
      }),
    );
  });
});

function chain(): Network {
  const net = new NetworkBuilder();
  const x = net.input('x', [1, 4]);
  const dense = net.add('dense', 'dense', x, { units: 4, bias: false });
  const softmax = net.add('softmax', 'softmax', dense, {});
  const square = net.add('square', 'reshape', softmax, { shape: [2, 2] });
  const flat = net.add('flat', 'flatten', square, {});
  return net.build('chain', [flat], { source: 'other', output: 'probabilities' });
}

describe('nodeBehind', () => {
  test.each([
    ['flat', ['flatten', 'reshape'], 'softmax'],
    ['flat', ['flatten'], 'square'],
    ['flat', [], 'flat'],
    ['softmax', ['softmax', 'dense'], undefined],
    ['x', [], undefined],
  ] as const)('%s behind %s is %s', (name, kinds, expected) => {
    expect(nodeBehind(chain(), name, ({ kind }) => kinds.some((skipped) => skipped === kind))?.name).toBe(expected);
  });
});

test('the node of a name', () => {
  expect(nodeNamed(chain(), 'square')?.kind).toBe('reshape');
  expect(nodeNamed(chain(), 'x')).toBeUndefined();
  expect([...nodesByName(chain()).keys()]).toEqual(['dense', 'softmax', 'square', 'flat']);
});

test('the node of a weight, whatever slashes its name has', () => {
  expect(ownerOf('dense/kernel')).toBe('dense');
  expect(ownerOf('a/b/kernel')).toBe('a/b');
  const weights = new Map(['a/kernel', 'a/b/kernel', 'c/bias'].map((name) => [name, tensor([0], new Float32Array(0))]));
  expect([...weightsOfNodes(weights, new Set(['a', 'c'])).keys()]).toEqual(['a/kernel', 'c/bias']);
});

test('unused names are numbered from 2', () => {
  expect(unusedName('a', new Set())).toBe('a');
  expect(unusedName('a', new Set(['a']))).toBe('a_2');
  expect(unusedName('a', new Set(['a', 'a_2', 'a_4']))).toBe('a_3');
});

test('an appended node reads the outputs and takes a free name', () => {
  const longer = append(chain(), 'dense', { kind: 'softmax', attributes: {} });
  expect(longer.nodes.at(-1)).toEqual({ name: 'dense_2', kind: 'softmax', inputs: ['flat'], attributes: {} });
  expect(longer.outputs).toEqual(['dense_2']);
});
