/** The process that runs tests for `sandbox.mjs`, one file when it is asked to. It ends itself where one takes too long: a loop of a mutant's. */
import { createVitest } from 'vitest/node';

/** Processor time for one file, whatever else the machine does. */
const MOST_CPU_S = 60;

const vitest = await createVitest('test', {
  config: process.argv[2],
  watch: false,
  pool: 'threads',
  maxWorkers: 1,
  reporters: [{}],
  bail: 1,
  testTimeout: 300_000,
  hookTimeout: 300_000,
});
await vitest.standalone();
const specifications = await vitest.globTestSpecifications();

process.on('disconnect', () => process.exit());
let busy = Promise.resolve();
process.on('message', (question) => {
  busy = busy.then(() => answer(question));
});

async function answer({ changed, test }) {
  if (changed) return vitest.invalidateFile(changed);
  const before = cpuSeconds();
  const watch = setInterval(() => {
    if (cpuSeconds() - before > MOST_CPU_S) process.exit();
  }, 1000);
  const failed = await failureOf(test);
  process.send({ failed, seconds: cpuSeconds() - before });
  clearInterval(watch);
}

const cpuSeconds = () => process.cpuUsage().user / 1e6;

/** The first test that fails, undefined where none does, or where the file is none of the part. */
async function failureOf(test) {
  const specification = specifications.find(({ moduleId }) => moduleId.endsWith(`/${test}`));
  if (specification === undefined) return undefined;
  // Failures of the runs before would count as those after which this one ends.
  vitest.state.filesMap.clear();
  vitest.state.idMap.clear();
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specification]);
  for (const module of testModules) {
    for (const { fullName } of module.children.allTests('failed')) return `${test}: ${fullName}`;
    if (module.state() === 'failed') return test;
  }
  return unhandledErrors.length > 0 ? `${test}: ${unhandledErrors[0].message}` : undefined;
}
