/** Fast execution: networks compiled for WASM kernels. */

export type { WasmModule } from '../wasm/web-assembly.js';
export { type CompileOptions, compile, type EngineReport } from './engine.js';
export type { KernelSource } from './heap.js';
export type { KernelModules } from './kernel-modules.js';
export type { MemoryPlan } from './memory-plan.js';
export { type OperationTime, profile, type TimedPlan } from './profile.js';
export { type Capability, capabilities, type Link, type Target } from './targets.js';
export type { MemoryReport, OperationReport, ProgramReport } from './wasm-program.js';
