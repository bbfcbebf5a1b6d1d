/**
 * A camera as a loop: `for await (const { video } of webcam()) …`. The loop gets the newest frame each time it asks. Frames that come while
 * it is busy are passed over, so nothing queues and the answer never lags behind the picture. Needs nothing but the platform.
 */
import { CameraError, UsageError } from '../errors.js';
import { found, tagOf } from '../found.js';
import { cameraError, noCameraHere } from './camera-errors.js';
import { eachFrame } from './each-frame.js';

export interface WebcamOptions {
  /** Shows the camera. Without one, an element is made that is not in the document. */
  readonly video?: HTMLVideoElement;
  /** 'user' looks at the person, 'environment' away from them. A wish: a computer's only camera is taken for either. */
  readonly facingMode?: 'user' | 'environment';
  /** One camera of `devices()`, and no other. */
  readonly deviceId?: string;
  /** Wished for, in pixels; the camera takes the nearest size that it has. 640 × 480 unless stated. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Shows the video as a mirror does, by CSS. The pixels stay as they are: pass `frame.mirror` on to the model to mirror them too. */
  readonly mirror?: boolean;
  /** Ends the loop, without an error. */
  readonly signal?: AbortSignal;
}

export interface CameraFrame {
  /** Shows this frame until the next one comes. An input of `model.classify`. */
  readonly video: HTMLVideoElement;
  /** Pixels of the frame. */
  readonly width: number;
  readonly height: number;
  /**
   * Milliseconds on the clock of `performance.now()`: when the camera took the frame, or, where the browser does not know that, when it
   * showed it. Each frame's is later than the one before.
   */
  readonly time: number;
  /** As the options say. */
  readonly mirror: boolean;
}

/** The loop's end, however it comes, turns the camera off; `return` is what `break` calls. */
export interface Webcam extends AsyncIterableIterator<CameraFrame> {
  next(): Promise<IteratorResult<CameraFrame, undefined>>;
  return(): Promise<IteratorResult<CameraFrame, undefined>>;
  [Symbol.asyncIterator](): Webcam;
}

/**
 * Frames of a camera. It is opened, and the person asked, when the first frame is. Its tracks are stopped when the loop ends (`break`, an
 * error, `signal`), and as long as the page is hidden or left: when the page is seen again, the camera is opened again and the loop goes
 * on. Throws a CameraError, whose `reason` tells what happened and whose message tells what to do, also when the camera is unplugged.
 */
export function webcam(options: WebcamOptions = {}): Webcam {
  checkOptions(options);
  return new Camera(options);
}

function checkOptions({ video, facingMode, deviceId, size }: WebcamOptions): void {
  const wrong = (option: string, wanted: string, value: unknown) =>
    new UsageError(`webcam: ${option} must be ${wanted}, found ${found(value)}`);
  if (video !== undefined && tagOf(video) !== 'HTMLVideoElement') throw wrong('video', 'a <video> element', video);
  if (facingMode !== undefined && facingMode !== 'user' && facingMode !== 'environment') {
    throw wrong('facingMode', "'user' or 'environment'", facingMode);
  }
  if (deviceId !== undefined && (typeof deviceId !== 'string' || deviceId === '')) {
    throw wrong('deviceId', 'one of devices(), which are known once a camera was allowed', deviceId);
  }
  for (const side of ['width', 'height'] as const) {
    const pixels: unknown = size === undefined ? 1 : size[side];
    if (!(Number.isInteger(pixels) && (pixels as number) > 0)) throw wrong(`size.${side}`, 'whole pixels', pixels);
  }
}

export interface CameraDevice {
  readonly deviceId: string;
  /** Such as 'FaceTime HD Camera'. */
  readonly label: string;
}

/** The cameras of this machine. Until the person has allowed one, browsers give neither labels nor ids: both are ''. */
export async function devices(): Promise<CameraDevice[]> {
  const all = await mediaDevices().enumerateDevices();
  return all.filter(({ kind }) => kind === 'videoinput').map(({ deviceId, label }) => ({ deviceId, label }));
}

/** How long a camera that was opened may take until its first frame, in milliseconds. */
const FIRST_FRAME = 10_000;

const DONE = { done: true, value: undefined } as const;

