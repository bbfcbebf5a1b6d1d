/** Answers to a video in Chromium: one question at a time, about the newest frame, and none of a hidden page. */
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type WatchedFrame, watch } from '../../src/browser/watch.js';
import { bundle } from './bundle.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** What `watch` uses of a video. `show` is a frame that the browser shows. */
class FakeVideo extends EventTarget {
  readonly [Symbol.toStringTag] = 'HTMLVideoElement';
  videoWidth = 64;
  videoHeight = 48;
  readyState = 2;
  error: { readonly message: string } | null = null;
  #wanted: ((now: number, data: object) => void)[] = [];
  #shown = 0;

  requestVideoFrameCallback(onFrame: (now: number, data: object) => void): void {
    this.#wanted.push(onFrame);
  }

  show(): void {
    for (const onFrame of this.#wanted.splice(0)) onFrame(++this.#shown, {});
  }
}

test.each<[unknown[], string]>([
  [
    [null, () => {}, () => {}],
    'watch: wanted a <video> element, found null; watch(video, (frame) => model.detect(frame), draw)',
  ],
  [['video', () => {}, () => {}], "watch: wanted a <video> element, found the text 'video'"],
  [[new FakeVideo(), 'detect', () => {}], "watch: wanted a function, found the text 'detect'"],
  [[new FakeVideo(), () => {}, undefined], 'watch: wanted a function, found undefined'],
  [
    [new FakeVideo(), () => {}, () => {}, { signal: new AbortController() }],
    'watch: wanted an AbortSignal as signal, found an AbortController',
  ],
])('refuses %j', async (args, message) => {
  await expect(watch(...(args as Parameters<typeof watch>))).rejects.toThrow(message);
});

describe('a video of any kind', () => {
  let video: FakeVideo;
  let stop: AbortController;
  const watching = <Answer>(
    ask: () => Promise<Answer> | Answer,
    onResult: (answer: Answer, frame: WatchedFrame) => Promise<void> | void,
  ) => watch(video as unknown as HTMLVideoElement, ask, onResult, { signal: stop.signal });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  beforeEach(() => {
    video = new FakeVideo();
    stop = new AbortController();
    vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
  });
  afterEach(() => vi.unstubAllGlobals());

  test('without pixels, as a sound is or one that is not loaded: nothing is asked until it has some', async () => {
    Object.assign(video, { videoWidth: 0, videoHeight: 0 });
    const sizes: number[][] = [];
    const watched = watching(
      () => 0,
      (_, { width, height }) => void sizes.push([width, height]),
    );
    video.show();
    await settled();
    expect(sizes).toEqual([]);
    Object.assign(video, { videoWidth: 3, videoHeight: 2 });
    video.show();
    await settled();
    expect(sizes).toEqual([[3, 2]]);
    stop.abort();
    await watched;
  });

  test('that changes its size: the frame has the size that it has when it is asked about', async () => {
    const sizes: string[] = [];
    const answers: (() => void)[] = [];
    const watched = watching(
      () => new Promise<void>((resolve) => answers.push(resolve)),
      (_, { width, height, time }) => void sizes.push(`${width}×${height} ${time > 2}`),
    );
    video.show(); // passed over: the frame before is still asked about
    video.videoWidth = 32;
    answers.shift()!();
    await settled();
    answers.shift()!();
    await settled();
    expect(sizes).toEqual(['64×48 true', '32×48 false']);
    stop.abort();
    await watched;
  });

  test('that cannot be played, before and later', async () => {
    const answer = watching(
      () => 0,
      () => {},
    );
    video.error = { message: 'DEMUXER_ERROR_COULD_NOT_OPEN' };
    video.dispatchEvent(new Event('error'));
    const message = 'watch: the browser cannot play the video; it says: DEMUXER_ERROR_COULD_NOT_OPEN';
    await expect(answer).rejects.toThrow(message);
    await expect(
      watching(
        () => expect.unreachable(),
        () => {},
      ),
    ).rejects.toThrow(message);
  });

  test('a question or a listener that rejects ends it; what they do after the end is not heard', async () => {
    const late = async () => {
      stop.abort();
      throw new Error('too late');
    };
    const never = () => new Promise<number>(() => {});
    const fail = async () => {
      throw new Error('no answer');
    };
    await expect(watching(fail, () => {})).rejects.toThrow('no answer');
    await expect(watching(() => 1, fail)).rejects.toThrow('no answer');
    await expect(watching(late, () => {})).resolves.toBe(undefined);
    stop = new AbortController();
    await expect(watching(() => 1, late)).resolves.toBe(undefined);
    stop = new AbortController();
    const watched = watching(never, () => expect.unreachable());
    stop.abort();
    stop.abort();
    await expect(watched).resolves.toBe(undefined);
    video.show();
  });

  test('a listener that takes its time is waited for', async () => {
    const events: string[] = [];
    const watched = watching(
      () => void events.push('asked'),
      async () => {
        await settled();
        events.push('drawn');
      },
    );
    video.show();
    while (events.length < 4) await settled();
    expect(events).toEqual(['asked', 'drawn', 'asked', 'drawn']);
    stop.abort();
    await watched;
  });

  test('answers are let go', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const answers: WeakRef<object>[] = [];
    const watched = watching(
      () => {
        const answer = {};
        answers.push(new WeakRef(answer));
        return answer;
      },
      () => {},
    );
    for (let i = 0; i < 100; i++) {
      video.show();
      await settled();
    }
    collect();
    expect(answers.length).toBeGreaterThan(90);
    expect(answers.filter((answer) => answer.deref()).length).toBeLessThan(5);
    stop.abort();
    await watched;
  });
});

