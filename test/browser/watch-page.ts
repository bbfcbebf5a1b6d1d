/** The script of the page in which watch.test.ts shows films: a canvas that is drawn anew, as the stream of a <video>. */
import { watch } from '../../src/browser/watch.js';

export interface Film {
  readonly video: HTMLVideoElement;
  /** Draws the next picture. */
  readonly show: () => void;
}

async function film(width = 64): Promise<Film> {
  const canvas = Object.assign(document.createElement('canvas'), { width, height: 48 });
  const context = canvas.getContext('2d')!;
  let shown = 0;
  const show = () => {
    context.fillStyle = `rgb(${(shown++ * 5) % 256} 0 0)`;
    context.fillRect(0, 0, width, 48);
  };
  show();
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  video.srcObject = canvas.captureStream();
  await video.play();
  return { video, show };
}

declare global {
  var watching: { readonly watch: typeof watch; readonly film: typeof film };
}

globalThis.watching = { watch, film };
