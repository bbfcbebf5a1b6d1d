/** `depthwise demo`: MobileNet V1, counted, and run once on a bundled picture. */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { readPicture } from '../image/index.js';
import { mobilenetV1 } from '../models/index.js';
import { randomWeights, run, summarize } from '../network/index.js';
import { classify, type Prediction } from '../tasks/index.js';
import { print, printJson } from './output.js';
import { onNodeOf, startProgress } from './progress.js';
import { asText } from './summary-table.js';

/** A cat, by Stéfan van der Walt; CC0. */
const PICTURE = fileURLToPath(new URL('../../assets/pictures/chelsea.jpg', import.meta.url));
const SEED = 1;

export function configure(command: Command): void {
  command
    .description('Count MobileNet V1 and run it once on a bundled picture, with seeded random weights.')
    .option('--json', '{"summary", "seed", "predictions", "milliseconds"}')
    .addHelpText('after', '\nExamples:\n  depthwise demo\n  depthwise demo --json')
    .action(async ({ json }: { json?: true }) => {
      const network = randomWeights(mobilenetV1(), SEED);
      const summary = summarize(network, { grouped: true });
      if (!json) print(`${asText(summary)}\n`);
      const picture = await readPicture(PICTURE);
      const progress = await startProgress('demo');
      const began = performance.now();
      let predictions: Prediction[];
      try {
        predictions = await classify(network, picture, {
          top: 1,
          run: (network, input) => run(network, input, onNodeOf(progress)),
        });
      } finally {
        progress.stop();
      }
      const milliseconds = Math.round(performance.now() - began);
      if (json) printJson({ summary, seed: SEED, predictions, milliseconds });
      else print(asSentences(predictions[0], milliseconds));
    });
}

function asSentences({ index, probability }: Prediction, milliseconds: number): string {
  return `One run on a picture of a cat took ${(milliseconds / 1000).toFixed(1)} s in the readable reference layers.
Best of 1000 outputs: number ${index}, with ${(100 * probability).toFixed(2)} %.

No trained model ships with the package yet: these weights are random (seed ${SEED}), so that the answer means nothing.
With a trained model file: depthwise classify PICTURE --model mobilenet_v1_0.25_224.h5`;
}