describe.skipIf(!existsSync(executablePath))(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    const script = await bundle('./watch-page.ts');
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
    });
    page = await browser.newPage();
    await page.setContent('<!doctype html><title>watch</title>');
    await page.addScriptTag({ content: script });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
  });

  test('one question at a time; frames that come meanwhile are passed over; it ends by its signal', async () => {
    const seen = await page.evaluate(async () => {
      const { video, show } = await watching.film();
      const drawing = setInterval(show, 10);
      const end = new AbortController();
      let [asked, atOnce, most] = [0, 0, 0];
      const times: number[] = [];
      const sizes = new Set<string>();
      await watching.watch(
        video,
        async () => {
          most = Math.max(most, ++atOnce);
          asked++;
          await new Promise((resolve) => setTimeout(resolve, 60));
          atOnce--;
          return asked;
        },
        (answer, { width, height, time }) => {
          times.push(time);
          sizes.add(`${width}×${height}`);
          if (answer === 5) end.abort();
        },
        { signal: end.signal },
      );
      clearInterval(drawing);
      return {
        asked,
        most,
        rising: times.every((time, i) => i === 0 || time > times[i - 1]),
        answers: times.length,
        sizes: [...sizes],
      };
    });
    expect(seen).toEqual({ asked: 5, most: 1, rising: true, answers: 5, sizes: ['64×48'] });
  });

  test('a hidden page asks nothing, and goes on when it is seen again', async () => {
    const counts = await page.evaluate(async () => {
      const { video, show } = await watching.film();
      const drawing = setInterval(show, 10);
      const end = new AbortController();
      let asked = 0;
      const watched = watching.watch(
        video,
        async () => ++asked,
        () => {},
        { signal: end.signal },
      );
      const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      const until = async (count: number) => {
        while (asked < count) await pause(5);
      };
      const hide = (hidden: boolean) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      };
      await until(3);
      hide(true);
      await pause(20); // a question that was under way
      const before = asked;
      await pause(200);
      const whileHidden = asked - before;
      hide(false);
      await until(before + 3);
      end.abort();
      await watched;
      clearInterval(drawing);
      return { whileHidden };
    });
    expect(counts).toEqual({ whileHidden: 0 });
  });

  test('an error of the question or of the listener ends it', async () => {
    const errors = await page.evaluate(async () => {
      const { video } = await watching.film();
      const fail = () => {
        throw new Error('no answer');
      };
      return Promise.all([
        watching.watch(video, fail, () => {}).catch(String),
        watching.watch(video, () => 1, fail).catch(String),
        watching.watch(video, fail, fail, { signal: AbortSignal.abort() }),
      ]);
    });
    expect(errors).toEqual(['Error: no answer', 'Error: no answer', undefined]);
  });

  test('a video that ends, is followed by one of another size, is removed, put back, or cannot be played', async () => {
    const seen = await page.evaluate(async () => {
      const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      const { video, show } = await watching.film();
      const larger = await watching.film(128);
      const drawing = setInterval(() => {
        show();
        larger.show();
      }, 10);
      const widths: number[] = [];
      const watched = watching.watch(
        video,
        () => 0,
        (_, { width }) => void widths.push(width),
      );
      const more = async (width: number) => {
        const before = widths.length;
        while (widths.length < before + 3 || widths.at(-1) !== width) await pause(5);
        return width;
      };
      const quiet = async () => {
        await pause(50);
        const before = widths.length;
        await pause(150);
        return widths.length - before;
      };
      const first = await more(64);
      for (const track of (video.srcObject as MediaStream).getTracks()) track.stop();
      const ended = await quiet();
      video.srcObject = larger.video.srcObject;
      await video.play();
      const second = await more(128);
      video.remove();
      const removed = await quiet();
      document.body.append(video);
      await video.play();
      const again = await more(128);
      video.srcObject = null;
      video.src = 'data:video/mp4;base64,AAAA';
      const error = await watched.catch(String);
      clearInterval(drawing);
      return { first, ended, second, removed, again, error };
    });
    expect(seen).toEqual({
      first: 64,
      ended: 0,
      second: 128,
      removed: 0,
      again: 128,
      error: expect.stringMatching(/^PictureError: watch: the browser cannot play the video; it says: \w+/),
    });
  });
});
