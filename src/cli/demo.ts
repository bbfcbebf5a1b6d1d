/** `depthwise demo`: what the shipped model sees in the bundled pictures. */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { readNetworkFile } from '../formats/files.js';
import { readPicture } from '../image/index.js';
import { integerEngine } from '../load/integers.js';
import type { ModelPlan } from '../load/model.js';
import { type Network, type Summary, summarize } from '../network/index.js';
import { integersOf } from '../network/integers-of.js';
import { classify, type Prediction } from '../tasks/index.js';
import { percent, print, printJson } from './output.js';
import { SHIPPED_MODEL } from './shipped.js';

type Totals = Summary['totals'];

/** Those bundled pictures that show one of the model's ten classes; they come from assets/pictures. */
const PICTURES = ['chelsea.jpg'];

interface Answer {
  readonly picture: string;
  readonly predictions: readonly Prediction[];
  /** Of the network alone, with optimised code: the median of some runs. */
  readonly milliseconds: number;
}

export function configure(command: Command): void {
  command
    .description('Classify the bundled picture of a cat with the shipped model.')
    .option('--json', '{"network", "totals", "engine", "answers": [{"picture", "predictions", "milliseconds"}]}')
    .addHelpText('after', '\nExamples:\n  depthwise demo\n  depthwise demo --json')
    .action(async ({ json }: { json?: true }) => {
      const network = await readNetworkFile(SHIPPED_MODEL);
      const { totals } = summarize(network);
      const plan = await integerEngine(integersOf(network)!)(network, {});
      const answers: Answer[] = [];
      for (const picture of PICTURES) answers.push(await answer(plan, picture));
      const { target, chain } = plan.report();
      if (json) printJson({ network: network.name, totals, engine: { target, chain }, answers });
      else print([heading(network, totals), ...answers.map(asSentences), whatNext(target)].join('\n\n'));
    });
}

const RUNS = 30;

async function answer(plan: ModelPlan, name: string): Promise<Answer> {
  const picture = await readPicture(fileURLToPath(new URL(`../../assets/pictures/${name}`, import.meta.url)));
  const times: number[] = [];
  const run: Parameters<typeof classify>[2] = {
    top: 3,
    run: (_, input) => {
      for (let i = 0; i < RUNS; i++) {
        const began = performance.now();
        plan.run(input);
        times.push(performance.now() - began);
      }
      return plan.run(input);
    },
  };
  const predictions = await classify(plan.network, picture, run);
  times.sort((a, b) => a - b);
  return { picture: `assets/pictures/${name}`, predictions, milliseconds: times[RUNS / 2] };
}

function heading({ name }: Network, { multiplyAdds, params }: Totals): string {
  const count = (numbers: number) => numbers.toLocaleString('en');
  return `${name}: ${count(multiplyAdds)} multiply-adds, ${count(params.trainable)} parameters, trained on CIFAR-10 by this package`;
}

function asSentences({ picture, predictions, milliseconds }: Answer): string {
  const labels = predictions.map(({ label, probability }) => `${percent(probability)} ${label}`);
  return `${picture}: ${labels.join(', ')} (${milliseconds.toFixed(1)} ms)`;
}

const whatNext = (target: string): string =>
  `The kernels ran as '${target}'. Your own pictures: npx depthwise classify PICTURE…  (airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck)
A thousand kinds of things: npx depthwise classify PICTURE --model mobilenet_v1_0.25_224, which is downloaded once.`;
