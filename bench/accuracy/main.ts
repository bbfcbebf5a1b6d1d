/**
 * Top-1 and top-5 on the ImageNet pictures of DEPTHWISE_DATA, for the reference executor and for LiteRT.js on the same input tensors,
 * and on how many pictures the two name the same class. 'Tied' is a picture for which LiteRT's 256 levels give the reference's choice
 * the same score as its own, which stands first only because of its index.
 *
 *   DEPTHWISE_DATA=… npm run accuracy [-- --pictures 20] [--json] [model file …]
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { readNetwork } from '../../src/formats/index.js';
import { type Picture, preprocess, readPicture } from '../../src/image/index.js';
import { type Network, run } from '../../src/network/index.js';
import { type LitertModel, loadLitert } from '../../src/oracle/peers/litert-runtime.js';
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

interface Result {
  readonly model: string;
  readonly pictures: number;
  readonly reference: Hits;
  readonly litert?: Hits & { sameTop1: number; tied: number; readonly different: string[] };
  readonly seconds: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pictures: { type: 'string', default: '100' }, json: { type: 'boolean', default: false } },
});
const samples = (await readSamples()).slice(0, Number(values.pictures));
const results: Result[] = [];
for (const path of positionals.length > 0 ? positionals : MODELS) results.push(await measure(path));
console.log(values.json ? JSON.stringify(results, null, 2) : table(results));

async function readSamples(): Promise<Sample[]> {
  const [, ...rows] = (await readFile(dataPath('images', 'imagenet100', 'classes.csv'), 'utf8')).trim().split('\n');
  return rows.map((row) => {
    const [file, classIndex] = row.split(',');
    return { file, classIndex: Number(classIndex) };
  });
}

async function measure(path: string): Promise<Result> {
  const model = basename(path);
  const bytes = await readFile(path);
  const network = await readNetwork(bytes, { fileName: model });
  const peer = model.endsWith('.tflite') ? await loadLitert(bytes) : undefined;
  const result = {
    model,
    pictures: samples.length,
    reference: { top1: 0, top5: 0 },
    ...(peer && { litert: { top1: 0, top5: 0, sameTop1: 0, tied: 0, different: [] as string[] } }),
  };
  const bar = new SingleBar({ format: `${model} {bar} {value}/{total} {duration_formatted}` });
  bar.start(samples.length, 0);
  const begin = performance.now();
  for (const sample of samples) {
    const picture = await readPicture(dataPath('images', 'imagenet100', sample.file));
    await compare(network, peer, picture, sample, result);
    bar.increment();
  }
  bar.stop();
  peer?.delete();
  return { ...result, seconds: Math.round((performance.now() - begin) / 1000) };
}

async function compare(
  network: Network,
  peer: LitertModel | undefined,
  picture: Picture,
  { file, classIndex }: Sample,
  { reference, litert }: Omit<Result, 'seconds'>,
): Promise<void> {
  const { preprocessing, labelOffset = 0 } = network.conventions;
  if (preprocessing === undefined) throw new Error(`${network.name} does not say how pictures are prepared`);
  const wanted = classIndex + labelOffset;
  const prepared = preprocess(picture, preprocessing);
  const input: SameInput | undefined = peer && onGrid(prepared, preprocessing);
  const ours = run(network, input?.x ?? prepared).get(network.outputs[0])!.data;
  count(reference, ours, wanted);
  if (peer === undefined || input === undefined || litert === undefined) return;
  const [{ data }] = await peer.run([input.bytes]);
  const theirs = Array.from(data, Number);
  count(litert, theirs, wanted);
  if (top1(ours) === top1(theirs)) litert.sameTop1++;
  else {
    const tie = theirs[top1(ours)] === theirs[top1(theirs)];
    if (tie) litert.tied++;
    litert.different.push(
      `${file}: reference ${top1(ours)} (${ours[top1(ours)].toFixed(3)}, LiteRT's choice ${ours[top1(theirs)].toFixed(3)}), ` +
        `LiteRT ${top1(theirs)} (${theirs[top1(theirs)]}/256, reference's choice ${theirs[top1(ours)]}/256)`,
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
  for (const { model, pictures, reference, litert, seconds } of rows) {
    const peer = litert
      ? [litert.top1, litert.top5, litert.sameTop1, litert.sameTop1 + litert.tied]
      : Array.from({ length: 4 }, () => '');
    text.push([model, pictures, reference.top1, reference.top5, ...peer, seconds]);
  }
  const differences = rows.flatMap(({ model, litert }) => litert?.different.map((line) => `${model}: ${line}`) ?? []);
  return [text.toString(), ...differences].join('\n');
}
