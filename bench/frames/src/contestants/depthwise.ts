/** This library, on the page's main thread and in a worker. */
import { load, type Model } from 'depthwise';
import { createWorker } from 'depthwise/browser';
import { type PresetName, preprocessingPreset } from 'depthwise/network';
import type { Row } from '../models.js';
import { type Contestant, fileOf, type Loaded } from './contestant.js';

const optionsFor = ({ resolution }: Row, preset: PresetName) => ({
  preprocessing: preprocessingPreset(preset, [resolution, resolution]),
});

/** `tfjs` prepares pictures as TensorFlow.js' mobilenet does; `keras` reads every pixel, to shrink without aliases. */
export const onMainThread = (preset: PresetName): Contestant => ({
  name: `depthwise, ${preset}`,
  load: async (row) => loaded(await load(fileOf(row, 'model.safetensors'), optionsFor(row, preset))),
});

export const inWorker = (preset: PresetName): Contestant => ({
  name: `depthwise, ${preset}, worker`,
  async load(row) {
    const worker = await createWorker({ url: row.integers ? '/build/integer-worker.js' : '/build/worker.js' });
    const { answer } = loaded(await worker.load(fileOf(row, 'model.safetensors'), optionsFor(row, preset)));
    return { answer, dispose: () => worker.dispose() };
  },
});

function loaded(model: Pick<Model, 'classify' | 'dispose'>): Loaded {
  return {
    async answer(video) {
      const [best] = await model.classify(video, { top: 1, background: 'before-softmax' });
      return best.index - 1;
    },
    dispose: () => model.dispose(),
  };
}
