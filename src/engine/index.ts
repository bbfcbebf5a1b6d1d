/** Fast execution: networks compiled for WASM kernels. */
export { type CompileOptions, compile, type EngineReport, type OperationTime, type Plan } from './engine.js';
export type { Link, Target } from './targets.js';
export type { MemoryReport, OperationReport } from './wasmProgram.js';
