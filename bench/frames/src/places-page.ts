/** Detectors and segmenters about a film's frames, on the page's main thread or in a worker. */
import { load } from 'depthwise';
import { createWorker } from 'depthwise/browser';
import { film, nextFrame, stop } from './camera.js';

export interface PlacesRow {
  readonly file: string;
  readonly task: 'detect' | 'segment';
  /** Of a quantised file: as the real numbers that its integers stand for. */
  readonly asRealNumbers?: true;
}

export interface PlacesOptions extends PlacesRow {
  readonly inWorker: boolean;
  readonly width: number;
  readonly height: number;
  readonly seconds: number;
}

export interface PlacesTimes {
  /** Each answer begins with the newest frame; the film has 30 a second. */
  readonly framesASecond: number;
  /** Milliseconds from a frame to its answer. */
  readonly frames: readonly number[];
}

export async function placesASecond({
  file,
  task,
  asRealNumbers,
  inWorker,
  seconds,
  ...size
}: PlacesOptions): Promise<PlacesTimes> {
  const video = await film(size);
  const url = file.includes('quant') && !asRealNumbers ? '/build/integer-worker.js' : '/build/worker.js';
  const worker = inWorker ? createWorker({ url }) : undefined;
  const model = await (worker?.load ?? load).call(worker, `/models/${file}`, {
    ...(asRealNumbers && { asRealNumbers }),
  });
  const frames: number[] = [];
  let began = 0;
  for (let frame = -5; frame <= 0 || performance.now() - began < 1000 * seconds; frame++) {
    await nextFrame(video);
    if (frame === 0) began = performance.now();
    const asked = performance.now();
    await (task === 'detect' ? model.detect(video) : model.segment(video));
    if (frame >= 0) frames.push(performance.now() - asked);
  }
  const framesASecond = frames.length / ((performance.now() - began) / 1000);
  model.dispose();
  worker?.dispose();
  stop(video);
  return { framesASecond, frames };
}
