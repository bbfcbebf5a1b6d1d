/** Post-training quantisation: pictures show the ranges of a network's tensors, its numbers become 8-bit integers. */
export { type CalibrateOptions, type Calibration, calibrate } from './calibrate.js';
export { correctBiases } from './correct-biases.js';
export { type QuantizationReport, type QuantizedTensorReport, quantizationReport } from './quantization-report.js';
export { type QuantizeOptions, quantizeNetwork } from './quantize-network.js';
export type { Range, RangeRule } from './ranges.js';
