/**
 * The operator TFLite_Detection_PostProcess at the end of a detector's file. It is no layer: its decoding and suppression become data
 * beside the network, which then ends with the operator's inputs, codes and scores of every anchor.
 */
import { toReference } from 'flatbuffers/js/flexbuffers.js';
import type { DetectionConventions } from '../../network/index.js';
import { realValues } from './constants.js';
import type { FileModel, FileOperator } from './model.js';
import { computed, constant } from './operands.js';

const POST_PROCESS = 'custom operator TFLite_Detection_PostProcess';

/** Names of the outputs follow once the network has them. */
export type FileDetection = Omit<DetectionConventions, 'codes' | 'scores'>;

export interface WithoutPostProcess {
  readonly model: FileModel;
  readonly detection?: FileDetection;
}

/** The file without the operator, where it is the last one and yields the file's outputs; the file as it is where there is none. */
export function withoutPostProcess(model: FileModel): WithoutPostProcess {
  const index = model.operators.findIndex(({ code }) => code === POST_PROCESS);
  if (index < 0) return { model };
  const op = model.operators[index];
  const foreign = model.outputs.find((output) => !op.outputs.includes(output));
  if (index !== model.operators.length - 1)
    op.fail(`wanted as the last operator, found ${model.operators[index + 1].where} behind it`);
  if (foreign !== undefined)
    op.fail(`wanted all outputs of the file from it, but '${foreign.name}' is none of its own`);
  const before = model.operators.slice(0, -1);
  // Quantised files make real numbers of the integers for this operator alone.
  const conversions = before.filter(({ code, inputs, outputs }, at) => {
    const readsIntegers = code === 'DEQUANTIZE' && /^U?INT8$/.test(inputs[0]?.type ?? '') && !inputs[0]?.data;
    const readElsewhere = before.some((other, place) => place !== at && other.inputs.includes(outputs[0]));
    return readsIntegers && op.inputs.includes(outputs[0]) && !readElsewhere;
  });
  const outputs = [0, 1].map((index) => {
    const output = computed(op, index);
    const conversion = conversions.find((one) => one.outputs[0] === output);
    return conversion === undefined ? output : computed(conversion, 0);
  });
  const operators = before.filter((one) => !conversions.includes(one));
  return {
    model: { ...model, operators, outputs },
    detection: detectionOf(op, outputs[0].shape, outputs[1].shape),
  };
}

function detectionOf(op: FileOperator, codes: readonly number[], scores: readonly number[]): FileDetection {
  const options = new Options(op);
  const anchors = realValues(op.file, constant(op, 2));
  const [count, four] = anchors.shape;
  if (anchors.shape.length !== 2 || four !== 4) op.fail(`wanted anchors [N, 4], found [${anchors.shape}]`);
  if (codes.length !== 3 || codes[1] !== count || codes[2] < 4) {
    op.fail(`wanted codes [1, ${count}, 4 or more] for ${count} anchors, found [${codes}]`);
  }
  if (scores.length !== 3 || scores[1] !== count) op.fail(`wanted scores [1, ${count}, classes], found [${scores}]`);
  const classes = options.count('num_classes');
  const background = scores[2] - classes;
  if (background !== 0 && background !== 1) {
    op.fail(`num_classes ${classes} wants ${classes} or, with background, ${classes + 1} scores, found ${scores[2]}`);
  }
  const iouThreshold = options.number('nms_iou_threshold');
  if (!(iouThreshold > 0 && iouThreshold <= 1))
    op.fail(`nms_iou_threshold must be above 0 and at most 1, found ${iouThreshold}`);
  return {
    background: background === 1 ? 'slot 0' : 'none',
    anchors: Array.from(anchors.data),
    scales: [options.scale('y_scale'), options.scale('x_scale'), options.scale('h_scale'), options.scale('w_scale')],
    suppression: {
      kind: options.flag('use_regular_nms') ? 'per-class' : 'class-agnostic',
      scoreThreshold: options.number('nms_score_threshold'),
      iouThreshold,
      maxPerClass: options.count('detections_per_class', 100),
      maxResults: options.count('max_detections'),
      classesPerBox: options.count('max_classes_per_detection'),
    },
  };
}

/** The operator's options, a map in the form of FlexBuffers. */
class Options {
  readonly #op: FileOperator;
  readonly #values: ReadonlyMap<string, number | boolean>;

  constructor(op: FileOperator) {
    this.#op = op;
    this.#values = readOptions(op);
  }

  number(name: string, absent?: number): number {
    const value = this.#values.get(name) ?? absent;
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.#op.fail(`its option ${name} must be a number, found ${value ?? 'none'}`);
    }
    return value;
  }

  count(name: string, absent?: number): number {
    const value = this.number(name, absent);
    if (!Number.isInteger(value) || value < 1)
      this.#op.fail(`its option ${name} must be a whole number of 1 or more, found ${value}`);
    return value;
  }

  scale(name: string): number {
    const value = this.number(name);
    if (!(value > 0)) this.#op.fail(`its option ${name} must be above 0, found ${value}`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#values.get(name) ?? false;
    return value === true || value === 1;
  }
}

const NAMES = [
  'max_detections',
  'max_classes_per_detection',
  'detections_per_class',
  'num_classes',
  'nms_score_threshold',
  'nms_iou_threshold',
  'y_scale',
  'x_scale',
  'h_scale',
  'w_scale',
  'use_regular_nms',
];

/** Those of the names that the map has. The library throws errors of several kinds for bytes that are no map, and for absent keys. */
function readOptions(op: FileOperator): Map<string, number | boolean> {
  if (op.customOptions === undefined) op.fail('has no options');
  // A copy: the library reads a buffer from its start to its end.
  const { buffer } = Uint8Array.from(op.customOptions);
  const found = new Map<string, number | boolean>();
  for (const name of NAMES) {
    const value = optionOf(buffer, name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

function optionOf(buffer: ArrayBuffer, name: string): number | boolean | undefined {
  try {
    // Declared for the index of a vector alone; a map takes its keys.
    const value = toReference(buffer).get(name as unknown as number);
    if (value.isBool()) return value.boolValue() ?? undefined;
    return value.isNumber() ? Number(value.numericValue()) : undefined;
  } catch {
    return undefined;
  }
}
