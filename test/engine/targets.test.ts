/** The chain relaxed SIMD → SIMD → scalar WASM → JavaScript → TypeScript, forced link by link, and what it says about each. */
import '../kernels/relaxed.js';
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Plan } from '../../src/engine/engine.js';
import type { CompileOptions } from '../../src/engine/index.js';
import { javascriptKernels } from '../../src/engine/javascript/kernels.js';
import { wasmBytes } from '../../src/engine/wasm-bytes.js';
import { NetworkBuilder } from '../../src/network/builder.js';
import { tensor } from '../../src/tensor.js';
import type { WasmTarget } from '../../src/wasm/web-assembly.js';

const TAKEN = 'compiled, and agrees with the TypeScript layers';
const real = WebAssembly;

/** y = relu(x). */
function relu() {
  const net = new NetworkBuilder();
  net.add('y', 'relu', net.input('x', [1, 3]), {});
  return net.build('relu', ['y'], { source: 'other', output: 'features' });
}

/** The engine as a page sees it that has just been loaded: nothing is tested yet. */
async function engine() {
  vi.resetModules();
  return import('../../src/engine/index.js');
}

async function planWith(options: CompileOptions = {}): Promise<Plan> {
  const { compile } = await engine();
  return compile(relu(), options);
}

function expectRuns(plan: Plan): void {
  expect([...plan.run(tensor([1, 3], [-1, 0, 2])).get('y')!.data]).toEqual([0, 0, 2]);
}

const isTarget = (bytes: BufferSource, target: WasmTarget): boolean =>
  Buffer.from(bytes as Uint8Array).equals(wasmBytes(target));

/** Every f32x4.mul of the SIMD kernels becomes an f32x4.add: valid, and wrong. */
function wrong(bytes: BufferSource): Uint8Array<ArrayBuffer> {
  const code = Uint8Array.from(bytes as Uint8Array);
  for (let i = 0; i + 2 < code.length; i++) {
    if (code[i] === 0xfd && code[i + 1] === 0xe6 && code[i + 2] === 0x01) code[i + 1] = 0xe4;
  }
  return code;
}

const fileOf = (target: WasmTarget): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(readFileSync(new URL(`../../src/engine/generated/${target}.wasm`, import.meta.url)));

/** A constructor of modules that refuses, as hosts do that compile no bytes. */
const refusing = (reason: string) =>
  Object.assign(
    constructing(() => {
      throw new real.CompileError(reason);
    }),
    { customSections: real.Module.customSections },
  );

/** WebAssembly with some of its members replaced. */
const stubbed = (members: object): void => {
  const { validate, compile, instantiate, Memory, Module, Instance } = real;
  vi.stubGlobal('WebAssembly', { validate, compile, instantiate, Memory, Module, Instance, ...members });
};

/** A class whose constructor does that. */
const constructing = (make: (...args: never[]) => object) =>
  class {
    constructor(...args: never[]) {
      // biome-ignore lint/correctness/noConstructorReturn: stands for a constructor of WebAssembly's
      return make(...args);
    }
  };

beforeEach(() => vi.resetModules());
afterEach(() => vi.unstubAllGlobals());

describe('where everything works', () => {
  test('relaxed SIMD is taken', async () => {
    const plan = await planWith();
    expect(plan.report()).toMatchObject({
      target: 'relaxed',
      chain: [{ target: 'relaxed', taken: true, reason: TAKEN }],
    });
    expectRuns(plan);
  });

  test('a reproducible result leaves it out', async () => {
    const plan = await planWith({ reproducible: true });
    expect(plan.report()).toMatchObject({ target: 'simd', chain: [{ target: 'simd', taken: true, reason: TAKEN }] });
  });

  test.each(['relaxed', 'simd', 'scalar', 'reference'] as const)('%s can be forced', async (target) => {
    const plan = await planWith({ target });
    expect(plan.report().target).toBe(target);
    expect(plan.report().chain.map((link) => link.target)).toEqual([target]);
    expectRuns(plan);
  });

  test('another order can be asked for', async () => {
    const plan = await planWith({ target: ['scalar', 'simd'] });
    expect(plan.report().target).toBe('scalar');
  });

  test('capabilities', async () => {
    const { capabilities } = await engine();
    expect(await capabilities()).toEqual([
      { target: 'relaxed', works: true, reason: TAKEN },
      { target: 'simd', works: true, reason: TAKEN },
      { target: 'scalar', works: true, reason: TAKEN },
      { target: 'reference', works: true, reason: 'TypeScript layers need nothing' },
    ]);
  });
});

describe('compiling and instantiating', () => {
  test('never wait for a promise of WebAssembly, which on Node 20 may never be settled', async () => {
    const never = () => new Promise(() => {});
    stubbed({ compile: never, instantiate: never });
    expectRuns(await planWith());
  });

  test("are asynchronous where a page's main thread refuses to do so much at once", async () => {
    const tooLarge = (what: string) =>
      constructing(() => {
        throw new RangeError(`${what} is disallowed on the main thread, if the buffer size is larger than 4KB`);
      });
    stubbed({ Module: tooLarge('WebAssembly.Compile'), Instance: tooLarge('WebAssembly.Instance') });
    const plan = await planWith();
    expect(plan.report().target).toBe('relaxed');
    expectRuns(plan);
  });
});

