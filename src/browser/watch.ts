/**
 * A network's answers to a video, as fast as it can give them: one question at a time, always about the newest frame. Frames that come while it is
 * busy are passed over, so nothing queues and boxes never lag behind the picture.
 */
import { UsageError } from '../errors.js';
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
 * a worker. While the video is paused, ended or not loaded, or the page is hidden, nothing is asked. Rejected with what `ask` or
 * `onResult` throws, which ends it too.
 */
export async function watch<Answer>(
  video: HTMLVideoElement,
  ask: (frame: HTMLVideoElement) => Promise<Answer> | Answer,
  onResult: (answer: Answer, frame: WatchedFrame) => void,
  { signal }: WatchOptions = {},
): Promise<void> {
  if (tagOf(video) !== 'HTMLVideoElement') throw wrong('a <video> element', video);
  for (const call of [ask, onResult]) if (typeof call !== 'function') throw wrong('a function', call);
  const loop = new AbortController();
  const ended = new Promise<undefined>((resolve) => {
    const end = () => resolve(undefined);
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true, signal: loop.signal });
  });
  const frames = new Newest(video, loop.signal);
  try {
    for (;;) {
      const frame = await Promise.race([ended, frames.next()]);
      if (frame === undefined) return;
      const answered = await Promise.race([ended, Promise.resolve(ask(video)).then((answer) => ({ answer }))]);
      if (answered === undefined) return;
      onResult(answered.answer, frame);
    }
  } finally {
    loop.abort();
  }
}

const wrong = (wanted: string, value: unknown) =>
  new UsageError(`watch: wanted ${wanted}, found ${found(value)}; watch(video, (frame) => model.detect(frame), draw)`);

/** The newest frame that nobody has asked for yet; none of a page that is hidden. */
class Newest {
  #frame: WatchedFrame | undefined;
  #wake: (() => void) | undefined;
  readonly #video: HTMLVideoElement;

  constructor(video: HTMLVideoElement, signal: AbortSignal) {
    this.#video = video;
    eachFrame(video, signal, (time) => this.#show(time));
    if (video.readyState >= HAS_FRAME) this.#show(performance.now()); // one that was shown before
    document.addEventListener('visibilitychange', () => this.#wake?.(), { signal });
  }

  #show(time: number): void {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (width > 0) this.#frame = { width, height, time };
    this.#wake?.();
  }

  async next(): Promise<WatchedFrame> {
    while (this.#frame === undefined || document.hidden) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const frame = this.#frame;
    this.#frame = undefined;
    return frame;
  }
}
