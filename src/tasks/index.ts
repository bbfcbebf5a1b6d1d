/** What a person asks of a network: the names of what a picture shows, or its features. */
export * from './classify.js';
export * from './embed.js';
export { type Executor, inputTensor, type TaskOptions } from './execute.js';
export * from './labels.js';
export { mirrored } from './mirrored.js';
