/** What a caller hears while a model is loaded, and how it stops that. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LoadOptions, LoadProgress } from '../../src/load/model.js';
import { load } from '../../src/load/node.js';
import { noise, smallFile, smallNetwork, tfjsFiles } from './models.js';

let bytes: Uint8Array<ArrayBuffer>;
let tfjs: Map<string, Uint8Array>;
const { preprocessing } = smallNetwork().conventions;

beforeAll(async () => {
  bytes = await smallFile();
  tfjs = await tfjsFiles();
});

/** A fetch that answers with these files in chunks of these sizes, again and again, and states their length or not. */
function chunked(
  files: ReadonlyMap<string, Uint8Array>,
  sizes: readonly number[],
  stated: (file: string) => string | undefined,
) {
  return async (address: string) => {
    const name = address.replace('https://a.example/', '');
    const content = files.get(name);
    if (content === undefined) return new Response('no such file', { status: 404 });
    let at = 0;
    let turn = 0;
    const body = new ReadableStream({
      pull(controller) {
        const size = sizes[turn++ % sizes.length];
        if (at < content.length) controller.enqueue(content.slice(at, at + size));
        else controller.close();
        at += size;
      },
    });
    const length = stated(name);
    return new Response(body, length === undefined ? {} : { headers: { 'content-length': length } });
  };
}

const PHASES = ['download', 'read', 'compile'];

