/** The memory that all plans of a target share: regions, growth, and when the system gets it back. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Plan } from '../../src/engine/engine.js';
import { Heaps, type Region, wasmKernels } from '../../src/engine/heap.js';
import { compile } from '../../src/engine/index.js';
import { lower } from '../../src/engine/lower.js';
import { wasmBytes } from '../../src/engine/wasm-bytes.js';
import { WasmProgram } from '../../src/engine/wasm-program.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import type { Network } from '../../src/network/network.js';
import type { Tensor } from '../../src/tensor.js';
import { compileBytes, PAGE_BYTES } from '../../src/wasm/web-assembly.js';
import { anyDraft, networkOf, randomInputs, withRandomWeights } from './networks.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Lets finalizers run, which are tasks of their own. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

const newHeaps = async (): Promise<Heaps> => new Heaps(wasmKernels(await compileBytes('simd', wasmBytes('simd'))));

/** A dense layer of `units` × `units`. */
function square(units: number): Network {
  const net = new NetworkBuilder();
  net.add('y', 'dense', net.input('x', [1, units]), { units, bias: true });
  return withRandomWeights(net.build(`square ${units}`, ['y'], { source: 'other', output: 'features' }), units);
}

const numbers = (results: ReadonlyMap<string, Tensor>) => [...results].map(([name, { data }]) => [name, [...data]]);

describe('regions', () => {
  test('begin at 64, since 0 means "none" to kernels, and follow each other in whole cache lines', async () => {
    const heaps = await newHeaps();
    const first = await heaps.take('test', 1);
    const second = await heaps.take('test', 65);
    expect([first.address, first.end, second.address, second.end]).toEqual([64, 128, 128, 256]);
    expect(first.heap).toBe(second.heap);
  });

  test('a first one waits for nothing, since no finalizer can have something to give back', async () => {
    const heaps = await newHeaps();
    const timer = vi.spyOn(globalThis, 'setTimeout');
    await heaps.take('test', 64);
    expect(timer).not.toHaveBeenCalled();
    timer.mockRestore();
  });

  test('on hosts without FinalizationRegistry they come back when they are given back, and not before', async () => {
    vi.stubGlobal('FinalizationRegistry', undefined);
    const heaps = await newHeaps();
    vi.unstubAllGlobals();
    const region = await heaps.take('test', 64);
    heaps.giveBackAfter({}, region);
    expect((await heaps.take('test', 64)).address).toBe(128);
    heaps.giveBack(region);
    expect((await heaps.take('test', 64)).address).toBe(64);
  });

  test('one that came back is taken again by what fits into it', async () => {
    const heaps = await newHeaps();
    const [, middle] = [await heaps.take('test', 64), await heaps.take('test', 128), await heaps.take('test', 64)];
    heaps.giveBack(middle);
    expect((await heaps.take('test', 192)).address).toBe(320);
    expect((await heaps.take('test', 64)).address).toBe(128);
    expect((await heaps.take('test', 64)).address).toBe(192);
  });

  test('never overlap, whatever is taken and given back in which order; the memory is as large as they need', async () => {
    const steps = fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 200_000 }), back: fc.option(fc.nat(20)) }));
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const heaps = await newHeaps();
        const live: Region[] = [];
        let highest = 64;
        for (const { bytes, back } of steps) {
          if (back !== null && live.length > 0) heaps.giveBack(live.splice(back % live.length, 1)[0]);
          const region = await heaps.take('test', bytes);
          live.push(region);
          expect(region.end - region.address).toBe(Math.ceil(bytes / 64) * 64);
          if (live.length > 1) expect(region.heap).toBe(live[0].heap);
          else highest = 64;
          highest = Math.max(highest, region.end);
          const sorted = [...live].sort((a, b) => a.address - b.address || a.end - b.end);
          sorted.forEach(({ address }, i) => {
            expect(address % 64).toBe(0);
            expect(address).toBeGreaterThanOrEqual(i === 0 ? 64 : sorted[i - 1].end);
          });
          // An empty memory of up to 1 MiB is kept as it is.
          const size = region.heap.memory.buffer.byteLength;
          expect(size).toBeLessThan(Math.max(highest, 2 ** 20) + PAGE_BYTES);
          expect(size).toBeGreaterThanOrEqual(region.end);
        }
      }),
    );
  });

  test('more than can be is an error, and takes nothing', async () => {
    const heaps = await newHeaps();
    await heaps.take('test', 64);
    await expect(heaps.take('huge', 2 ** 33)).rejects.toThrow(
      /^huge: it needs 8193 MiB of WASM memory, which this machine refuses \(.+\)$/,
    );
    expect((await heaps.take('test', 64)).address).toBe(128);
  });

  test('a memory that cannot grow is followed by another', async () => {
    const heaps = await newHeaps();
    const first = await heaps.take('test', 64);
    first.heap.memory.grow = () => {
      throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
    };
    const second = await heaps.take('test', PAGE_BYTES);
    expect(second.heap).not.toBe(first.heap);
    expect(second.address).toBe(64);
    expect((await heaps.take('test', 64)).heap).toBe(first.heap);
  });

  test('a memory that grew beyond 1 MiB is let go once it is empty; a small one is kept', async () => {
    const heaps = await newHeaps();
    const small = await heaps.take('test', 64);
    heaps.giveBack(small);
    const large = await heaps.take('test', 2 ** 21);
    expect(large.heap).toBe(small.heap);
    const other = await heaps.take('test', 64);
    heaps.giveBack(large);
    const third = await heaps.take('test', 64);
    expect(third.heap).toBe(large.heap);
    heaps.giveBack(third);
    heaps.giveBack(other);
    const { heap } = await heaps.take('test', 64);
    expect(heap).not.toBe(large.heap);
    expect(heap.memory.buffer.byteLength).toBe(PAGE_BYTES);
  });
});