describe('what is asked for', () => {
  test('must be a target', async () => {
    await expect(planWith({ target: 'webgpu' as 'simd' })).rejects.toThrow(
      "target must be one of relaxed, simd, scalar, javascript, reference, found 'webgpu'",
    );
  });

  test('must leave a target', async () => {
    await expect(planWith({ target: 'relaxed', reproducible: true })).rejects.toThrow(
      'no wanted target works here: none is left',
    );
  });
});

describe('the next link is taken, and says why', () => {
  test('without relaxed SIMD: SIMD', async () => {
    stubbed({ validate: (bytes: BufferSource) => !isTarget(bytes, 'relaxed') && real.validate(bytes) });
    const plan = await planWith();
    expect(plan.report().chain).toEqual([
      { target: 'relaxed', taken: false, reason: "this machine does not know the instructions of 'relaxed'" },
      { target: 'simd', taken: true, reason: TAKEN },
    ]);
    expectRuns(plan);
  });

  test('without any SIMD: scalar WASM', async () => {
    stubbed({ validate: (bytes: BufferSource) => isTarget(bytes, 'scalar') && real.validate(bytes) });
    const plan = await planWith();
    expect(plan.report().chain.map(({ target, taken }) => `${target} ${taken}`)).toEqual([
      'relaxed false',
      'simd false',
      'scalar true',
    ]);
    expectRuns(plan);
  });

  test('under a Content-Security-Policy that forbids compiling: TypeScript', async () => {
    const refusal =
      "Refused to compile WebAssembly module because 'wasm-unsafe-eval' is not an allowed source of script";
    stubbed({ Module: refusing(refusal) });
    const plan = await planWith({ onFallback: () => {} });
    expect(plan.report()).toEqual({
      target: 'reference',
      chain: [
        ...['relaxed', 'simd', 'scalar'].map((target) => ({ target, taken: false, reason: refusal })),
        { target: 'reference', taken: true, reason: 'TypeScript layers need nothing' },
      ],
    });
    expectRuns(plan);
  });

  test('without WebAssembly: JavaScript, if it is given', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    const told: string[] = [];
    const plan = await planWith({ javascript: javascriptKernels, onFallback: ({ target }) => told.push(target) });
    expect(told).toEqual(['javascript']);
    const refusal = 'WebAssembly does not exist here';
    expect(plan.report().chain).toEqual([
      ...['relaxed', 'simd', 'scalar'].map((target) => ({ target, taken: false, reason: refusal })),
      { target: 'javascript', taken: true, reason: TAKEN },
    ]);
    expectRuns(plan);
  });

  test('JavaScript that was not given cannot be forced', async () => {
    await expect(planWith({ target: 'javascript' })).rejects.toThrow(
      'no wanted target works here:\n  javascript: the option `javascript` is not given',
    );
  });

  test('a memory that JavaScript cannot have', async () => {
    const source: typeof javascriptKernels = (where) => javascriptKernels(where, 2 ** 60);
    await expect(planWith({ target: 'javascript', javascript: source })).rejects.toThrow(
      /^no wanted target works here:\n {2}javascript: self-test: it needs 1099511627776 MiB of memory, which this machine refuses \(.+\)$/,
    );
  });

  test('without WebAssembly: TypeScript', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    const plan = await planWith({ onFallback: () => {} });
    expect(plan.report().target).toBe('reference');
    expect(plan.report().chain[0].reason).toBe('WebAssembly does not exist here');
    expectRuns(plan);
  });

  test('a module that computes wrongly: the next one', async () => {
    const Module = constructing(
      (bytes: BufferSource) => new real.Module(isTarget(bytes, 'simd') ? wrong(bytes) : bytes),
    );
    stubbed({ Module });
    const plan = await planWith({ target: ['simd', 'scalar'] });
    expect(plan.report().target).toBe('scalar');
    expect(plan.report().chain[0]).toEqual({
      target: 'simd',
      taken: false,
      reason: expect.stringMatching(/^self-test: sum\[0\] is -?[\d.]+, the TypeScript layers give -?[\d.]+$/),
    });
    expectRuns(plan);
  });

  test('a forced target that does not work is an error with its reason', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    await expect(planWith({ target: ['simd', 'scalar'] })).rejects.toThrow(
      'no wanted target works here:\n  simd: WebAssembly does not exist here\n  scalar: WebAssembly does not exist here',
    );
  });

  test('a refusal is not remembered', async () => {
    const { compile } = await engine();
    vi.stubGlobal('WebAssembly', undefined);
    expect((await compile(relu(), { onFallback: () => {} })).report().target).toBe('reference');
    vi.unstubAllGlobals();
    expect((await compile(relu())).report().target).toBe('relaxed');
  });
});