describe('progress', () => {
  test.each([
    ['one file', () => new Map([['x.safetensors', bytes]]), 'x.safetensors'],
    ['a TensorFlow.js model', () => tfjs, 'model.json'],
  ] as const)('%s: phases follow each other, numbers never fall, a total is never passed', async (_, files, name) => {
    const all = [...files().values()].reduce((sum, { length }) => sum + length, 0);
    const lengths = fc.constantFrom('right', 'none', 'too small', 'too large');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 500, max: 100_000 }), { minLength: 1, maxLength: 4 }),
        lengths,
        async (sizes, kind) => {
          const stated = (file: string) => {
            const { length } = files().get(file)!;
            return { right: `${length}`, none: undefined, 'too small': `${length >> 1}`, 'too large': `${2 * length}` }[
              kind
            ];
          };
          const heard: LoadProgress[] = [];
          const fetch = chunked(files(), sizes, stated);
          const model = await load(`https://a.example/${name}`, {
            fetch,
            onProgress: (one) => heard.push(one),
            preprocessing: preprocessing!,
          });
          model.dispose();
          const phases = heard.map(({ phase }) => PHASES.indexOf(phase));
          expect(phases).toEqual(phases.toSorted());
          expect(new Set(phases).size).toBe(3);
          for (const phase of PHASES) {
            const numbers = heard.filter((one) => one.phase === phase);
            numbers.forEach(({ loaded, total }, i) => {
              if (i > 0) expect(loaded).toBeGreaterThanOrEqual(numbers[i - 1].loaded);
              if (total !== undefined) expect(loaded).toBeLessThanOrEqual(total);
            });
            const { loaded, total } = numbers.at(-1)!;
            if (phase === 'download') expect(loaded).toBe(all);
            else expect([loaded, total]).toEqual([1, 1]);
            if (phase === 'download' && kind === 'right') expect(total).toBe(all);
            if (kind === 'right') expect(new Set(numbers.map((one) => one.total)).size).toBeLessThanOrEqual(2);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test('what is not downloaded begins by being read', async () => {
    const heard: LoadProgress[] = [];
    await load(bytes, { onProgress: (one) => heard.push(one) });
    expect(heard).toEqual(
      ['read', 'compile'].flatMap((phase) => [0, 1].map((loaded) => ({ phase, loaded, total: 1 }))),
    );
  });

  test('an answer that is sent compressed states another length than its file has: no total', async () => {
    const heard: LoadProgress[] = [];
    const fetch = async () => new Response(bytes, { headers: { 'content-length': '99', 'content-encoding': 'gzip' } });
    await load('https://a.example/x.safetensors', { fetch, onProgress: (one) => heard.push(one) });
    expect(heard[0]).toEqual({ phase: 'download', loaded: bytes.length });
  });
});

describe('stopping', () => {
  const reason = new Error('the user left');
  const files = () => new Map([['x.safetensors', bytes], ...tfjs]);
  const fast = () => chunked(files(), [20_000], (file) => `${files().get(file)?.length}`);

  test('before anything', async () => {
    let asked = 0;
    const fetch = async () => {
      asked++;
      return new Response(bytes);
    };
    await expect(load('https://a.example/x', { fetch, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(asked).toBe(0);
  });

  test.each([
    ['x.safetensors', 'download'],
    ['x.safetensors', 'read'],
    ['x.safetensors', 'compile'],
    ['model.json', 'download'],
    ['model.json', 'read'],
    ['model.json', 'compile'],
  ])('%s: at every report of the phase %s', async (name, phase) => {
    for (let nth = 0; nth < 2; nth++) {
      const stop = new AbortController();
      let count = 0;
      const onProgress = (one: LoadProgress) => {
        if (one.phase === phase && one.loaded < (one.total ?? Number.POSITIVE_INFINITY) && count++ === nth)
          stop.abort(reason);
      };
      const options: LoadOptions = { fetch: fast(), signal: stop.signal, onProgress, preprocessing: preprocessing! };
      const loading = load(`https://a.example/${name}`, options);
      if (nth === 0 || phase === 'download') await expect(loading).rejects.toBe(reason);
      else await loading;
    }
  });

  test('a fetch that never answers, and one that answers and never sends', async () => {
    for (const fetch of [
      () => new Promise<Response>(() => {}),
      async () => new Response(new ReadableStream({})),
      async () => new Response(new ReadableStream({}), { status: 500, headers: { 'content-type': 'text/plain' } }),
    ]) {
      const stop = new AbortController();
      const loading = load('https://a.example/x', { fetch, signal: stop.signal });
      setTimeout(() => stop.abort(reason), 5);
      await expect(loading).rejects.toBe(reason);
    }
  });

  test('the connection is let go', async () => {
    const stop = new AbortController();
    let cancelled: unknown;
    const source = {
      pull: () => stop.abort(reason),
      cancel(why: unknown) {
        cancelled = why;
      },
    };
    const body = new ReadableStream(source, { highWaterMark: 0 }); // pulled once it is read
    const loading = load('https://a.example/x', { fetch: async () => new Response(body), signal: stop.signal });
    await expect(loading).rejects.toBe(reason);
    expect(cancelled).toBe(reason);
  });

  test('twice at once, one of them stopped, as effects that run twice do', async () => {
    const first = new AbortController();
    const options = { fetch: fast() };
    const loadings = [
      load('https://a.example/x.safetensors', { ...options, signal: first.signal }),
      load('https://a.example/x.safetensors', { ...options, signal: new AbortController().signal }),
    ];
    first.abort(reason);
    first.abort(new Error('again'));
    await expect(loadings[0]).rejects.toBe(reason);
    expect((await (await loadings[1]).classify(noise(1))).length).toBe(3);
  });

  test('a signal that is aborted after loading changes nothing', async () => {
    const stop = new AbortController();
    const model = await load('https://a.example/x.safetensors', { fetch: fast(), signal: stop.signal });
    stop.abort(reason);
    expect((await model.embed(noise(1), { layer: 'conv1' })).shape).toEqual([1, 3]);
  });

  test('between two pictures', async () => {
    const model = await load(bytes);
    const stop = new AbortController();
    const pictures = Array.from({ length: 100 }, (_, i) => noise(i, 200, 200));
    setTimeout(() => stop.abort(reason));
    await expect(model.classify(pictures, { signal: stop.signal })).rejects.toBe(reason);
    await expect(model.classify(pictures, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await model.classify(pictures)).length).toBe(100);
  });
});
