/** What a report says of tensors that are made up here. */
import { expect, test } from 'vitest';
import { report } from '../../src/oracle/report.js';
import { tensor } from '../../src/tensor.js';

const row = (...numbers: number[]) => tensor([1, numbers.length], numbers);
/** a → b → c, and d beside them. */
const graph = {
  nodes: [
    { name: 'a', inputs: ['x'] },
    { name: 'b', inputs: ['a'] },
    { name: 'c', inputs: ['b'] },
    { name: 'd', inputs: ['x'] },
  ],
};
const expected = (bound = 0.5) =>
  ['a', 'b', 'c', 'd'].map((name) => ({ name, kind: 'relu' as const, value: row(1, 2), error: row(bound, bound) }));
const of = (theirs: Record<string, ReturnType<typeof row>>, bound?: number, allowance?: number) =>
  report('isolated', graph, expected(bound) as never, new Map(Object.entries(theirs)), allowance);

test('all equal', () => {
  const same = row(1, 2);
  const { verdict, layers, notShown, notJudged, first, undecided, worst } = of({ a: same, b: same, c: same, d: same });
  expect([verdict, notShown, notJudged, first, undecided, worst?.layer.name]).toEqual([
    'exact',
    [],
    [],
    undefined,
    undefined,
    'a',
  ]);
  expect(layers.map(({ name, kind, shape, verdict }) => [name, kind, shape, verdict])).toEqual(
    ['a', 'b', 'c', 'd'].map((name) => [name, 'relu', [1, 2], 'exact']),
  );
});

test('what leads to a shown tensor is judged with it, other tensors are not judged', () => {
  const { verdict, notShown, notJudged } = of({ b: row(1.25, 2) });
  expect([verdict, notShown, notJudged]).toEqual(['within rounding', ['a'], ['c', 'd']]);
});

test('the first that is wrong, and the one that is worst', () => {
  const { verdict, first, worst, undecided } = of({ a: row(1, 2), b: row(1, 2.75), c: row(1, 5), d: row(1, 2) });
  expect([verdict, first?.name, worst?.layer.name, undecided]).toEqual(['beyond', 'b', 'c', undefined]);
  expect([...worst!.units.data]).toEqual([0, 6]);
  expect(of({ b: row(1, 2.75) }, 0.5, 2).verdict).toBe('within rounding');
});

test('another shape', () => {
  const { verdict, first } = of({ a: row(1, 2, 3) });
  expect([verdict, first?.verdict, first?.found, first?.difference]).toEqual([
    'beyond',
    'wrong shape',
    [1, 3],
    undefined,
  ]);
});

test('a bound above the numbers decides nothing', () => {
  const { verdict, undecided, first } = of({ a: row(1, 2), b: row(1.5, 2) }, 3);
  expect([verdict, undecided?.name, first]).toEqual(['not decided', 'b', undefined]);
  expect(of({}).verdict).toBe('not decided');
});
