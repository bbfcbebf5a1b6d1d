/** Networks as data: description, shape inference, weights, costs, reference executor. */

export { setBudget } from './budget.js';
export * from './builder.js';
export * from './conventions.js';
export * from './counting/receptive-field.js';
export * from './counting/summary.js';
export * from './json.js';
export * from './network.js';
export * from './presets.js';
export * from './rewriting/at-resolution.js';
export * from './rewriting/fold-batch-norm.js';
export * from './rewriting/subnetwork.js';
export * from './run.js';
export * from './shapes.js';
export * from './weights.js';