describe('compiled kernels', () => {
  const EMBEDDER = 'WebAssembly.Module(): Wasm code generation disallowed by embedder';
  const OTHER = 'the given `module` is for another target';

  test.each(['relaxed', 'simd', 'scalar'] as const)('of %s run where no bytes are compiled', async (target) => {
    const module = new real.Module(fileOf(target));
    stubbed({ Module: refusing(EMBEDDER) });
    const plan = await planWith({ module });
    expect(plan.report().target).toBe(target);
    expect(plan.report().chain.at(-1)).toEqual({ target, taken: true, reason: TAKEN });
    for (const { reason } of plan.report().chain.slice(0, -1)) expect(reason).toBe(OTHER);
    expectRuns(plan);
  });

  test('of several targets are tried in the order of the chain', async () => {
    const module = { scalar: new real.Module(fileOf('scalar')), simd: new real.Module(fileOf('simd')) };
    const plan = await planWith({ module });
    expect(plan.report().chain).toEqual([
      { target: 'relaxed', taken: false, reason: OTHER },
      { target: 'simd', taken: true, reason: TAKEN },
    ]);
    expect((await planWith({ module, target: 'scalar' })).report().target).toBe('scalar');
  });

  test('of another realm, such as a frame, are taken too', async () => {
    const module = runInNewContext('new WebAssembly.Module(bytes)', { bytes: fileOf('simd') });
    expect(module).not.toBeInstanceOf(real.Module);
    expectRuns(await planWith({ module, target: 'simd' }));
  });

  test('pass the self-test first', async () => {
    const module = { simd: new real.Module(wrong(fileOf('simd'))), scalar: new real.Module(fileOf('scalar')) };
    const { target, chain } = (await planWith({ module })).report();
    expect(target).toBe('scalar');
    expect(chain[1].reason).toMatch(/^self-test: /);
  });

  test.each<[what: string, module: unknown, found: string]>([
    ['bytes', new Uint8Array(8), 'Uint8Array'],
    ['a promise', real.compile(wasmBytes('scalar')), 'Promise'],
    ['nothing', null, 'Null'],
    ['a missing one of several', { simd: undefined }, 'Undefined'],
    ['another module', new real.Module(wasmBytes('scalar')), 'a module without our kernels'],
    [
      "another version's",
      new real.Module(fileOf('scalar').fill(48, fileOf('scalar').length - 8)),
      'kernels of another version',
    ],
  ])('%s: refused', async (_, module, found) => {
    await expect(planWith({ module: module as object })).rejects.toThrow(
      `module: wanted a WebAssembly.Module of depthwise/engine/*.wasm or { relaxed, simd, scalar } of them, found ${found}`,
    );
  });
});

describe('the fall to TypeScript', () => {
  const warn = vi.spyOn(console, 'warn');
  beforeEach(() => {
    warn.mockReset().mockImplementation(() => {});
  });
  afterAll(() => warn.mockRestore());

  const chainOf = (reason: string) =>
    ['relaxed', 'simd', 'scalar'].map((target) => `\n  ${target}: ${reason}`).join('');
  const BEGINNING = 'depthwise: no WASM kernels work here, JavaScript computes, many times slower.';

  test.each([
    [
      "Refused to create a WebAssembly object because 'unsafe-eval' or 'wasm-unsafe-eval' is not an allowed source of script in the following Content Security Policy directive",
      "\nThe Content-Security-Policy must allow 'wasm-unsafe-eval'.",
    ],
    ['call to WebAssembly.Module() blocked by CSP', "\nThe Content-Security-Policy must allow 'wasm-unsafe-eval'."],
    [
      'WebAssembly.Module(): Wasm code generation disallowed by embedder',
      '\nThe `module` option takes kernels that are compiled: depthwise/engine/simd.wasm.',
    ],
    ['something else', ''],
  ])('is a warning, once: %s', async (reason, remedy) => {
    stubbed({ Module: refusing(reason) });
    const { compile } = await engine();
    await compile(relu());
    await compile(relu());
    expect(warn.mock.calls).toEqual([[`${BEGINNING}${chainOf(reason)}${remedy}`]]);
  });

  test('is told to `onFallback` in its place, each time', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    const reports: unknown[] = [];
    for (let i = 0; i < 2; i++)
      reports.push((await planWith({ onFallback: (report) => reports.push(report) })).report());
    expect(reports[0]).toEqual(reports[1]);
    expect(reports[2]).toEqual(reports[3]);
    expect(reports).toHaveLength(4);
    expect(warn).not.toHaveBeenCalled();
  });

  test('is none where it was asked for, nor where kernels work', async () => {
    const onFallback = vi.fn();
    await planWith({ onFallback });
    await planWith({ target: 'reference', onFallback });
    vi.stubGlobal('WebAssembly', undefined);
    await planWith({ target: ['simd', 'reference'], onFallback });
    expect(onFallback).not.toHaveBeenCalled();
    expect(warn).not.toHaveBeenCalled();
  });
});
