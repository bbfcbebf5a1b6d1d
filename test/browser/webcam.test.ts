/** Cameras in Chromium, with its fake camera that shows a film, and with none. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { devices, type WebcamOptions, webcam } from '../../src/browser/webcam.js';
import { bundle } from './bundle.js';
import { writeFilm } from './film.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absent = !existsSync(executablePath);
const picture = (name: string) => fileURLToPath(new URL(`../../assets/pictures/${name}.jpg`, import.meta.url));

const SECURE = 'http://localhost/';
const PAGE = '<!doctype html><title>camera</title><video id="shown"></video><script src="/script.js"></script>';

test('outside of a page', async () => {
  const error = { name: 'CameraError', code: 'camera', reason: 'unsupported' };
  const message =
    'camera: only a page can open a camera; open it there, and give its frames to a worker (createWorker does)';
  await expect(webcam().next()).rejects.toMatchObject({ ...error, message });
  await expect(devices()).rejects.toMatchObject({ ...error, message });
});

test('a loop that ended before it began asks for nothing', async () => {
  expect(await webcam({ signal: AbortSignal.abort() }).next()).toEqual({ done: true, value: undefined });
  const camera = webcam();
  expect(await camera.return()).toEqual({ done: true, value: undefined });
  expect(await camera.next()).toEqual({ done: true, value: undefined });
});

test.each([
  [{ video: null }, 'webcam: video must be a <video> element, found null'],
  [{ video: '#camera' }, "webcam: video must be a <video> element, found the text '#camera'"],
  [{ facingMode: 'front' }, "webcam: facingMode must be 'user' or 'environment', found the text 'front'"],
  [{ deviceId: '' }, 'webcam: deviceId must be one of devices(), which are known once a camera was allowed, found'],
  [{ size: { width: 640 } }, 'webcam: size.height must be whole pixels, found undefined'],
  [{ size: [640, 480] }, 'webcam: size.width must be whole pixels, found undefined'],
])('options %j', (options, message) => {
  expect(() => webcam(options as WebcamOptions)).toThrow(message);
});

describe.skipIf(absent)(`in Chromium (needs ${executablePath}, or CHROMIUM to name one)`, () => {
  let folder: string;
  let script: string;
  let browser: Browser;
  /** A page that may use cameras. */
  let allowed: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'depthwise-film-'));
    const film = join(folder, 'film.y4m');
    await writeFilm(film, [picture('chelsea'), picture('coffee')]);
    script = await bundle('./webcam-page.ts');
    browser = await launch('--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`);
    allowed = await (await contextOf(browser)).newPage();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const launch = (...args: string[]) => chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });

  interface Opened {
    readonly url?: string;
    readonly headers?: Record<string, string>;
    readonly html?: string;
  }
  /** What the next page is. */
  let served: Opened = {};

  /** Pages at any address, with cameras allowed unless it is said otherwise. */
  async function contextOf(from: Browser, permissions = ['camera']): Promise<BrowserContext> {
    const context = await from.newContext({ permissions });
    await context.route('**/*', (route) => {
      const path = new URL(route.request().url()).pathname;
      if (path === '/script.js') return route.fulfill({ contentType: 'text/javascript', body: script });
      const { headers = {}, html = PAGE } = served;
      return route.fulfill({ contentType: 'text/html', headers, body: path === '/inner' ? PAGE : html });
    });
    return context;
  }

  /** The page of most tests, anew. */
  async function open(opened: Opened = {}, page: Page = allowed): Promise<Page> {
    served = opened;
    await page.goto(opened.url ?? SECURE);
    return page;
  }

  /** What the first frame of a camera rejects with. */
  const failure = (page: Pick<Page, 'evaluate'>, options: { deviceId?: string } = {}) =>
    page.evaluate(
      (given) =>
        cameras
          .webcam(given)
          .next()
          .then(
            () => 'a frame',
            ({ name, code, reason, message }) => ({ name, code, reason, message }),
          ),
      options,
    );

  test('frames of the film, newest first, with their times; break turns the camera off', async () => {
    const page = await open();
    const seen = await page.evaluate(async () => {
      const video = document.querySelector('video') as HTMLVideoElement;
      const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 6 });
      const context = canvas.getContext('2d') as CanvasRenderingContext2D;
      const frames: { size: number[]; time: number; red: number }[] = [];
      let track: MediaStreamTrack | undefined;
      for await (const frame of cameras.webcam({ video })) {
        context.drawImage(frame.video, 0, 0, 8, 6);
        const { data } = context.getImageData(0, 0, 8, 6);
        const red = data.filter((_, i) => i % 4 === 0).reduce((sum, value) => sum + value, 0) / 48;
        frames.push({ size: [frame.width, frame.height], time: frame.time, red });
        track = (video.srcObject as MediaStream).getVideoTracks()[0];
        // Busy for three frames: queued ones would be older from one to the next.
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (frames.length === 12) break;
      }
      return { frames, state: track?.readyState, source: video.srcObject, muted: video.muted && video.playsInline };
    });
    expect(seen).toMatchObject({ state: 'ended', source: null, muted: true });
    for (const { size } of seen.frames) expect(size).toEqual([640, 480]);
    const times = seen.frames.map(({ time }) => time);
    expect(times.every((time, n) => n === 0 || time > times[n - 1])).toBe(true);
    // Queued frames would follow each other by 33 ms. The newest is at most some frames old when 100 ms of work are done.
    expect(times[11] - times[0]).toBeGreaterThan(900);
    // Both pictures of the film: chelsea's mean red is 148, coffee's 158, as wide apart as 8 bits of YUV can tell.
    const reds = seen.frames.map(({ red }) => red);
    expect(Math.max(...reds) - Math.min(...reds)).toBeGreaterThan(4);
  });

  test('the cameras have names once one is allowed, and one can be asked for', async () => {
    const page = await open();
    const { found, frame } = await page.evaluate(async () => {
      const found = await cameras.devices();
      const [{ deviceId }] = found;
      const camera = cameras.webcam({ deviceId, facingMode: 'user', size: { width: 320, height: 240 }, mirror: true });
      const { value } = await camera.next();
      await camera.return();
      return { found, frame: [value?.width, value?.height, value?.mirror, value?.video.style.transform] };
    });
    expect(found[0].label).toMatch(/film\.y4m$/); // the fake camera's name
    expect(frame).toEqual([320, 240, true, 'scaleX(-1)']);
  });

  test.each(['a waiting loop', 'a loop that is busy', 'a camera that is being opened'])(
    'signal ends %s',
    async (when) => {
      const page = await open();
      const ended = await page.evaluate(async (when) => {
        const abort = new AbortController();
        const streams: MediaStream[] = [];
        const { mediaDevices } = navigator;
        const original = mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = async (constraints) => {
          const stream = await original(constraints);
          streams.push(stream);
          return stream;
        };
        const camera = cameras.webcam({ signal: abort.signal });
        const first = camera.next();
        if (when !== 'a camera that is being opened') await first;
        const waiting = camera.next();
        if (when === 'a loop that is busy') await waiting;
        abort.abort();
        const results = [await first, await waiting, await camera.next()].map(({ done }) => done);
        while (streams.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        await new Promise((resolve) => setTimeout(resolve, 10));
        return { results, states: streams.map((stream) => stream.getTracks()[0].readyState) };
      }, when);
      expect(ended.states).toEqual(['ended']);
      expect(ended.results.at(-1)).toBe(true);
    },
  );

  test.each([
    ['visibilitychange', 'visibilitychange'],
    ['pagehide', 'pageshow'],
  ])('%s turns the camera off, %s on again, in the same loop', async (away, back) => {
    const page = await open();
    const seen = await page.evaluate(
      async ([away, back]) => {
        const video = document.querySelector('video') as HTMLVideoElement;
        const say = (type: string, hidden: boolean) => {
          if (type === 'visibilitychange')
            Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
          (type === 'visibilitychange' ? document : window).dispatchEvent(new Event(type));
        };
        const camera = cameras.webcam({ video });
        await camera.next();
        const [track] = (video.srcObject as MediaStream).getTracks();
        say(away, true);
        const off = [track.readyState, video.srcObject];
        const waiting = camera.next();
        say(back, false);
        const { value, done } = await waiting;
        const on = [done, value?.width, (video.srcObject as MediaStream | null)?.getTracks()[0].readyState];
        await camera.return();
        return { off, on };
      },
      [away, back],
    );
    expect(seen).toEqual({ off: ['ended', null], on: [false, 640, 'live'] });
  });

  test('without requestVideoFrameCallback, when the screen is drawn', async () => {
    const page = await open();
    const times = await page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: what older browsers do not have
      (HTMLVideoElement.prototype as any).requestVideoFrameCallback = undefined;
      const times: number[] = [];
      for await (const { time } of cameras.webcam()) if (times.push(time) === 3) break;
      return times;
    });
    expect(times[0] < times[1] && times[1] < times[2]).toBe(true);
  });

  test('its permission is withdrawn while it runs, and it ends the same when it is unplugged', async () => {
    const context = await contextOf(browser);
    const page = await open({}, await context.newPage());
    const error = page.evaluate(async () => {
      const camera = cameras.webcam();
      try {
        for await (const _ of camera) document.title = 'running';
        return undefined;
      } catch (error) {
        const { reason, message } = error as { reason: string; message: string };
        return { reason, message, after: (await camera.next()).done };
      }
    });
    await page.waitForFunction(() => document.title === 'running');
    await context.clearPermissions();
    expect(await error).toEqual({
      reason: 'disconnected',
      message: expect.stringMatching(
        /^camera: '.*' was unplugged, taken by the system, or its permission was withdrawn while it ran; start the loop again when it is back$/,
      ),
      after: true,
    });
  });

  test('opened, but no picture comes', async () => {
    const page = await open({}, await (await contextOf(browser)).newPage());
    await page.clock.install();
    await page.evaluate(() => {
      const { track } = new RTCPeerConnection().addTransceiver('video').receiver; // muted until somebody sends
      navigator.mediaDevices.getUserMedia = async () => new MediaStream([track]);
    });
    const error = failure(page);
    await page.evaluate(() => undefined); // the loop has begun
    await page.clock.fastForward(10_000);
    expect(await error).toMatchObject({
      reason: 'silent',
      message: expect.stringMatching(
        /^camera: '.*' was opened but has sent no picture for 10 seconds; another program may hold it, or a switch or shutter may close it$/,
      ),
    });
  });

  test('refused', async () => {
    const page = await open({}, await (await contextOf(browser, [])).newPage());
    expect(await failure(page)).toMatchObject({
      name: 'CameraError',
      reason: 'denied',
      message:
        "camera: this page may not use the camera; allow it in the site's settings, behind the sign left of the address, and start again (NotAllowedError: Permission denied)",
    });
  });

  test('forbidden by a header', async () => {
    const page = await open({ headers: { 'Permissions-Policy': 'camera=()' } });
    expect(await failure(page)).toMatchObject({ reason: 'policy' });
  });

  test('in a frame of another site without allow="camera"', async () => {
    const page = await open({ html: '<iframe src="https://inner.test/inner"></iframe>' });
    const frame = page.frames().find((found) => found.url().endsWith('/inner'));
    expect(await failure(frame as unknown as Page)).toMatchObject({
      reason: 'policy',
      message: `camera: this page's permissions policy forbids the camera; an <iframe> needs allow="camera", and a Permissions-Policy header must not say camera=() (NotAllowedError: Permission denied)`,
    });
  });

  test('a page that is not secure', async () => {
    const page = await open({ url: 'http://camera.test/' });
    expect(await failure(page)).toMatchObject({
      reason: 'insecure',
      message:
        'camera: browsers give cameras to secure pages only, and http://camera.test is not one; serve the page by https, or open it as http://localhost',
    });
  });

  test('a device that is not there', async () => {
    const page = await open();
    expect(await failure(page, { deviceId: 'nine' })).toMatchObject({
      reason: 'constraint',
      message:
        "camera: no camera has the deviceId 'nine'; devices() lists those that are there now (OverconstrainedError)",
    });
  });

  test('no camera at all', async () => {
    const without = await launch();
    try {
      const page = await open({}, await (await contextOf(without)).newPage());
      expect(await failure(page)).toMatchObject({
        reason: 'absent',
        message:
          'camera: this machine has no camera, or the system hides it; connect one and start again (NotFoundError: Requested device not found)',
      });
    } finally {
      await without.close();
    }
  });

  test.each([
    [
      ['NotReadableError', 'Could not start video source'],
      'busy',
      'camera: the camera cannot be started; close other programs and pages that use it, or plug it in again (NotReadableError: Could not start video source)',
    ],
    [
      ['NotAllowedError', 'Permission denied by system'],
      'denied',
      'camera: the operating system keeps cameras from this browser; allow it in its privacy settings (NotAllowedError: Permission denied by system)',
    ],
    [
      ['InvalidStateError', 'Invalid state'],
      'unsupported',
      'camera: the browser does not open the camera (InvalidStateError: Invalid state)',
    ],
  ])('%s', async (thrown, reason, message) => {
    const page = await open();
    await page.evaluate(([name, text]) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException(text, name));
    }, thrown);
    expect(await failure(page)).toMatchObject({ reason, message });
  });

  test('a question that was closed without an answer', async () => {
    const page = await open();
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () =>
        Promise.reject(new DOMException('Permission dismissed', 'NotAllowedError'));
      navigator.permissions.query = async () => ({ state: 'prompt' }) as PermissionStatus;
    });
    expect(await failure(page)).toMatchObject({
      reason: 'denied',
      message:
        'camera: the question for the camera was closed without an answer; ask again, best after a click (NotAllowedError: Permission dismissed)',
    });
  });
});
