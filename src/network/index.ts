/** Networks as data: description, shape inference, weights, costs, reference executor. */
export * from './atResolution.js';
export { setBudget } from './budget.js';
export * from './builder.js';
export * from './conventions.js';
export * from './foldBatchNorm.js';
export * from './json.js';
export * from './network.js';
export * from './presets.js';
export * from './receptiveField.js';
export * from './run.js';
export * from './shapes.js';
export * from './subnetwork.js';
export * from './summary.js';
export * from './weights.js';
