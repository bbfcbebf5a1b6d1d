/** No kernel writes beside its buffers, nor reads what lies there: they are set apart, and what is between them is watched. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convolutionWindows } from '../../src/engine/convolution-windows.js';
import { type BoundKernels, Heaps, type Region, wasmKernels } from '../../src/engine/heap.js';
import { IntegerPlan } from '../../src/engine/int8/engine.js';
import { type Int8Kernels, int8Bytes } from '../../src/engine/int8/kernels.js';
import { lowerIntegers } from '../../src/engine/int8/lower.js';
import { lower } from '../../src/engine/lower.js';
import { wasmBytes } from '../../src/engine/wasm-bytes.js';
import { WasmProgram } from '../../src/engine/wasm-program.js';
import { inferQuantizedShapes } from '../../src/network/quantized-network.js';
import type { Shape } from '../../src/tensor.js';
import type { KernelTable } from '../../src/wasm/kernel-table.js';
import { Program } from '../../src/wasm/program.js';
import { compileBytes } from '../../src/wasm/web-assembly.js';
import { count } from '../kernels/numbers.js';
import { anyMobileNet, anySeeded, QuantizedBuilder, singleLayers } from './int8/networks.js';
import { anyDraft, networkOf, randomInputs } from './networks.js';

const GUARD_BYTES = 4096;

/** Buffers with guards before and behind each. Returns the bytes of all. */
function setApart({ buffers }: Pick<Program<never>, 'buffers'>): number {
  let end = GUARD_BYTES;
  for (const buffer of buffers) {
    buffer.offset = end;
    end += buffer.bytes + GUARD_BYTES;
  }
  return end;
}

/** Runs on a memory that holds `poison` wherever the program has written nothing, and looks at the guards afterwards. */
function runGuarded<Results>(
  { buffers, constants }: Pick<Program<never>, 'buffers' | 'constants'>,
  { heap, address, end }: Region<unknown>,
  poison: number,
  run: () => Results,
): Results {
  const base = address + constants.bytes;
  const memory = new Uint8Array(heap.memory.buffer, base, end - base).fill(poison);
  const results = run();
  let from = 0;
  for (const { offset, bytes } of [...buffers, { offset: memory.length, bytes: 0 }]) {
    const at = memory.subarray(from, offset).findIndex((byte) => byte !== poison);
    if (at >= 0) throw new Error(`a kernel wrote at byte ${at} behind the buffer that ends at ${from}`);
    from = offset + bytes;
  }
  return results;
}

test('networks of real numbers', async () => {
  const module = await compileBytes('simd', wasmBytes('simd'));
  await fc.assert(
    fc.asyncProperty(anyDraft, fc.boolean(), async (draft, everyTensor) => {
      const network = networkOf(draft);
      const inputs = randomInputs(network, 1, draft.seed);
      const heaps = new Heaps(wasmKernels<BoundKernels['kernels']>(module));
      const lowered = lower(network, { everyTensor });
      lowered.program.layOut = () => setApart(lowered.program);
      const program = await WasmProgram.create(heaps, network.name, lowered);
      const { regions } = (await heaps.take('test', 1)).heap;
      const [region] = regions;
      const results = [0, 0x7f].map((poison) =>
        runGuarded(lowered.program, region, poison, () => [...program.run(inputs)]),
      );
      expect(results[1]).toEqual(results[0]);
    }),
    { numRuns: 40 },
  );
});

describe('networks of integers', () => {
  test.each(Object.entries({ ...singleLayers, 'a small MobileNet': anyMobileNet }))('%s', async (_, draw) => {
    const target = 'simd';
    const heaps = new Heaps(wasmKernels<Int8Kernels>(await compileBytes(target, int8Bytes(target))));
    await fc.assert(
      fc.asyncProperty(draw, anySeeded, async (make, seeded) => {
        const net = new QuantizedBuilder(seeded);
        const network = make(net);
        const lowered = lowerIntegers(network, inferQuantizedShapes(network), 'single', false, 'pairs');
        const bytes = setApart(lowered.program);
        const region = await heaps.take('test', lowered.program.constants.bytes + bytes);
        const plan = new IntegerPlan(network, lowered, heaps, region, bytes, target, 'single');
        const inputs = net.pictures();
        const results = [0x11, 0xee].map((poison) =>
          runGuarded(lowered.program, region, poison, () => [...plan.run(inputs)]),
        );
        plan.dispose();
        expect(results[1]).toEqual(results[0]);
      }),
      { numRuns: 15 },
    );
  });
});

test('every window of a convolution lies in its picture, those beyond the last pixel too', () => {
  const pair = (max: number) => fc.tuple(count(max), count(max));
  const anyConvolution = fc.record({
    kernelSize: pair(5),
    strides: pair(3),
    dilation: pair(3),
    channels: count(9),
    out: pair(9),
    numberBytes: fc.constantFrom(2, 4),
  });
  fc.assert(
    fc.property(anyConvolution, ({ kernelSize, strides, dilation, channels, out, numberBytes }) => {
      const [height, width] = [0, 1].map((i) => (out[i] - 1) * strides[i] + (kernelSize[i] - 1) * dilation[i] + 1);
      const program = new Program<KernelTable>();
      const tables: Uint32Array[] = [];
      program.table = (_, make) => {
        tables.push(make() as Uint32Array);
        return program.constant(0);
      };
      const shapes: Record<string, Shape> = { x: [1, height, width, channels], y: [1, ...out, 1] };
      const attributes = { kernelSize, strides, dilation };
      const padding = { top: 0, bottom: 0, left: 0, right: 0 };
      const { runLength } = convolutionWindows(
        { program, shape: (name: string) => shapes[name] },
        { node: { attributes }, inputs: ['x'], output: 'y', padding },
        numberBytes,
      );
      const [windows, runs] = tables;
      const end = Math.max(...windows) + Math.max(...runs) + runLength * numberBytes;
      expect(end).toBe(height * width * channels * numberBytes);
    }),
  );
});
