/** What a person asks of a network: the names of what a picture shows, or its features. */
export { type ClassifyOptions, classify, logits, probabilities } from './classify.js';
export { type EmbedOptions, embed } from './embed.js';
export type { Executor, TaskOptions } from './execute.js';
export { parseLabels, withLabels } from './labels.js';
export { type BackgroundRule, type Prediction, type PredictionOptions, predictions } from './predictions.js';
