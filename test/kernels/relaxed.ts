/** Node 20 hides relaxed SIMD behind a flag of V8: tests that import this file have it on every Node. */
import { setFlagsFromString } from 'node:v8';

if (Number(process.versions.node.split('.')[0]) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');