interface Waiting {
  readonly resolve: (result: IteratorResult<CameraFrame, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

class Camera implements Webcam {
  readonly #options: WebcamOptions;
  /** Calls of `next` without a frame yet. */
  readonly #waiting: Waiting[] = [];
  /** Came while nobody waited. */
  #newest: CameraFrame | undefined;
  #lastTime = Number.NEGATIVE_INFINITY;
  /** Of the camera that is open or being opened; none while the page is hidden. */
  #session: AbortController | undefined;
  /** Its abortion ends the loop, and takes all listeners away. */
  readonly #loop = new AbortController();
  #started = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: WebcamOptions) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): Webcam {
    return this;
  }

  next(): Promise<IteratorResult<CameraFrame, undefined>> {
    if (!this.#started) this.#start();
    if (this.#failure) {
      const { error } = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#loop.signal.aborted) return Promise.resolve(DONE);
    if (this.#newest) {
      const value = this.#newest;
      this.#newest = undefined;
      return Promise.resolve({ done: false, value });
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<CameraFrame, undefined>> {
    this.#started = true;
    this.#failure = undefined;
    this.#end();
    return Promise.resolve(DONE);
  }

  #start(): void {
    this.#started = true;
    if (this.#options.signal?.aborted) this.#end();
    else if (typeof document === 'undefined') this.#fail(noCameraHere());
    else {
      this.#listen();
      this.#open();
    }
  }

  #listen(): void {
    const { signal } = this.#loop;
    this.#options.signal?.addEventListener('abort', () => this.#end(), { signal });
    // Browsers differ in which of the two they send when a page is left; both may come.
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#pause() : this.#open()), { signal });
    addEventListener('pagehide', () => this.#pause(), { signal });
    addEventListener('pageshow', () => this.#open(), { signal });
  }

  /** Opens the camera, unless it is open or the page is hidden. */
  #open(): void {
    if (this.#session || document.hidden || this.#loop.signal.aborted) return;
    this.#session = new AbortController();
    const { signal } = this.#session;
    this.#show(signal).catch((error) => {
      if (!signal.aborted) this.#fail(error);
    });
  }

  /** Turns the camera off; the loop waits. */
  #pause(): void {
    this.#session?.abort();
    this.#session = undefined;
    this.#newest = undefined;
  }

  #end(): void {
    this.#pause();
    this.#loop.abort();
    for (const { resolve } of this.#waiting.splice(0)) resolve(DONE);
  }

  /** The first that waits gets the error, or else the next that asks. */
  #fail(error: unknown): void {
    const first = this.#waiting.shift();
    if (first) first.reject(error);
    else this.#failure = { error };
    this.#end();
  }

  /** Opens the camera and reports its frames until `signal` is aborted. */
  async #show(signal: AbortSignal): Promise<void> {
    const stream = await openCamera(this.#options);
    const stop = () => {
      for (const track of stream.getTracks()) track.stop();
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop);
    const [track] = stream.getVideoTracks();
    track.addEventListener(
      'ended',
      () => this.#fail(new CameraError('disconnected', DISCONNECTED.replace('…', track.label))),
      { signal },
    );
    const video = this.#options.video ?? document.createElement('video');
    const { mirror = false } = this.#options;
    if (mirror) video.style.transform = 'scaleX(-1)';
    signal.addEventListener('abort', () => {
      if (video.srcObject === stream) video.srcObject = null;
    });
    const tooLate = setTimeout(
      () => this.#fail(new CameraError('silent', SILENT.replace('…', track.label))),
      FIRST_FRAME,
    );
    signal.addEventListener('abort', () => clearTimeout(tooLate));
    eachFrame(video, signal, (time) => {
      clearTimeout(tooLate);
      if (time <= this.#lastTime || video.videoWidth === 0) return;
      this.#lastTime = time;
      this.#give({ video, width: video.videoWidth, height: video.videoHeight, time, mirror });
    });
    await play(video, stream, signal);
  }

  #give(value: CameraFrame): void {
    const first = this.#waiting.shift();
    if (first) first.resolve({ done: false, value });
    else this.#newest = value;
  }
}

const DISCONNECTED =
  "camera: '…' was unplugged, taken by the system, or its permission was withdrawn while it ran; start the loop again when it is back";
const SILENT =
  "camera: '…' was opened but has sent no picture for 10 seconds; another program may hold it, or a switch or shutter may close it";

function mediaDevices(): MediaDevices {
  const { mediaDevices } = globalThis.navigator ?? {};
  if (mediaDevices === undefined) throw noCameraHere();
  return mediaDevices;
}

async function openCamera({ facingMode, deviceId, size }: WebcamOptions): Promise<MediaStream> {
  const { width, height } = size ?? { width: 640, height: 480 };
  const video = {
    width: { ideal: width },
    height: { ideal: height },
    ...(facingMode !== undefined && { facingMode: { ideal: facingMode } }),
    ...(deviceId !== undefined && { deviceId: { exact: deviceId } }),
  };
  const cameras = mediaDevices();
  try {
    return await cameras.getUserMedia({ video, audio: false });
  } catch (error) {
    throw await cameraError(error, deviceId);
  }
}

/** Shows the stream. iOS plays a video in its place in the page only if it is muted and says `playsinline`. */
async function play(video: HTMLVideoElement, stream: MediaStream, signal: AbortSignal): Promise<void> {
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  try {
    await video.play();
  } catch (cause) {
    // Somebody pausing the video, or giving it another source, interrupts `play`. Frames decide: they come, or the time runs out.
    if (signal.aborted || (cause as Error).name === 'AbortError') return;
    throw new CameraError('unsupported', `camera: the browser does not play the video: ${(cause as Error).message}`, {
      cause,
    });
  }
}
