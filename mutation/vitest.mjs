/** The process that runs the tests of `sandbox.mjs`, which asks it: run all, run these, which tests import this file. */
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
  reporters: [{}],
  sequence: { sequencer: AsAsked },
});
await vitest.standalone();
const specifications = await vitest.globTestSpecifications();

let busy = Promise.resolve();
process.on('message', (question) => {
  busy = busy.then(() => answer(question));
});

async function answer({ all, changed, tests, importersOf, asked }) {
  if (changed) vitest.invalidateFile(changed);
  if (!asked) return;
  if (importersOf) return process.send({ importers: importers(importersOf) });
  vitest.config.bail = all ? 0 : 1;
  const wanted = all ? specifications : tests.map((test) => specifications.find(({ moduleId }) => moduleId === test));
  process.send(await run(wanted));
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
  return { failed, durations: testModules.map((module) => [module.moduleId, timeOf(module.diagnostic())]) };
}

const timeOf = ({ environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration }) =>
  environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration;

/** Test files that import the file, perhaps through others. */
function importers(file) {
  const found = new Set();
  for (const project of vitest.projects) {
    for (const { moduleGraph } of Object.values(project.vite.environments)) {
      const left = [...(moduleGraph.getModulesByFile(file) ?? [])];
      for (const module of left) {
        if (found.has(module)) continue;
        found.add(module);
        left.push(...module.importers);
      }
    }
  }
  const files = new Set([...found].map((module) => module.file));
  return specifications.map(({ moduleId }) => moduleId).filter((id) => files.has(id));
}
