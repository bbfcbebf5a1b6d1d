/** Every kernel on every target against problems that solve themselves, on memory whose every other word is watched. */
import './relaxed.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nightly } from '../nightly.js';
import { agree, agreeWhenSplit } from './agree.js';
import { POISON, type Problem, Sheet } from './problem.js';
import { kernelSets } from './sets.js';

/** Random problems of each kernel; the nightly run makes 220,000 in all. */
const RUNS = nightly ? 5000 : 150;

const sets = await kernelSets();

describe.each(sets)('$of', ({ of, table, families, machines }) => {
  test('the targets are scalar, SIMD and relaxed SIMD, and for the engine JavaScript', () => {
    const wanted = ['scalar', 'simd', 'relaxed'];
    expect(machines.map(({ target }) => target)).toEqual(of === 'engine' ? [...wanted, 'javascript'] : wanted);
  });

  test('every kernel has problems', () => {
    expect(families.map(({ kernel }) => kernel).sort()).toEqual(Object.keys(table).sort());
  });

  describe.each(families)('$kernel', (family) => {
    test.each(family.named)('$why', ({ problem }) => agree(family, problem(), machines));

    test(`${RUNS} random problems`, { timeout: 600_000 }, () => {
      fc.assert(
        fc.property(family.any, (problem) => agree(family, problem, machines)),
        { numRuns: RUNS },
      );
    });

    test.runIf(table[family.kernel].split)('two calls for the halves of the work give the bits of one', () => {
      fc.assert(
        fc.property(family.any, fc.double({ min: 0, max: 1, noNaN: true }), (problem, share) =>
          agreeWhenSplit(family, problem, machines, share),
        ),
        { numRuns: RUNS / 3 },
      );
    });
  });
});

describe('what the problems can see', () => {
  const [{ families, machines: everyMachine }] = sets;
  const family = families.find(({ kernel }) => kernel === 'copyRuns')!;
  const copyOperands = (from: number, to: number) => ({ from, fromStride: 4, to, toStride: 4, bytes: 4, count: 2 });
  /** Copies [1, 2] to the words of `out` that `to` says. */
  const copy = (out: Sheet, to: number, over?: string): Problem => ({
    name: 'two numbers',
    inputs: { x: Float32Array.of(1, 2) },
    out,
    ...(over && { over }),
    args: (address) => copyOperands(address('x'), address('out', to)),
  });
  const two = (first: number, bound = 0) => {
    const out = new Sheet(4);
    out.expect(1, first, bound, 0);
    out.expect(2, 2, 0, 1);
    return out;
  };

  test('the right numbers at the right place', () => {
    expect(() => agree(family, copy(two(1), 1), everyMachine)).not.toThrow();
    expect(() => agree(family, copy(two(1.5, 0.5), 1), everyMachine)).not.toThrow();
  });

  test('a wrong number, with coordinate, both values and the bound', () => {
    expect(() => agree(family, copy(two(1.5, 0.25), 1), everyMachine)).toThrow(
      'copyRuns on scalar, two numbers: [0] is 1, wanted 1.5, off by 0.5, allowed 0.25',
    );
  });

  test('NaN for a number, and a number for NaN', () => {
    expect(() => agree(family, copy(two(Number.NaN, 9), 1), everyMachine)).toThrow('[0] is 1, wanted NaN');
  });

  test.each([
    ['before the output', -1],
    ['behind it', 3],
  ])('a number written %s', (_, to) => {
    expect(() => agree(family, copy(two(1), to), everyMachine)).toThrow(
      /it wrote 0x\w{8} over 0x(7fc0b0b0|deadbeef) at word \d+ of '(x|out)'/,
    );
  });

  test('an input that changed under the output', () => {
    const first = new Sheet(2);
    first.expect(1, 1, 0, 0);
    const shift: Problem['args'] = (address) => copyOperands(address('x'), address('x', 1));
    const problem = { ...copy(first, 0, 'x'), inputs: { x: Float32Array.of(1, 2, 3) }, args: shift };
    expect(() => agree(family, problem, everyMachine)).toThrow(
      "it wrote 0x3f800000 over 0x40400000 at word 2 of 'out'",
    );
  });

  test('poison is a NaN', () => {
    expect(new Float32Array(Uint32Array.of(POISON).buffer)[0]).toBeNaN();
  });
});
