import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll } from 'vitest';

/** A mutant is dead at the first counterexample: nobody reads the smallest one. */
fc.configureGlobal({ numRuns: 40, endOnFailure: true });

/** Which mutants of `mutantsOf` the test file has reached. */
afterAll(() => {
  const reached = globalThis.__stryker__?.mutantCoverage?.static;
  if (reached) writeFileSync('reached.json', JSON.stringify(Object.keys(reached)));
});
