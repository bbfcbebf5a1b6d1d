/**
 * Detectors and segmenters beside LiteRT.js in Node, on the same network in the same run, and what suppression takes of the time.
 *
 *   npm run bench:detection -- [--turns 10]
 *
 * Quantised files run with their integers, and once more with the real numbers that these stand for; LiteRT.js has the file as it is written here without the
 * post-processing: it ends on Google's detector files, whose last operator states no shapes.
 * They take turns. What is shown are the shortest of their times of the processor, and the middle of the turns' ratios: numbers that a machine with other work disturbs least.
 */
import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { detections } from '../../src/detection/index.js';
import { compile } from '../../src/engine/index.js';
import { compileQuantized } from '../../src/engine/int8/engine.js';
import { readNetwork, writeNetwork } from '../../src/formats/index.js';
import { readPicture } from '../../src/image/index.js';
import { prepare } from '../../src/image/with-kernels.js';
import { atResolution, type Network } from '../../src/network/index.js';
import { integersOf } from '../../src/network/integers-of.js';
import type { QuantizedNetwork } from '../../src/network/quantized-network.js';
import { typedInputs } from '../../src/network/run-quantized.js';
import { loadLitert, type Numbers } from '../../src/oracle/peers/litert-runtime.js';
import { segmentation } from '../../src/segmentation/index.js';
import { integerParts } from '../../src/tasks/integers.js';
import type { Tensor } from '../../src/tensor.js';

const data = process.env.DEPTHWISE_DATA ?? '';
const { values } = parseArgs({ options: { turns: { type: 'string', default: '10' } } });
const turns = Number(values.turns);

const FILES = [
  'ssd_mobilenet_v1_0.75_300_coco_quant.tflite',
  'mobile_object_localizer_v1_192_quant.tflite',
  'deeplabv3_mnv2_dm05_pascal_quant.tflite',
  'deeplabv3_mnv2_dm05_257_os8_float.tflite',
];

console.log(`Node ${process.version}, load ${loadavg()[0].toFixed(1)}; milliseconds, the shortest of ${turns} turns`);
const columns = ['depthwise', 'LiteRT.js', 'ratio', 'with boxes or labels', 'their share'];
console.log('network'.padEnd(50) + columns.map((title) => title.padStart(21)).join(''));
for (const file of FILES) {
  const network = await readNetwork(await readFile(join(data, 'models', file)), { fileName: file });
  const integers = integersOf(network);
  if (integers !== undefined) await compare(network, integers);
  await compare(network);
}
const last = FILES.at(-1)!;
const deeplab = await readNetwork(await readFile(join(data, 'models', last)), { fileName: last });
await compare({ ...atResolution(deeplab, [513, 513]), name: `${deeplab.name} at 513` });

/** The network with real numbers or, where they are given, with its integers. */
async function compare(network: Network, integers?: QuantizedNetwork): Promise<void> {
  const [, height, width] = network.inputs[0].shape;
  const preprocessing = {
    crop: { kind: 'stretch' },
    resize: 'half-pixel',
    size: [height, width],
    channels: 'rgb',
    scale: 1 / 127.5,
    mean: [1, 1, 1],
    deviation: [1, 1, 1],
  } as const;
  const picture = await readPicture(join(data, 'images', 'table.jpg'));
  const x = prepare(picture, network.conventions.preprocessing ?? preprocessing);
  const part = integers && integerParts(integers)(network.outputs);
  const plan = part ? await compileQuantized(part.network) : await compile(network);
  const { detection: _, ...conventions } = network.conventions;
  const peer = await loadLitert(await writeNetwork({ ...(integers ?? network), conventions }, 'tflite'));
  const [typed] = part ? typedInputs(part.network, x).values() : [x];
  const given = (part ? typed.data : Float32Array.from(x.data)) as Numbers;
  const seen = { picture, preprocessing };
  const times = { mine: [] as number[], theirs: [] as number[], answer: [] as number[] };
  for (let turn = 0; turn <= turns; turn++) {
    let results = new Map();
    const mine = await milliseconds(() => {
      results = plan.run(typed as Tensor);
    });
    const theirs = await milliseconds(() => peer.run([given]));
    const answer = await milliseconds(() => {
      const outputs = part?.answer(results) ?? results;
      return network.conventions.detection
        ? detections(network, outputs, seen)
        : segmentation(network, outputs.get(network.outputs[0])!, seen);
    });
    if (turn === 0) continue; // compiles
    times.mine.push(mine);
    times.theirs.push(theirs);
    times.answer.push(answer);
  }
  peer.delete();
  plan.dispose();
  const ratios = times.mine.map((mine, i) => mine / times.theirs[i]).sort((a, b) => a - b);
  const [mine, theirs, answer] = [times.mine, times.theirs, times.answer].map((list) => Math.min(...list));
  const row = [
    mine.toFixed(1),
    theirs.toFixed(1),
    ratios[Math.floor(ratios.length / 2)].toFixed(2),
    (mine + answer).toFixed(1),
    `${((100 * answer) / (mine + answer)).toFixed(1)} %`,
  ];
  console.log(`${network.name}${part ? ', integers' : ''}`.padEnd(50) + row.map((text) => text.padStart(21)).join(''));
}

/** Of the processor: what other processes take while this one waits does not count. */
async function milliseconds(work: () => unknown): Promise<number> {
  const began = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}
