/** The four parts of an answer, each by its public function: grab the frame, prepare it, run the network, rank the classes. */
import { inputTensor, predictions, preprocessingPreset, readNetwork } from 'depthwise';
import { fromElement } from 'depthwise/browser';
import { compile } from 'depthwise/engine';
import { fileOf } from './contestants/contestant.js';
import type { Row } from './models.js';

/** Milliseconds, a number for each frame. */
export type StageTimes = Readonly<Record<'grab' | 'prepare' | 'run' | 'rank', number[]>>;

export async function stagesOf(row: Row, video: HTMLVideoElement, rounds: number): Promise<StageTimes> {
  const network = await readNetwork(await (await fetch(fileOf(row, 'model.safetensors'))).arrayBuffer());
  const plan = await compile(network);
  const preprocessing = preprocessingPreset('tfjs', [row.resolution, row.resolution]);
  const times: StageTimes = { grab: [], prepare: [], run: [], rank: [] };
  const timed = <T>(stage: keyof StageTimes, work: () => T): T => {
    const began = performance.now();
    const result = work();
    times[stage].push(performance.now() - began);
    return result;
  };
  for (let round = 0; round < rounds; round++) {
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const picture = timed('grab', () => fromElement(video));
    const input = timed('prepare', () => inputTensor(network, picture, { preprocessing }));
    const output = timed('run', () => plan.run(input)).get(network.outputs[0])!;
    timed('rank', () => predictions(output, network.conventions));
  }
  plan.dispose();
  return times;
}
