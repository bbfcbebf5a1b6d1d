/**
 * Top-1 and top-5 on the ImageNet pictures of DEPTHWISE_DATA, for the reference executor, of quantised files also for their integers in both
 * roundings, and for LiteRT.js on the same input tensors; and on how many pictures LiteRT.js names the same class. 'Tied' is a picture for
 * which LiteRT's 256 levels give the choice here the same score as its own, which stands first only because of its index.
 *
 *   DEPTHWISE_DATA=… npm run accuracy [-- --pictures 20] [--json] [model file …]
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { compileQuantized } from '../../src/engine/int8/engine.js';
import { readNetwork } from '../../src/formats/index.js';
import { type Picture, readPicture } from '../../src/image/index.js';
import { preprocess } from '../../src/image/preprocess.js';
import { roundings } from '../../src/layers/int8/index.js';
import { type Network, run } from '../../src/network/index.js';
import { integersOf } from '../../src/network/integers-of.js';
import { type LitertModel, loadLitert } from '../../src/oracle/peers/litert-runtime.js';
import { withIntegers } from '../../src/tasks/integers.js';
import type { Tensor } from '../../src/tensor.js';
import { onGrid, type SameInput, top1 } from '../../test/agreement/same-input.js';
import { dataPath } from '../../test/data.js';

const MODELS = [
  'mobilenet_v1_0.25_224.h5',
  'mobilenet_v1_0.25_128_quant.tflite',
  'mobilenet_v1_0.5_160_quant.tflite',
  'mobilenet_v2_1.0_224_quant.tflite',
  'tf2_mobilenet_v2_1.0_224_ptq.tflite',
].map((name) => dataPath('models', name));

interface Sample {
  readonly file: string;
  readonly classIndex: number;
}

/** How many pictures of the total were right. */
interface Hits {
  top1: number;
  top5: number;
}

/** How often LiteRT.js names the same class. */
interface Agreement {
  sameTop1: number;
  tied: number;
  readonly different: string[];
}

/** One way to compute a model. */
interface Result {
  readonly model: string;
  readonly pictures: number;
  readonly ours: Hits;
  readonly litert?: Hits & Agreement;
  readonly seconds: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pictures: { type: 'string', default: '100' }, json: { type: 'boolean', default: false } },
});
const samples = (await readSamples()).slice(0, Number(values.pictures));
const results: Result[] = [];
for (const path of positionals.length > 0 ? positionals : MODELS) results.push(...(await measure(path)));
console.log(values.json ? JSON.stringify(results, null, 2) : table(results));

async function readSamples(): Promise<Sample[]> {
  const [, ...rows] = (await readFile(dataPath('images', 'imagenet100', 'classes.csv'), 'utf8')).trim().split('\n');
  return rows.map((row) => {
    const [file, classIndex] = row.split(',');
    return { file, classIndex: Number(classIndex) };
  });
}

async function measure(path: string): Promise<Result[]> {
  const model = basename(path);
  const bytes = await readFile(path);
  const network = await readNetwork(bytes, { fileName: model });
  const integers = integersOf(network);
  const ways: [name: string, compute: Compute][] = [[model, (x) => run(network, x)]];
  for (const rounding of integers ? roundings : []) {
    const plan = await compileQuantized(integers!, { rounding });
    const compute = withIntegers({ ...integers!, weights: new Map() }, (_, inputs) => plan.run(inputs));
    ways.push([`${model}, integers, ${rounding}`, (x) => compute(network, x)]);
  }
  const peer = model.endsWith('.tflite') ? await loadLitert(bytes) : undefined;
  const results: Result[] = [];
  for (const [name, compute] of ways) results.push(await measureOne(name, network, compute, peer));
  peer?.delete();
  return results;
}

type Compute = (x: Tensor) => ReadonlyMap<string, Tensor> | Promise<ReadonlyMap<string, Tensor>>;

async function measureOne(
  model: string,
  network: Network,
  compute: Compute,
  peer: LitertModel | undefined,
): Promise<Result> {
  const result = {
    model,
    pictures: samples.length,
    ours: { top1: 0, top5: 0 },
    ...(peer && { litert: { top1: 0, top5: 0, sameTop1: 0, tied: 0, different: [] as string[] } }),
  };
  const bar = new SingleBar({ format: `${model} {bar} {value}/{total} {duration_formatted}` });
  bar.start(samples.length, 0);
  const begin = performance.now();
  for (const sample of samples) {
    const picture = await readPicture(dataPath('images', 'imagenet100', sample.file));
    await compare(network, compute, peer, picture, sample, result);
    bar.increment();
  }
  bar.stop();
  return { ...result, seconds: Math.round((performance.now() - begin) / 1000) };
}

async function compare(
  network: Network,
  compute: Compute,
  peer: LitertModel | undefined,
  picture: Picture,
  { file, classIndex }: Sample,
  { ours, litert }: Omit<Result, 'seconds'>,
): Promise<void> {
  const { preprocessing, labelOffset = 0 } = network.conventions;
  if (preprocessing === undefined) throw new Error(`${network.name} does not say how pictures are prepared`);
  const wanted = classIndex + labelOffset;
  const prepared = preprocess(picture, preprocessing);
  const input: SameInput | undefined = peer && onGrid(prepared, preprocessing);
  const scores = (await compute(input?.x ?? prepared)).get(network.outputs[0])!.data;
  count(ours, scores, wanted);
  if (peer === undefined || input === undefined || litert === undefined) return;
  const [{ data }] = await peer.run([input.bytes]);
  const theirs = Array.from(data, Number);
  count(litert, theirs, wanted);
  if (top1(scores) === top1(theirs)) litert.sameTop1++;
  else {
    const tie = theirs[top1(scores)] === theirs[top1(theirs)];
    if (tie) litert.tied++;
    litert.different.push(
      `${file}: here ${top1(scores)} (${scores[top1(scores)].toFixed(3)}, LiteRT's choice ${scores[top1(theirs)].toFixed(3)}), ` +
        `LiteRT ${top1(theirs)} (${theirs[top1(theirs)]}/256, the choice here ${theirs[top1(scores)]}/256)`,
    );
  }
}

function count(hits: Hits, scores: ArrayLike<number>, wanted: number): void {
  const better = Array.from(scores).filter(
    (score, index) => score > scores[wanted] || (score === scores[wanted] && index < wanted),
  ).length;
  if (better < 1) hits.top1++;
  if (better < 5) hits.top5++;
}

function table(rows: readonly Result[]): string {
  const text = new Table({
    head: ['model', 'pictures', 'top-1', 'top-5', 'LiteRT top-1', 'LiteRT top-5', 'same top-1', 'same or tied', 's'],
    style: { head: [], border: [] },
  });
  for (const { model, pictures, ours, litert, seconds } of rows) {
    const peer = litert
      ? [litert.top1, litert.top5, litert.sameTop1, litert.sameTop1 + litert.tied]
      : Array.from({ length: 4 }, () => '');
    text.push([model, pictures, ours.top1, ours.top5, ...peer, seconds]);
  }
  const differences = rows.flatMap(({ model, litert }) => litert?.different.map((line) => `${model}: ${line}`) ?? []);
  return [text.toString(), ...differences].join('\n');
}
