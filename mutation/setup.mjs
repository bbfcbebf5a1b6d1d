import fc from 'fast-check';

/** A mutant is dead at the first counterexample: nobody reads the smallest one. */
fc.configureGlobal({ numRuns: 40, endOnFailure: true });
