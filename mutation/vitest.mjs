/** The process that runs the tests of `sandbox.mjs`, which asks it: run all, and say which of them import which file; or run these. */
import { createVitest } from 'vitest/node';

/** In the order in which they are asked for. */
class AsAsked {
  shard = (files) => files;
  sort = (files) => files;
}

const vitest = await createVitest('test', {
  config: process.argv[2],
  watch: false,
  pool: 'threads',
  maxWorkers: 1,
  // Who asks knows how long it may take.
  testTimeout: 600_000,
  reporters: [{}],
  sequence: { sequencer: AsAsked },
});
await vitest.standalone();
const specifications = await vitest.globTestSpecifications();

let busy = Promise.resolve();
process.on('message', (question) => {
  busy = busy.then(() => answer(question));
});

async function answer({ all, changed, tests, asked }) {
  if (changed) vitest.invalidateFile(changed);
  if (!asked) return;
  vitest.config.bail = all ? 0 : 1;
  if (all) process.send({ ...(await run(specifications)), importers: importers() });
  else process.send(await run(tests.map((test) => specifications.find(({ moduleId }) => moduleId === test))));
}

async function run(wanted) {
  // Failures of the runs before would count as those after which this one ends.
  vitest.state.filesMap.clear();
  vitest.state.idMap.clear();
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(wanted);
  const failures = testModules.flatMap((module) => [
    ...module.errors().map(() => module.relativeModuleId),
    ...[...module.children.allTests('failed')].map(({ fullName }) => `${module.relativeModuleId}: ${fullName}`),
    ...(module.state() === 'failed' ? [module.relativeModuleId] : []),
  ]);
  const failed = failures[0] ?? (unhandledErrors.length > 0 ? `${unhandledErrors[0].message}` : undefined);
  const failing = testModules.filter((module) => module.state() === 'failed').map(({ moduleId }) => moduleId);
  return { failed, failing, durations: testModules.map((module) => [module.moduleId, timeOf(module.diagnostic())]) };
}

const timeOf = ({ environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration }) =>
  environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration;

/** By file: the test files that import it, perhaps through others. */
function importers() {
  const { moduleGraph } = vitest.projects[0].vite.environments.ssr;
  const found = {};
  for (const [file, modules] of moduleGraph.fileToModulesMap) {
    const above = new Set(modules);
    for (const module of above) for (const importer of module.importers) above.add(importer);
    const files = new Set([...above].map((module) => module.file));
    found[file] = specifications.map(({ moduleId }) => moduleId).filter((id) => files.has(id));
  }
  return found;
}
