import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { writeNode } from '../../src/formats/writers.js';
import type { NetworkNode } from '../../src/network/index.js';

test('a kind of layer that a format does not know is refused by name', () => {
  const node: NetworkNode = { name: 'gate', kind: 'sigmoid', inputs: ['x'], attributes: {} };
  const graph: string[] = [];
  const writers = { relu: (its: string[], { name }: { name: string }) => its.push(name) };
  expect(() => writeNode(writers, graph, node, 'ONNX')).toThrow(
    new UsageError("gate: layers of kind 'sigmoid' cannot be written as ONNX"),
  );
  writeNode(writers, graph, { ...node, kind: 'relu' }, 'ONNX');
  expect(graph).toEqual(['gate']);
});
