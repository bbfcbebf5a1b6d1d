/** MediaPipe's image classifier on the processor, on the same network as a .tflite file with its metadata. */
import { ImageClassifier } from '@mediapipe/tasks-vision';
import type { Row } from '../models.js';
import { type Contestant, fileOf } from './contestant.js';

export const mediapipe: Contestant = {
  name: 'MediaPipe',
  async load(row: Row) {
    const wasm = {
      wasmLoaderPath: '/mediapipe/vision_wasm_internal.js',
      wasmBinaryPath: '/mediapipe/vision_wasm_internal.wasm',
    };
    const classifier = await ImageClassifier.createFromOptions(wasm, {
      baseOptions: { modelAssetPath: fileOf(row, 'model.tflite'), delegate: 'CPU' },
      runningMode: 'VIDEO',
      maxResults: 2,
    });
    return {
      async answer(video) {
        const { classifications } = classifier.classifyForVideo(video, performance.now());
        const found = classifications[0].categories.find(({ index }) => index !== 0);
        return (found?.index ?? 0) - 1;
      },
      dispose: () => classifier.close(),
    };
  },
};
