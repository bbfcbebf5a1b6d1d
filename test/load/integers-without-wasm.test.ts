/** Quantised models where WebAssembly is forbidden. Alone in a file: modules that are loaded anew do not know what the first ones read. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { TARGETS } from '../../src/engine/targets.js';
import { writeNetwork } from '../../src/formats/index.js';
import { noise, smallQuantized } from './models.js';

describe('where no WASM kernels work', () => {
  afterEach(() => vi.unstubAllGlobals());

  /** Which knows no kernels that were compiled before. */
  async function freshLoad() {
    vi.resetModules();
    return (await import('../../src/load/node.js')).load;
  }

  test.each([
    ['WebAssembly does not exist', undefined, /this machine does not run the integer kernels of target simd/],
    [
      'bytes are not compiled',
      {
        validate: () => true,
        Module: class {
          constructor() {
            throw new Error('blocked by CSP');
          }
        },
      },
      /blocked by CSP/,
    ],
  ])('%s: the readable layers compute, with the same bits, and it is told', async (_, WebAssembly, reason) => {
    const file = await writeNetwork(await smallQuantized(), 'tflite');
    const usual = await (await freshLoad())(file);
    const wanted = [await usual.trace(noise(3)), await usual.logits([noise(4), noise(5)])];
    const loadAgain = await freshLoad();
    vi.stubGlobal('WebAssembly', WebAssembly);
    const onFallback = vi.fn();
    for (const rounding of ['single', 'double'] as const) {
      const model = await loadAgain(file, { rounding, onFallback });
      const found = [await model.trace(noise(3)), await model.logits([noise(4), noise(5)])];
      if (rounding === 'single') expect(found).toEqual(wanted);
      expect(model.report()).toMatchObject({ target: 'reference', rounding });
    }
    expect(onFallback).toHaveBeenCalledTimes(2);
    const [{ chain }] = onFallback.mock.calls[0];
    expect(chain.map(({ target }: { target: string }) => target)).toEqual([...TARGETS]);
    expect(chain[1].reason).toMatch(reason);
    await expect(loadAgain(file, { target: 'simd' })).rejects.toThrow(reason);
  });
});
