/**
 * A random sample of mutants of one part, and the share that its tests kill:
 *
 *   npm run mutation:sample -- formats [--lines 150] [--seed 1] [--each 1] [--minutes 30]
 *
 * Lines of code are drawn, each as likely as any other, and Stryker makes every mutant that fits into one of them; `--each` draws so many of them.
 * The same seed draws the same mutants of the same source, in the same order; `--minutes` ends sooner. `assembly` has a mutator of its own, one
 * mutant a line. First all tests of the part run once, which tells what each reaches; then a mutant is run by the tests that reach it, those that
 * kill most for their time first, up to the first that fails. Exit code 1 below 95 %.
 */
import { parseArgs } from 'node:util';
import { assemblyMutants } from '../mutation/assembly.mjs';
import { codeLinesOf, drawn, filesOf, mulberry32 } from '../mutation/lines.mjs';
import { mutantsOf } from '../mutation/mutants.mjs';
import { Sandbox } from '../mutation/sandbox.mjs';

/** Source folders, and the tests that are held to notice. */
const parts = {
  layers: [
    ['src/padding.ts', 'src/layers'],
    ['test/padding.test.ts', 'test/layers/**/*.test.ts', 'test/network/{run-quantized,summary}.test.ts'],
  ],
  models: [
    ['src/models'],
    [
      ...['models', 'detection', 'segmentation', 'formats/pytorch'].map((room) => `test/${room}/**/*.test.ts`),
      'test/formats/state-dict.test.ts',
    ],
  ],
  network: [['src/network'], ['test/network/**/*.test.ts', 'test/layers/**/*.test.ts']],
  engine: [
    ['src/engine', 'src/wasm'],
    ['test/engine/**/*.test.ts', 'test/kernels/**/*.test.ts'],
  ],
  formats: [['src/formats'], ['test/formats/**/*.test.ts', 'test/oracle/golden.test.ts']],
  image: [['src/image'], ['test/image/**/*.test.ts']],
  oracle: [['src/oracle'], ['test/oracle/**/*.test.ts', 'test/formats/onnx/external.test.ts']],
  training: [['src/training'], ['test/training/**/*.test.ts', 'test/kernels/{documentation,table}.test.ts']],
  detection: [['src/detection'], ['test/detection/**/*.test.ts', 'test/evaluation/**/*.test.ts']],
  segmentation: [['src/segmentation'], ['test/segmentation/**/*.test.ts']],
  evaluation: [['src/evaluation'], ['test/evaluation/**/*.test.ts']],
  quantization: [['src/quantization'], ['test/quantization/**/*.test.ts']],
  tasks: [['src/tasks'], ['test/tasks/**/*.test.ts']],
  load: [['src/load'], ['test/load/**/!(browser|memory).test.ts']],
};
const LEAST_SCORE = 95;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lines: { type: 'string', default: '150' },
    seed: { type: 'string', default: '1' },
    each: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: 'Infinity' },
  },
});
const [part] = positionals;
const [lineCount, seed, each, minutes] = [values.lines, values.seed, values.each, values.minutes].map(Number);
const until = Date.now() + 60_000 * minutes;
if (part === 'assembly') {
  const { killed, survived } = await assemblyMutants(lineCount, seed, until);
  finish(killed, survived);
  process.exit();
}
if (!Object.hasOwn(parts, part ?? ''))
  throw new Error(`wanted one of assembly, ${Object.keys(parts).join(', ')}, found ${part}`);
const [sources, tests] = parts[part];

const sandbox = new Sandbox(part, tests);
const random = mulberry32(seed);
let [killed, survived] = [0, 0];
const lines = drawn(sources.flatMap(filesOf).flatMap(codeLinesOf), lineCount, seed, false);
const { mutants, probes } = await mutantsOf(lines);
const testsThatReach = await sandbox.reached(probes);
for (const line of lines) {
  const place = line.split(':', 2).join(':');
  const left = mutants.filter((mutant) => `${mutant.file}:${mutant.line}` === place);
  for (let count = 0; count < each && left.length > 0 && Date.now() < until; count++) {
    const [{ id, file, text, what }] = left.splice(Math.floor(random() * left.length), 1);
    const tests = testsThatReach(id);
    const failure = await sandbox.failure(file, text(), tests);
    const why = failure ?? (tests.length > 0 ? 'no test fails' : 'no test reaches it');
    console.log(`${failure ? 'killed' : 'SURVIVED'}: ${place}: ${what}; ${why}`);
    if (failure) killed++;
    else survived++;
  }
}
sandbox.close();
finish(killed, survived);

function finish(killed, survived) {
  const score = (100 * killed) / (killed + survived);
  console.log(`${part}, seed ${seed}: ${killed} of ${killed + survived} mutants killed, ${score.toFixed(1)} %`);
  process.exitCode = score >= LEAST_SCORE ? 0 : 1;
}