describe('plans', () => {
  test('do not rely on what a region holds: the same bits in a memory full of NaN', async () => {
    await fc.assert(
      fc.asyncProperty(anyDraft, fc.boolean(), async (draft, everyTensor) => {
        const network = networkOf(draft);
        const inputs = randomInputs(network, 2, draft.seed);
        const results: unknown[] = [];
        for (const poison of [0, Number.NaN]) {
          const heaps = await newHeaps();
          const poisoned = await heaps.take('test', 2 ** 20 - PAGE_BYTES);
          new Float32Array(poisoned.heap.memory.buffer).fill(poison);
          heaps.giveBack(poisoned);
          const program = await WasmProgram.create(heaps, network.name, lower(network, { everyTensor }));
          results.push(numbers(program.run(inputs)));
        }
        expect(results[1]).toEqual(results[0]);
      }),
      { numRuns: 50 },
    );
  });

  test('run on after the memory has grown under them', async () => {
    const small = square(16);
    const inputs = randomInputs(small, 1, 1);
    const plan = await compile(small, { target: 'simd' });
    const into = plan.run(inputs);
    const wanted = numbers(into);
    for (const units of [200, 700, 300]) {
      const other = await compile(square(units), { target: 'simd' });
      expect(numbers(plan.run(inputs, into))).toEqual(wanted);
      if (units === 700) other.dispose();
    }
    plan.dispose();
  });

  test('by the thousand can be kept at once', async () => {
    const network = square(64);
    const inputs = randomInputs(network, 1, 1);
    const plans: Plan[] = [];
    for (let i = 0; i < 1000; i++) plans.push(await compile(network, { target: 'scalar' }));
    expect(numbers(plans[999].run(inputs))).toEqual(numbers(plans[0].run(inputs)));
    for (const plan of plans) plan.dispose();
  });

  test('that are garbage collected give their regions back', async () => {
    const heaps = await newHeaps();
    const network = square(500);
    // The last plan of a series may be found on the stack.
    for (let i = 0; i < 20; i++) {
      await WasmProgram.create(heaps, network.name, lower(network));
      collectGarbage();
      await turn();
    }
    const { memory } = (await heaps.take('test', 64)).heap;
    expect(memory.buffer.byteLength).toBeLessThan(4 * 500 * 500 * 4);
  });

  test.each(['simd', 'reference'] as const)(
    'on %s: no weights are kept: by none that is disposed, nor by one that runs kernels',
    async (target) => {
      const weights: WeakRef<object>[] = [];
      const compileOne = () => {
        const network = square(100);
        weights.push(...[...network.weights.values()].map(({ data }) => new WeakRef(data)));
        return compile(network, { target });
      };
      const plan = await compileOne();
      await turn();
      collectGarbage();
      expect(plan.network.weights.size).toBe(0);
      const kept = () => weights.filter((data) => data.deref() !== undefined).length;
      expect(kept()).toBe(target === 'simd' ? 0 : 2);
      plan.dispose();
      await turn();
      collectGarbage();
      expect(kept()).toBe(0);
      expect(plan.network.nodes).toHaveLength(1);
    },
  );
});
