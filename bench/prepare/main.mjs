/**
 * Preparing a picture: the readable rules beside the one pass, for every preset, in Node.
 *
 *   npm run bench:prepare -- [--presets keras,timm] [--milliseconds 300]
 *
 * The two take turns. What is shown are the shortest of their times, and how often the one goes into the other: numbers that a machine with other work
 * disturbs least.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { prepare } from 'depthwise/image';
import { preprocessingPreset } from 'depthwise/network';
import { Bench } from 'tinybench';
import { preprocess } from '../../dist/image/preprocess.js';
import { presetNames } from '../../dist/network/presets.js';

const { values } = parseArgs({
  options: { presets: { type: 'string' }, milliseconds: { type: 'string', default: '300' } },
});
const presets = values.presets?.split(',') ?? presetNames;
const SIZES = [
  [640, 480],
  [1280, 720],
  [4000, 3000],
];

console.log(
  `Node ${process.version}, load ${loadavg()[0].toFixed(1)}; milliseconds to 224×224, the shortest of all turns`,
);
console.log(['picture', 'preset', 'readable', 'one pass', 'ratio'].map((title) => title.padStart(18)).join(''));
for (const [width, height] of SIZES) {
  for (const channels of [4, 3]) {
    const picture = noise(width, height, channels);
    for (const name of presets) await compare(picture, name);
  }
}

async function compare(picture, name) {
  const preprocessing = preprocessingPreset(name, [224, 224]);
  const into = prepare(picture, preprocessing);
  const bench = new Bench({ time: Number(values.milliseconds), warmupTime: 100, warmupIterations: 1, iterations: 2 });
  bench.add('readable', () => preprocess(picture, preprocessing));
  bench.add('one pass', () => prepare(picture, preprocessing, {}, into));
  await bench.run();
  const [readable, onePass] = bench.tasks.map((task) => task.result.latency.min);
  const size = `${picture.width}×${picture.height} ${picture.channels === 4 ? 'RGBA' : 'RGB'}`;
  const numbers = [readable.toFixed(2), onePass.toFixed(2), (readable / onePass).toFixed(1)];
  console.log([size, name, ...numbers].map((cell) => cell.padStart(18)).join(''));
}

function noise(width, height, channels) {
  let state = 1;
  const data = Uint8ClampedArray.from({ length: width * height * channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
  return { width, height, channels, data };
}
