/** Models in workers, in Chromium, from the built package as a server of files gives it: no bundler in between. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as browserDoor from '../../../src/browser/index.js';
import { readNetworkFile } from '../../../src/formats/files.js';
import { writeNetwork } from '../../../src/formats/index.js';
import type { load } from '../../../src/index.js';
import { constantDetector } from '../../cli/detector.js';
import { coloursSegmenter, smallQuantized } from '../../load/models.js';
import { type Server, serveFolders } from './serve-folders.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absent = !existsSync(executablePath);
const folder = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
/** The real numbers of the package's model. */
const MODEL = '/model.safetensors';

declare global {
  var depthwise: typeof browserDoor & { readonly load: typeof load };
}

test('where there are no Workers', async () => {
  const { createWorker } = await import('../../../src/browser/index.js');
  expect(() => createWorker()).toThrow(
    'createWorker: there are no Workers here, it is for pages; in Node, call load() in a thread of node:worker_threads',
  );
});

describe.skipIf(absent)(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  let server: Server;
  let temporary: string;
  let page: Page;
  let quantized: number[];
  let name: string;

  beforeAll(async () => {
    const network = await smallQuantized();
    name = network.name;
    quantized = [...(await writeNetwork(network, 'safetensors'))];
    temporary = await mkdtemp(join(tmpdir(), 'depthwise-worker-'));
    const model = join(temporary, 'model.safetensors');
    const shipped = await readNetworkFile(folder('assets/models/mobilenet_v2_0.75_32_small_cifar10.safetensors'));
    await writeFile(model, await writeNetwork(shipped, 'safetensors'));
    server = await serveFolders(
      {
        [MODEL]: model,
        '/dist/browser/': folder('dist/browser'),
        '/dist/': folder('dist'),
        '/alone/dist/browser/index.js': folder('dist/browser/index.js'), // a bundler that does not move the worker's file
        '/alone/dist/chunks/': folder('dist/chunks'),
        '/assets/': folder('assets'),
      },
      {
        wasm: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
        none: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'",
      },
    );
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    await rm(temporary, { recursive: true, force: true });
  });

  /** The page anew, with the package in `depthwise`; `at` chooses the policy, `copy` the folder that its files are loaded from. */
  async function open({ at = '/', copy = '/dist' } = {}): Promise<void> {
    await page.goto(server.origin + at);
    // As text, since vitest rewrites an import().
    await page.evaluate(`(async () => {
      const [{ load }, door] = await Promise.all([import('${at}dist/index.js'), import('${copy}/browser/index.js')]);
      globalThis.depthwise = { ...door, load };
    })()`);
  }

  test('results equal those of the page to the bit, for every task and input', async () => {
    await open();
    const different = await page.evaluate(async (url) => {
      const worker = depthwise.createWorker();
      const [here, there] = [await depthwise.load(url), await worker.load(url)];
      const image = new Image();
      image.src = '/assets/pictures/chelsea.jpg';
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: 61, height: 47 });
      const context = canvas.getContext('2d') as CanvasRenderingContext2D;
      const data = context.createImageData(61, 47);
      for (let i = 0; i < data.data.length; i++) data.data[i] = (i * 7919) % 256; // alpha too
      context.putImageData(data, 0, 0);
      const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      svg.innerHTML = '<image href="/assets/pictures/coffee.jpg" width="100" height="80" />';
      document.body.append(svg);
      const video = document.createElement('video');
      video.srcObject = canvas.captureStream();
      await video.play();
      video.pause();
      const blob = await (await fetch('/assets/pictures/rocket.jpg')).blob();
      const [height, width] = here.inputSize;
      const tensor = {
        shape: [1, height, width, 3],
        data: new Float32Array(height * width * 3).map((_, i) => Math.sin(i)),
      };
      const inputs = {
        image,
        canvas,
        video,
        offscreen: new OffscreenCanvas(8, 8),
        bitmap: await createImageBitmap(image),
        frame: new VideoFrame(canvas, { timestamp: 0 }),
        imageData: data,
        picture: { width: 5, height: 4, channels: 3 as const, data: new Uint8Array(60).map((_, i) => i * 4) },
        blob,
        file: new File([blob], 'rocket.jpg'),
        bytes: new Uint8Array(await blob.arrayBuffer()),
        address: '/assets/pictures/rocket.jpg',
        tensor,
        list: [image, canvas],
      };
      const plain = (value: unknown): string =>
        JSON.stringify(value, (_, one) =>
          one instanceof Map
            ? [...one]
            : one instanceof Float32Array
              ? [...new Uint32Array(one.buffer, one.byteOffset, one.length)]
              : one,
        );
      const different: string[] = [];
      const compare = async (what: string, mine: Promise<unknown>, theirs: Promise<unknown>) => {
        const [expected, found] = [plain(await mine), plain(await theirs)];
        if (expected !== found || expected.length < 50)
          different.push(`${what}: ${expected.slice(0, 200)} ${found.slice(0, 200)}`);
      };
      inputs.offscreen.getContext('2d')?.fillRect(2, 2, 3, 3);
      for (const [name, input] of Object.entries(inputs)) {
        await compare(name, here.classify(input as never), there.classify(input as never));
      }
      const large = Object.assign(document.createElement('canvas'), { width: 4100, height: 4100 }); // drawn at a bounded size
      large.getContext('2d')?.drawImage(image, 0, 0, 4100, 4100);
      await compare('large', here.classify(large), there.classify(large));
      const region = { left: 3, top: 5, width: 40, height: 33 };
      for (const options of [{ region }, { rotation: 90, mirror: true }, { scaling: 'canvas' }] as const) {
        const all = [image, canvas, video, inputs.bitmap, inputs.imageData];
        await compare(JSON.stringify(options), here.logits(all, options), there.logits(all, options));
      }
      await compare(
        'options',
        here.classify(image, { top: 3, alpha: 'drop' }),
        there.classify(image, { top: 3, alpha: 'drop' }),
      );
      await compare('embed', here.embed(image), there.embed(image));
      const [, layer] = [...(await here.trace(tensor)).keys()];
      await compare('embed a layer', here.embed([image, canvas], { layer }), there.embed([image, canvas], { layer }));
      await compare('logits', here.logits(image), there.logits(image));
      await compare('probabilities', here.probabilities(image), there.probabilities(image));
      await compare('trace', here.trace(image), there.trace(image));
      await compare('trace one', here.trace(image, [layer]), there.trace(image, [layer]));
      for (const key of ['name', 'labels', 'inputs', 'inputSize'] as const) {
        if (plain(here[key]) !== plain(there[key])) different.push(key);
      }
      const { worker: how, ...report } = there.report();
      if (plain({ ...here.report(), worker: how }) !== plain({ ...report, worker: how })) different.push('report');
      if (plain(how) !== '{"from":"file"}') different.push(plain(how));
      return different;
    }, MODEL);
    expect(different).toEqual([]);
  });

  test('boxes and label maps equal those of the page, in pixels of each picture', async () => {
    await open();
    const detector = [...(await writeNetwork(constantDetector(), 'safetensors'))];
    const colours = [...(await writeNetwork(coloursSegmenter(), 'safetensors'))];
    const answers = await page.evaluate(
      async ({ detector, colours }) => {
        const worker = depthwise.createWorker();
        const [here, there] = [
          await depthwise.load(new Uint8Array(detector)),
          await worker.load(new Uint8Array(detector)),
        ];
        const image = new Image();
        image.src = '/assets/pictures/chelsea.jpg';
        await image.decode();
        const canvas = Object.assign(document.createElement('canvas'), { width: 61, height: 47 });
        canvas.getContext('2d')?.drawImage(image, 0, 0);
        const inputs = [image, canvas, await createImageBitmap(canvas)];
        const region = { left: 3, top: 5, width: 40, height: 33 };
        const both: unknown[][] = [];
        for (const options of [{}, { region }, { rotation: 90, mirror: true }, { nms: 'none' }] as const) {
          both.push(await Promise.all([here.detect(inputs, options), there.detect(inputs, options)]));
        }
        const pixels = { width: 4, height: 2, channels: 3 as const, data: new Uint8Array(24) };
        const [segmenter, segmenterThere] = [
          await depthwise.load(new Uint8Array(colours)),
          await worker.load(new Uint8Array(colours)),
        ];
        const differing: string[] = [];
        let previous: Awaited<ReturnType<typeof segmenter.segment>> | undefined;
        for (const frame of [image, canvas, inputs[2]]) {
          const options = { confidence: true, smooth: 0.5, ...(previous && { previous }) };
          const [map, other] = [await segmenter.segment(frame, options), await segmenterThere.segment(frame, options)];
          for (const part of ['labels', 'confidence'] as const) {
            if (String(map[part]) !== String(other[part]) || !map[part]?.length) differing.push(part);
          }
          if (String(map.scores?.data) !== String(other.scores?.data) || !map.scores) differing.push('scores');
          previous = other; // which has been moved from the worker, and is sent there as a copy
        }
        return {
          differing,
          both,
          error: await there.segment(pixels).catch(String),
          refused: await there.detect(pixels, { only: ['dgo'] }).catch(String),
        };
      },
      { detector, colours },
    );
    expect(answers.differing).toEqual([]);
    for (const [here, there] of answers.both) expect(there).toEqual(here);
    expect(answers.both[0][1]).toMatchObject([
      {},
      [
        { label: 'cat', box: { width: 30.5 } },
        { label: 'dog', box: { width: 61 } },
      ],
      {},
    ]);
    expect(answers.error).toBe(
      'NetworkError: constant: wanted a network of one output, found boxes, scores; it finds objects: call detect()',
    );
    expect(answers.refused).toBe("UsageError: detect: there is no label 'dgo'; similar labels: dog, cat");
  });

  test('integers: the bits of the page, in a second worker that starts with the first quantised network', async () => {
    await open();
    const { pairs, workers, sent } = await page.evaluate(async (file) => {
      const worker = depthwise.createWorker();
      const bytes = () => new Uint8Array(file);
      const image = new Image();
      image.src = '/assets/pictures/chelsea.jpg';
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: 61, height: 47 });
      canvas.getContext('2d')?.drawImage(image, 0, 0, 61, 47);
      const numbers = (tensors: Map<string, { data: ArrayLike<number> }>) =>
        [...tensors].map(([name, { data }]) => [name, [...new Uint32Array(Float32Array.from(data).buffer)].join()]);
      const pairs: unknown[][] = [];
      const workers: unknown[] = [];
      const sent = new Set<string>();
      const post = Worker.prototype.postMessage as (...message: unknown[]) => void;
      Worker.prototype.postMessage = function (this: Worker, ...message: unknown[]) {
        const input = (message[0] as { args?: { data?: object }[] }).args?.[2];
        if (input?.data) sent.add(input.data.constructor.name);
        post.apply(this, message);
      } as Worker['postMessage'];
      for (const options of [{}, { rounding: 'double' }, { asRealNumbers: true }] as const) {
        const [here, there] = [await depthwise.load(bytes(), options), await worker.load(bytes(), options)];
        const { worker: how, ...report } = there.report();
        workers.push(how);
        pairs.push([here.report(), report]);
        for (const input of [image, canvas]) {
          pairs.push([numbers(await here.trace(input)), numbers(await there.trace(input))]);
          pairs.push([await here.classify(input), await there.classify(input)]);
        }
        const [, layer] = [...(await here.trace(canvas)).keys()];
        pairs.push([numbers(await here.trace(image, [layer])), numbers(await there.trace(image, [layer]))]);
      }
      Worker.prototype.postMessage = post;
      return { pairs, workers, sent: [...sent] };
    }, quantized);
    // elements are prepared in the page, straight into the integers
    expect(sent).toEqual(['Uint8Array', 'Float32Array']);
    for (const [here, there] of pairs) expect(there).toEqual(here);
    expect(pairs[0]).toMatchObject([{ rounding: 'single', target: 'relaxed' }, {}]);
    expect(workers).toEqual([{ from: 'file' }, { from: 'file' }, { from: 'file' }]);
    const scripts = page.workers().map((worker) => worker.url().replace(server.origin, ''));
    expect(scripts).toEqual(['/dist/browser/worker.js', '/dist/browser/integer-worker.js']);
  });

  test('answers come in the order of the calls; a signal takes out what waits, and drops what runs', async () => {
    await open();
    const seen = await page.evaluate(async (url) => {
      const model = await depthwise.createWorker().load(url);
      const [height, width] = model.inputSize;
      const picture = (value: number) => ({
        width,
        height,
        channels: 3 as const,
        data: new Uint8Array(height * width * 3).fill(value),
      });
      const order: string[] = [];
      const note = (name: string, answer: Promise<unknown>) =>
        answer.then(
          () => order.push(name),
          (error) => order.push(`${name}: ${error}`),
        );
      const abort = new AbortController();
      const [running, waiting] = [new AbortController(), new AbortController()];
      const all = [
        note('0', model.classify(picture(0), { signal: running.signal })),
        note('1', model.embed([picture(1), picture(2)])),
        note('2', model.classify(picture(2), { signal: waiting.signal })),
        note('3', model.classify('/assets/pictures/rocket.jpg')), // is fetched first, and keeps its place
        note('4', model.logits(picture(4))),
        note('5', model.classify(picture(5), { signal: AbortSignal.abort('never wanted') })),
      ];
      await Promise.resolve();
      waiting.abort('no longer wanted');
      running.abort();
      await Promise.all(all);
      abort.abort();
      return order;
    }, MODEL);
    expect(seen).toEqual([
      '5: never wanted',
      '2: no longer wanted',
      '0: AbortError: signal is aborted without reason',
      '1',
      '3',
      '4',
    ]);
  });

  test('what is given is copied, or moved when that is wished', async () => {
    await open();
    const widths = await page.evaluate(async (url) => {
      const bytes = await (await fetch(url)).arrayBuffer();
      const model = await depthwise.createWorker().load(bytes);
      const bitmap = await createImageBitmap(new ImageData(8, 6));
      const data = new ImageData(8, 6);
      await model.classify([bitmap, data]);
      const copied = [bytes.byteLength > 0, bitmap.width, data.data.length];
      await model.classify([bitmap, data], { transfer: true });
      return [...copied, bitmap.width, data.data.length];
    }, MODEL);
    expect(widths).toEqual([true, 8, 192, 0, 0]);
  });

  test('errors are those of the page', async () => {
    await open();
    const pairs = await page.evaluate(async (url) => {
      const worker = depthwise.createWorker();
      const [here, there] = [await depthwise.load(url), await worker.load(url)];
      const video = document.createElement('video');
      const broken = new Image();
      const plain = (error: unknown) => {
        const { name, code, message } = error as { name: string; code?: string; message: string };
        return `${name} ${code} ${message} ${error instanceof Error}`;
      };
      const of = (answer: Promise<unknown>) => answer.then(() => 'an answer', plain);
      const wrong: unknown[] = [
        null,
        undefined,
        5,
        '#photo',
        video,
        broken,
        document.body,
        () => {},
        {},
        new Blob(['text']),
        Promise.resolve(1),
      ];
      const pairs = [];
      for (const input of wrong)
        pairs.push([await of(here.classify(input as never)), await of(there.classify(input as never))]);
      const picture = { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) };
      const calls = [
        (model: typeof here) => model.classify(picture, { top: 0 }),
        (model: typeof here) => model.classify(picture, { background: 'before-softmax' }),
        (model: typeof here) => model.embed(picture, { layer: 'nowhere' }),
        (model: typeof here) => model.trace(picture, ['nowhere']),
        (model: typeof here) => model.classify({ shape: [1, 2, 2, 3], data: new Float32Array(12) }),
      ];
      for (const call of calls) pairs.push([await of(call(here)), await of(call(there))]);
      for (const wrongModel of ['/nowhere.safetensors', new Uint8Array(9), undefined as never]) {
        pairs.push([await of(depthwise.load(wrongModel)), await of(worker.load(wrongModel))]);
      }
      here.dispose();
      there.dispose();
      there.dispose();
      pairs.push([await of(here.classify(picture)), await of(there.classify(picture))]);
      return pairs;
    }, MODEL);
    for (const [expected, found] of pairs) {
      expect(expected).not.toBe('an answer');
      expect(found).toBe(expected);
    }
  });

  test('progress, and what is read again', async () => {
    await open();
    const seen = await page.evaluate(async (url) => {
      const phases: string[] = [];
      const addresses: string[] = [];
      const model = await depthwise.createWorker().load(url, {
        onProgress: ({ phase }) => phases.at(-1) !== phase && phases.push(phase),
        fetch: (input, init) => {
          addresses.push(String(input));
          return fetch(input, init);
        },
      });
      await model.classify('/assets/pictures/rocket.jpg');
      const tensors = await model.trace('/assets/pictures/rocket.jpg');
      return { phases, addresses: addresses.map((address) => new URL(address).pathname), tensors: tensors.size > 50 };
    }, MODEL);
    expect(seen.phases).toEqual(['download', 'read', 'compile']);
    expect(seen.addresses).toEqual([MODEL, '/assets/pictures/rocket.jpg', '/assets/pictures/rocket.jpg', MODEL]);
    expect(seen.tensors).toBe(true);
  });

  test.each([
    [
      'throws',
      'setTimeout(() => { throw new Error("boom") })',
      'worker: it failed: Uncaught Error: boom; create another one',
    ],
    ['closes', 'close()', 'worker: it has ended by itself; create another one'],
  ])('a worker that %s rejects every call', async (_, script, message) => {
    await open();
    await page.evaluate(async (url) => {
      let loads = 0;
      // The first call waits for ever, since the file does not arrive a second time.
      const fetchOnce: typeof fetch = (...file) => (loads++ === 0 ? fetch(...file) : new Promise(() => {}));
      const worker = depthwise.createWorker({ name: 'classifier' });
      const model = await worker.load(url, { fetch: fetchOnce });
      const picture = { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) };
      const calls = [model.trace(picture), model.embed(picture), worker.load(url)];
      const all = calls.map((call) =>
        call.then(
          () => 'an answer',
          ({ name, code, message }) => ({ name, code, message }),
        ),
      );
      const later = () => model.embed(picture).catch(({ message }) => message);
      Object.assign(globalThis, { answers: Promise.all(all), later });
    }, MODEL);
    await page.workers()[0].evaluate(script);
    const died = { name: 'WorkerError', code: 'worker', message };
    expect(await page.evaluate('answers')).toEqual([died, died, died]);
    expect(await page.evaluate('later()')).toBe(message);
  });

  test('dispose ends the worker, and its calls', async () => {
    await open();
    const found = await page.evaluate(async (url) => {
      const worker = depthwise.createWorker();
      const model = await worker.load(url);
      const picture = { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) };
      const calls = [model.classify(picture), model.classify(picture)];
      worker.dispose();
      worker.dispose();
      calls.push(model.classify(picture));
      const early = depthwise.createWorker();
      early.dispose();
      const later = [worker.load(url), early.load(url)];
      return Promise.all([...calls, ...later].map((call) => call.then(() => 'an answer', String)));
    }, MODEL);
    expect(found).toEqual(new Array(5).fill('WorkerError: worker: it was disposed; create another one'));
    await expect.poll(() => page.workers().length).toBe(0);
  });

  describe('how it starts', () => {
    const started = (options: browserDoor.CreateWorkerOptions = {}) =>
      page.evaluate(
        async ([options, url]) => {
          const worker = depthwise.createWorker(options as browserDoor.CreateWorkerOptions);
          try {
            const model = await worker.load(url as string);
            const [best] = await model.classify('/assets/pictures/chelsea.jpg', { top: 1 });
            return { label: best.label, target: model.report().target, ...model.report().worker };
          } catch (error) {
            return String(error);
          } finally {
            worker.dispose();
          }
        },
        [options, MODEL] as const,
      );

    test('from its text where its file is not there, and says so', async () => {
      await open({ copy: '/alone/dist' });
      expect(await started()).toEqual({
        label: 'cat',
        target: 'relaxed',
        from: 'text',
        reason: 'no script could be loaded from there',
      });
    });

    test('from an address under a strict policy', async () => {
      await open({ at: '/wasm/', copy: '/wasm/alone/dist' });
      expect(await started({ url: '/wasm/dist/browser/worker.js' })).toEqual({
        label: 'cat',
        target: 'relaxed',
        from: 'url',
      });
    });

    test('integers: from the text; from an address, under a strict policy, that has their kernels', async () => {
      const rounding = (url?: string) =>
        page.evaluate(
          async ([url, file]) => {
            const worker = depthwise.createWorker(url ? { url } : {});
            const models = await Promise.all([
              worker.load(new Uint8Array(file)),
              worker.load(new Uint8Array(file)),
            ]).catch(String);
            worker.dispose();
            return typeof models === 'string'
              ? models
              : models.map((model) => [model.report().rounding, model.report().worker.from]);
          },
          [url, quantized] as const,
        );
      await open({ copy: '/alone/dist' });
      expect(await rounding()).toEqual(Array(2).fill(['single', 'text']));
      await open({ at: '/wasm/', copy: '/wasm/alone/dist' });
      expect(await rounding('/wasm/dist/browser/integer-worker.js')).toEqual(Array(2).fill(['single', 'url']));
      expect(await rounding('/wasm/dist/browser/worker.js')).toBe(
        `WorkerError: worker: /wasm/dist/browser/worker.js computes real numbers alone, and ${name} has integers; serve a copy of depthwise/browser/integer-worker.js in its place, or load with asRealNumbers: true`,
      );
      await expect.poll(() => page.workers().length).toBe(0);
    });

    test('not at all under that policy without an address: the error says what to do', async () => {
      await open({ at: '/wasm/', copy: '/wasm/alone/dist' });
      expect(await started()).toBe(
        "WorkerError: worker: it starts neither from its file (no script could be loaded from there) nor from its text (the page's Content-Security-Policy forbids it: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'); serve a copy of depthwise/browser/worker.js from this site and give its address: createWorker({ url })",
      );
    });

    test('a policy without workers', async () => {
      await open({ at: '/none/', copy: '/none/dist' });
      expect(await started({ url: '/none/dist/browser/worker.js' })).toBe(
        "WorkerError: worker: /none/dist/browser/worker.js does not start: the page's Content-Security-Policy forbids it: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'",
      );
    });

    test.each([
      [
        'an address without a script',
        { url: '/nowhere.js' },
        '/nowhere.js does not start: no script could be loaded from there',
      ],
      [
        'another site',
        { url: 'https://elsewhere.test/worker.js' },
        /^WorkerError: worker: https:.* does not start: .*cannot be accessed from origin/,
      ],
      [
        'a script that does not arrive',
        { url: '/hangs.js', startTimeout: 300 },
        '/hangs.js does not start: its script has not begun to run within 0.3 s',
      ],
    ])('%s', async (_, options, message) => {
      await open();
      const expected = typeof message === 'string' ? `WorkerError: worker: ${message}` : expect.stringMatching(message);
      expect(await started(options)).toEqual(expected);
    });

    test.each([
      [{ url: 5 }, 'createWorker: url must be the address of a script, found 5'],
      [{ startTimeout: 0 }, 'createWorker: startTimeout must be milliseconds above 0, found 0'],
    ])('options %j', async (options, message) => {
      await open();
      const call = page.evaluate((wrong) => void depthwise.createWorker(wrong as never), options);
      await expect(call).rejects.toThrow(message);
    });

    test('the script of another version', async () => {
      await open();
      const url = `data:text/javascript,postMessage({depthwiseWorker:0})`;
      expect(await started({ url })).toBe(
        `WorkerError: worker: ${url} does not start: it is no worker of this version of depthwise: copy the package's file again`,
      );
    });
  });
});
