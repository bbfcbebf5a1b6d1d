/** Prints the answer as JSON: for versions of Node other than the one that the tests run on, see scripts/test-nodes.mjs. */
import { solve } from './solve.js';

console.log(JSON.stringify(await solve({ runs: Number(process.argv[2]) })));
