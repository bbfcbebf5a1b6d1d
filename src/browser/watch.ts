/**
 * A network's answers to a video, as fast as it can give them: one question at a time, always about the newest frame. Frames that come while it is
 * busy are passed over, so nothing queues and boxes never lag behind the picture.
 */
import { PictureError, UsageError } from '../errors.js';
import { found, tagOf } from '../found.js';
import { eachFrame } from './each-frame.js';

export interface WatchOptions {
  /** Ends it, without an error. An answer that is under way is dropped. */
  readonly signal?: AbortSignal;
}

/** A frame that was asked about. */
export interface WatchedFrame {
  /** In pixels, as boxes are. */
  readonly width: number;
  readonly height: number;
  /** Milliseconds on the clock of `performance.now()`: when the browser showed it. */
  readonly time: number;
}

/** HTMLMediaElement.HAVE_CURRENT_DATA: there is a frame. */
const HAS_FRAME = 2;

/**
 * Asks about frames of a video until `signal` is aborted: `watch(video, (frame) => model.detect(frame), draw)`. Any of a model's tasks will do, here or in
 * a worker. While the video is paused, ended, removed from the page or not loaded, or the page is hidden, nothing is asked. Rejected with what
 * `ask` or `onResult` throws, which ends it too, and with a PictureError for a video that the browser cannot play.
 */
export async function watch<Answer>(
  video: HTMLVideoElement,
  ask: (frame: HTMLVideoElement) => Promise<Answer> | Answer,
  onResult: (answer: Answer, frame: WatchedFrame) => Promise<void> | void,
  { signal }: WatchOptions = {},
): Promise<void> {
  if (tagOf(video) !== 'HTMLVideoElement') throw wrong('a <video> element', video);
  for (const call of [ask, onResult]) if (typeof call !== 'function') throw wrong('a function', call);
  if (signal !== undefined && tagOf(signal) !== 'AbortSignal') throw wrong('an AbortSignal as signal', signal);
  if (signal?.aborted) return;
  const loop = new AbortController();
  try {
    // A race between the signal and each question would keep every answer until the end.
    await new Promise<void>((resolve, reject) => {
      let newest: number | undefined; // time of a frame that was not asked about yet
      let busy = false;
      const next = async () => {
        const { videoWidth: width, videoHeight: height } = video;
        if (busy || newest === undefined || width === 0 || document.hidden || loop.signal.aborted) return;
        const frame = { width, height, time: newest };
        newest = undefined;
        busy = true;
        try {
          const answer = await ask(video);
          if (!loop.signal.aborted) await onResult(answer, frame);
          busy = false;
          void next();
        } catch (error) {
          reject(error);
        }
      };
      const show = (time: number) => {
        newest = time;
        void next();
      };
      const fail = () =>
        reject(new PictureError(`watch: the browser cannot play the video; it says: ${video.error?.message}`));
      const end = () => {
        loop.abort();
        resolve();
      };
      signal?.addEventListener('abort', end, { signal: loop.signal });
      document.addEventListener('visibilitychange', next, { signal: loop.signal });
      video.addEventListener('error', fail, { signal: loop.signal });
      if (video.error) fail();
      else {
        eachFrame(video, loop.signal, show);
        if (video.readyState >= HAS_FRAME) show(performance.now()); // a frame that was shown before
      }
    });
  } finally {
    loop.abort();
  }
}

const wrong = (wanted: string, value: unknown) =>
  new UsageError(`watch: wanted ${wanted}, found ${found(value)}; watch(video, (frame) => model.detect(frame), draw)`);
