/**
 * The four parts of an answer, each by its public function: grab the frame, prepare it, run the network, rank the classes. `canvas` is the same
 * grab by a canvas. A model itself grabs only what the crop keeps.
 */
import { prepare, readNetwork } from 'depthwise';
import { fromElement, grab } from 'depthwise/browser';
import { compile } from 'depthwise/engine';
import { compileQuantized } from 'depthwise/engine/integers';
import { readQuantizedNetwork } from 'depthwise/formats';
import { preprocessingPreset } from 'depthwise/network';
import { predictions } from 'depthwise/tasks';
import { fileOf } from './contestants/contestant.js';
import type { Row } from './models.js';

/** Milliseconds, a number for each frame. */
export type StageTimes = Readonly<Record<'canvas' | 'grab' | 'prepare' | 'run' | 'rank', number[]>>;

export async function stagesOf(row: Row, video: HTMLVideoElement, rounds: number): Promise<StageTimes> {
  const file = new Uint8Array(await (await fetch(fileOf(row, 'model.safetensors'))).arrayBuffer());
  const network = await readNetwork(file);
  const plan = row.integers ? await compileQuantized(await readQuantizedNetwork(file)) : await compile(network);
  const preprocessing = preprocessingPreset('tfjs', [row.resolution, row.resolution]);
  const times: StageTimes = { canvas: [], grab: [], prepare: [], run: [], rank: [] };
  const timed = async <T>(stage: keyof StageTimes, work: () => T | Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    times[stage].push(performance.now() - began);
    return result;
  };
  let picture = await grab(video);
  for (let round = 0; round < rounds; round++) {
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    await timed('canvas', () => fromElement(video));
    picture = await timed('grab', () => grab(video, { into: picture }));
    const input = await timed('prepare', () => prepare(picture, preprocessing));
    const output = (await timed('run', () => plan.run(input))).values().next().value as typeof input;
    await timed('rank', () => predictions(output, network.conventions));
  }
  plan.dispose();
  return times;
}
