/** Runs before each test file: properties of fast-check take their cases from one seed, which a failure prints. */
import fc from 'fast-check';
import { SEED } from './nightly.js';

if (SEED !== undefined) fc.configureGlobal({ seed: SEED });
