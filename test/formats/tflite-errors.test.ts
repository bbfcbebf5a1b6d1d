/** Every complaint of the .tflite reader, word by word. */
import { Builder, ByteBuffer } from 'flatbuffers';
import { builder as flexBuilder } from 'flatbuffers/js/flexbuffers.js';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { tflite } from '../../src/formats/readers/tflite.js';
import { FlatFile } from '../../src/formats/tflite/flatbuffer.js';
import { operators } from '../../src/formats/tflite/operators.js';
import { importQuantizedTflite } from '../../src/formats/tflite/read.js';
import * as schema from '../../src/formats/tflite/schema.js';
import { buildTflite, type ModelSpec, type OperatorSpec, type TensorSpec } from './tflite-builder.js';

const vector: TensorSpec = { shape: [1, 2] };
const picture: TensorSpec = { shape: [1, 2, 2, 1] };
const integers = (shape: readonly number[], ...numbers: number[]): TensorSpec => ({
  shape,
  type: 'INT32',
  data: Int32Array.from(numbers),
});
const reals = (shape: readonly number[], ...numbers: number[]): TensorSpec => ({
  shape,
  data: Float32Array.from(numbers),
});

const relu: ModelSpec = {
  tensors: { x: vector, y: vector },
  operators: [{ code: 'RELU', inputs: ['x'], outputs: ['y'] }],
  inputs: ['x'],
  outputs: ['y'],
};

/** One operator that reads x and further tensors and yields y. */
function operator(
  code: string,
  tensors: Record<string, TensorSpec>,
  options?: OperatorSpec['options'],
  outputs = ['y'],
): ModelSpec {
  const inputs = Object.keys(tensors).filter((name) => !outputs.includes(name));
  return { tensors, operators: [{ code, inputs, outputs, ...(options && { options }) }], inputs: ['x'], outputs };
}

const convolution = (tensors: Record<string, TensorSpec>, options = {}): ModelSpec =>
  operator('CONV_2D', { x: picture, kernel: reals([1, 1, 1, 1], 1), ...tensors, y: picture }, [
    schema.Conv2DOptions,
    { padding: 0, stride_h: 1, stride_w: 1, ...options },
  ]);

/** A convolution of dilation 2 as TensorFlow 1 wrote it, in three operators; each of its parts can be another. */
const dilated = ({
  block = integers([2], 2, 2),
  crops = integers([2, 2], 0, 0, 0, 0),
  options = {},
  middle = 'CONV_2D',
  last = 'BATCH_TO_SPACE_ND',
}: {
  block?: TensorSpec;
  crops?: TensorSpec;
  options?: object;
  middle?: string;
  last?: string;
}): ModelSpec => {
  const tensors = {
    ...{
      x: { shape: [1, 4, 4, 1] },
      a: { shape: [4, 4, 4, 1] },
      b: { shape: [4, 2, 2, 1] },
      y: { shape: [1, 4, 4, 1] },
    },
    ...{ kernel: reals([1, 3, 3, 1], ...new Array(9).fill(1)), block, crops },
    ...{ two: integers([2], 2, 2), pads: integers([2, 2], 2, 2, 2, 2) },
  };
  const window = [schema.Conv2DOptions, { padding: 1, stride_h: 1, stride_w: 1, ...options }] as const;
  const operators: OperatorSpec[] = [
    { code: 'SPACE_TO_BATCH_ND', inputs: ['x', 'two', 'pads'], outputs: ['a'] },
    middle === 'CONV_2D'
      ? { code: middle, inputs: ['a', 'kernel'], outputs: ['b'], options: window }
      : { code: middle, inputs: ['a'], outputs: ['b'] },
    { code: last, inputs: last === 'RELU' ? ['b'] : ['b', 'block', 'crops'], outputs: ['y'] },
  ];
  return { tensors, operators, inputs: ['x'], outputs: ['y'] };
};

/** SSD's options; undefined leaves one out. */
const SSD_OPTIONS: Record<string, number | boolean | string | undefined> = {
  ...{
    max_detections: 2,
    max_classes_per_detection: 1,
    num_classes: 2,
    nms_score_threshold: 0,
    nms_iou_threshold: 0.5,
  },
  ...{ y_scale: 10, x_scale: 10, h_scale: 5, w_scale: 5 },
};

/** A map in the form of FlexBuffers. */
function flexMap(values: typeof SSD_OPTIONS): Uint8Array {
  const map = flexBuilder();
  map.startMap();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    map.addKey(name);
    if (typeof value === 'number' && !Number.isInteger(value)) map.addFloat(value);
    else map.add(value);
  }
  map.end();
  return map.finish();
}

const POST_PROCESS = "operator 0 (custom operator TFLite_Detection_PostProcess, for tensor 'boxes')";

/** The post-processing of two anchors and two classes beside a background, whose tensors and options can be others. */
function detector(
  tensors: Record<string, TensorSpec>,
  options: typeof SSD_OPTIONS = {},
  more: Partial<ModelSpec> = {},
) {
  const results = ['boxes', 'classes', 'scores', 'count'];
  const customOptions = flexMap({ ...SSD_OPTIONS, ...options });
  return {
    tensors: {
      ...{ x: { shape: [1, 2, 4] }, p: { shape: [1, 2, 3] }, anchors: reals([2, 4], 0, 0, 1, 1, 0, 0, 1, 1) },
      ...{ boxes: { shape: [1, 2, 4] }, classes: { shape: [1, 2] }, scores: { shape: [1, 2] }, count: { shape: [1] } },
      ...tensors,
    },
    operators: [
      {
        code: 'CUSTOM:TFLite_Detection_PostProcess',
        inputs: ['x', 'p', 'anchors'],
        outputs: results,
        customOptions,
      },
    ],
    inputs: ['x', 'p'],
    outputs: results,
    ...more,
  } satisfies ModelSpec;
}

const [FINE] = detector({}).operators;

/** Part of the shape of x that is computed while the file runs. */
const sizes = (
  options: Record<string, number>,
  tensors: Record<string, TensorSpec> = {},
  inputs = ['size', 'from', 'to', 'steps'],
): ModelSpec => ({
  tensors: {
    ...{ x: picture, size: { shape: [4], type: 'INT32' }, batch: { shape: [1], type: 'INT32' }, y: { shape: [1, 4] } },
    ...{ from: integers([1], 0), to: integers([1], 1), steps: integers([1], 1), ...tensors },
  },
  operators: [
    { code: 'SHAPE', inputs: ['x'], outputs: ['size'] },
    { code: 'STRIDED_SLICE', inputs, outputs: ['batch'], options: [schema.StridedSliceOptions, options] },
    { code: 'RESHAPE', inputs: ['x', 'batch'], outputs: ['y'] },
  ],
  inputs: ['x'],
  outputs: ['y'],
});

const SUPPORTED = `${Object.keys(operators).join(', ')}; to read the network without it, name earlier outputs, such as 'x'`;

const complaints: Record<string, [model: ModelSpec, message: string]> = {
  'an operator that is not known here': [
    operator('COS', { x: vector, y: vector }),
    `operator 0 (COS, for tensor 'y'): is not supported; these are: ${SUPPORTED}`,
  ],
  'a custom operator': [
    operator('CUSTOM:Mine', { x: vector, y: vector }),
    `operator 0 (custom operator Mine, for tensor 'y'): is not supported; these are: ${SUPPORTED}`,
  ],
  'the post-processing of SSD models without scores': [
    operator('CUSTOM:TFLite_Detection_PostProcess', { x: vector, y: vector }),
    "operator 0 (custom operator TFLite_Detection_PostProcess, for tensor 'y'): input 1 is missing",
  ],
  'a file for the Edge TPU': [
    operator('CUSTOM:edgetpu-custom-op', { x: vector, y: vector }),
    "operator 0 (custom operator edgetpu-custom-op, for tensor 'y'): holds a network that is compiled for the Edge TPU, which alone can run it; use the .tflite file that it was compiled from",
  ],
  'post-processing before the end': [
    detector({ z: vector }, {}, { operators: [FINE, { code: 'RELU', inputs: ['scores'], outputs: ['z'] }] }),
    `${POST_PROCESS}: wanted as the last operator, found operator 1 (RELU, for tensor 'z') behind it`,
  ],
  'outputs beside those of the post-processing': [
    detector({}, {}, { outputs: ['boxes', 'x'] }),
    `${POST_PROCESS}: wanted all outputs of the file from it, but 'x' is none of its own`,
  ],
  'post-processing without options': [
    detector({}, {}, { operators: [{ code: FINE.code, inputs: FINE.inputs, outputs: FINE.outputs }] }),
    `${POST_PROCESS}: has no options`,
  ],
  'post-processing whose options are no map': [
    detector({}, {}, { operators: [{ ...FINE, customOptions: Uint8Array.of(1, 2, 3) }] }),
    `${POST_PROCESS}: its option num_classes must be a number, found none`,
  ],
  'post-processing without anchors': [
    detector({}, {}, { operators: [{ ...FINE, inputs: ['x', 'p'] }] }),
    `${POST_PROCESS}: input 2 is missing`,
  ],
  'anchors of two numbers': [
    detector({ anchors: reals([2, 2], 0, 0, 1, 1) }),
    `${POST_PROCESS}: wanted anchors [N, 4], found [2,2]`,
  ],
  'anchors in one row': [
    detector({ anchors: reals([4], 0, 0, 1, 1) }),
    `${POST_PROCESS}: wanted anchors [N, 4], found [4]`,
  ],
  'more codes than anchors': [
    detector({ x: { shape: [1, 3, 4] } }),
    `${POST_PROCESS}: wanted codes [1, 2, 4 or more] for 2 anchors, found [1,3,4]`,
  ],
  'codes of three numbers': [
    detector({ x: { shape: [1, 2, 3] } }),
    `${POST_PROCESS}: wanted codes [1, 2, 4 or more] for 2 anchors, found [1,2,3]`,
  ],
  'codes as a picture': [
    detector({ x: { shape: [1, 2, 4, 1] } }),
    `${POST_PROCESS}: wanted codes [1, 2, 4 or more] for 2 anchors, found [1,2,4,1]`,
  ],
  'fewer scores than anchors': [
    detector({ p: { shape: [1, 1, 3] } }),
    `${POST_PROCESS}: wanted scores [1, 2, classes], found [1,1,3]`,
  ],
  'scores without classes': [
    detector({ p: { shape: [1, 2] } }),
    `${POST_PROCESS}: wanted scores [1, 2, classes], found [1,2]`,
  ],
  'fewer scores than classes': [
    detector({}, { num_classes: 4 }),
    `${POST_PROCESS}: num_classes 4 wants 4 or, with background, 5 scores, found 3`,
  ],
  'two scores more than classes': [
    detector({}, { num_classes: 1 }),
    `${POST_PROCESS}: num_classes 1 wants 1 or, with background, 2 scores, found 3`,
  ],
  'no overlap': [
    detector({}, { nms_iou_threshold: 0 }),
    `${POST_PROCESS}: nms_iou_threshold must be above 0 and at most 1, found 0`,
  ],
  'an overlap of more than all': [
    detector({}, { nms_iou_threshold: 1.5 }),
    `${POST_PROCESS}: nms_iou_threshold must be above 0 and at most 1, found 1.5`,
  ],
  'no overlap that is stated': [
    detector({}, { nms_iou_threshold: undefined }),
    `${POST_PROCESS}: its option nms_iou_threshold must be a number, found none`,
  ],
  'a score that is no number': [
    detector({}, { nms_score_threshold: Number.POSITIVE_INFINITY }),
    `${POST_PROCESS}: its option nms_score_threshold must be a number, found Infinity`,
  ],
  'a scale that is a flag': [
    detector({}, { y_scale: true }),
    `${POST_PROCESS}: its option y_scale must be a number, found true`,
  ],
  'a scale below 0': [detector({}, { h_scale: -5 }), `${POST_PROCESS}: its option h_scale must be above 0, found -5`],
  'a scale of 0 across': [detector({}, { w_scale: 0 }), `${POST_PROCESS}: its option w_scale must be above 0, found 0`],
  'no detections': [
    detector({}, { max_detections: 0 }),
    `${POST_PROCESS}: its option max_detections must be a whole number of 1 or more, found 0`,
  ],
  'half a class': [
    detector({}, { max_classes_per_detection: 1.5 }),
    `${POST_PROCESS}: its option max_classes_per_detection must be a whole number of 1 or more, found 1.5`,
  ],
  'no detections of a class': [
    detector({}, { detections_per_class: 0 }),
    `${POST_PROCESS}: its option detections_per_class must be a whole number of 1 or more, found 0`,
  ],
  'sizes of nothing': [
    {
      ...sizes({}),
      operators: [{ code: 'SHAPE', inputs: [], outputs: ['size'] }],
    },
    "operator 0 (SHAPE, for tensor 'size'): input 0 is missing",
  ],
  'sizes into two tensors': [
    { ...sizes({}), operators: [{ code: 'SHAPE', inputs: ['x'], outputs: ['size', 'batch'] }] },
    "operator 0 (SHAPE, for tensor 'size'): wanted one output, found 2",
  ],
  'sizes in steps of two': [
    sizes({}, { steps: integers([1], 2) }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): slices sizes from [0] to [1] in steps of [2]; wanted one axis and steps of 1",
  ],
  'sizes from two places': [
    sizes({}, { from: integers([2], 0, 1) }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): slices sizes from [0,1] to [1] in steps of [1]; wanted one axis and steps of 1",
  ],
  'sizes to two places': [
    sizes({}, { to: integers([2], 1, 2) }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): slices sizes from [0] to [1,2] in steps of [1]; wanted one axis and steps of 1",
  ],
  'sizes in two steps': [
    sizes({}, { steps: integers([2], 1, 1) }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): slices sizes from [0] to [1] in steps of [1,1]; wanted one axis and steps of 1",
  ],
  'sizes with an ellipsis': [
    sizes({ ellipsis_mask: 1 }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): slices sizes with an ellipsis or a new axis",
  ],
  'sizes with a new axis': [
    sizes({ new_axis_mask: 1 }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): slices sizes with an ellipsis or a new axis",
  ],
  'a size of an axis that is not there': [
    sizes({ shrink_axis_mask: 1 }, { from: integers([1], 4) }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): takes size 4 of [1,2,2,1]",
  ],
  'a size of an axis before the first': [
    sizes({ shrink_axis_mask: 1 }, { from: integers([1], -5) }),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): takes size -5 of [1,2,2,1]",
  ],
  'sizes without an end': [
    sizes({}, {}, ['size', 'from']),
    "operator 1 (STRIDED_SLICE, for tensor 'batch'): input 2 is missing",
  ],
  'sizes that are joined along another axis': [
    {
      ...sizes({}),
      operators: [
        { code: 'PACK', inputs: ['from', 'to'], outputs: ['size'], options: [schema.PackOptions, { axis: 1 }] },
      ],
    },
    "operator 0 (PACK, for tensor 'size'): joins sizes along axis 1, wanted 0",
  ],
  'a constant that is divided by what is computed': [
    operator('DIV', { c: reals([1], 1), x: vector, y: vector }, [schema.DivOptions, {}]),
    "operator 0 (DIV, for tensor 'y'): divides a constant by a computed tensor",
  ],
  'one picture of a batch': [
    operator(
      'STRIDED_SLICE',
      {
        ...{ x: { shape: [2, 2] }, begin: integers([2], 0, 0), end: integers([2], 1, 2), strides: integers([2], 1, 1) },
        y: { shape: [2] },
      },
      [schema.StridedSliceOptions, { shrink_axis_mask: 1 }],
    ),
    "operator 0 (STRIDED_SLICE, for tensor 'y'): takes [0,0] to [1,2] of [2,2]; the batch has to stay",
  ],
  'the only picture of a batch, without its axis': [
    operator(
      'STRIDED_SLICE',
      {
        ...{ x: vector, begin: integers([2], 0, 0), end: integers([2], 1, 2), strides: integers([2], 1, 1) },
        y: { shape: [2] },
      },
      [schema.StridedSliceOptions, { shrink_axis_mask: 1 }],
    ),
    "operator 0 (STRIDED_SLICE, for tensor 'y'): takes one of a batch of 1; the batch has to stay",
  ],
  'a split without an axis': [
    operator('SPLIT', { x: vector, y: { shape: [1, 1] }, z: { shape: [1, 1] } }, undefined, ['y', 'z']),
    "operator 0 (SPLIT, for tensor 'y'): its input 1 is missing",
  ],
  'a split along a computed axis': [
    {
      tensors: { x: vector, i: { shape: [1], type: 'INT32' }, last: integers([1], -1), y: { shape: [1, 1] } },
      operators: [
        { code: 'ARG_MAX', inputs: ['x', 'last'], outputs: ['i'] },
        { code: 'SPLIT', inputs: ['i', 'x'], outputs: ['y'] },
      ],
      inputs: ['x'],
      outputs: ['y'],
    },
    "tensor 1 'i': wanted a constant, found a tensor without data",
  ],
  'a resize without a size': [
    operator('RESIZE_BILINEAR', { x: picture, y: picture }, [schema.ResizeBilinearOptions, {}]),
    "operator 0 (RESIZE_BILINEAR, for tensor 'y'): input 1 is missing",
  ],
  'nine axes': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 1, 1, 1, 1, 1, 1, 1, 2] } } },
    'model.subgraphs[0].tensors[1].shape: wanted at most 8 sizes of 0 or more, found [1,1,1,1,1,1,1,1,2]',
  ],
  'a size below 0': [
    { ...relu, tensors: { x: vector, y: { shape: [1, -2] } } },
    'model.subgraphs[0].tensors[1].shape: wanted at most 8 sizes of 0 or more, found [1,-2]',
  ],
  'quantisation of its own': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 2], type: 'INT8', scale: [1], customQuantization: true } } },
    'model.subgraphs[0].tensors[1].quantization: custom quantisation is not read',
  ],
  'a buffer that is not there': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 2], buffer: 7 } } },
    'model.subgraphs[0].tensors[1]: names buffer 7, but the file has 3',
  ],
  'another version of the schema': [{ ...relu, version: 2 }, 'model.version: wanted schema version 3, found 2'],
  'several graphs': [
    { ...relu, subgraphs: 2 },
    'model.subgraphs: wanted one graph, found 2; control flow and several signatures are not read',
  ],
  'no outputs': [{ ...relu, outputs: [] }, 'model.subgraphs[0]: wanted inputs and outputs, found 1 and 0'],
  'an output that nobody computes': [
    { ...relu, tensors: { ...relu.tensors, z: vector }, outputs: ['z'] },
    "tensor 2 'z': an output that no operator computes",
  ],
  'an input that is a constant': [
    { ...relu, tensors: { x: reals([1, 2], 1, 2), y: vector } },
    "tensor 0 'x': an input that is a constant",
  ],
  'an open height': [
    { ...relu, tensors: { x: { ...vector, shapeSignature: [-1, -1] }, y: vector } },
    "tensor 0 'x': the input's shape [-1,-1] is dynamic; wanted sizes; only the batch may be left open",
  ],
  'an input of integers without a scale': [
    { ...relu, tensors: { x: { shape: [1, 2], type: 'UINT8' }, y: vector } },
    "tensor 0 'x': wanted float32, or uint8 or int8 with a scale, found UINT8 without one",
  ],
  'a computed tensor of 16-bit integers': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 2], type: 'INT16', scale: [1] } } },
    "tensor 1 'y': is of int16: activations of 16 bits with weights of 8 (16x8) are not read",
  ],
  'a computed tensor with a scale for each channel': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 2], type: 'INT8', scale: [1, 2], axis: 1 } } },
    "tensor 1 'y': wanted one scale for a computed tensor, found one for each channel",
  ],
  'a scale of zero': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 2], type: 'INT8', scale: [0] } } },
    'model.subgraphs[0].tensors[1].quantization.scale: wanted numbers above 0, found 0',
  ],
  'fewer zero points than scales': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 2], type: 'INT8', scale: [1, 2], zeroPoint: [0] } } },
    'model.subgraphs[0].tensors[1].quantization: has 2 scales, but 1 zero points',
  ],
  'a shape that its inputs do not give': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 3] } } },
    "operator 0 (RELU, for tensor 'y'): declares its output [1,3], but its inputs give [1,2]",
  ],
  'tensors that are read before they are computed': [
    { ...relu, operators: [{ code: 'RELU', inputs: ['y'], outputs: ['y'] }] },
    "operator 0 (RELU, for tensor 'y'): reads tensor 1 'y', which no operator before it computes",
  ],
  'two outputs': [
    operator('RELU', { x: vector, y: vector, z: vector }, undefined, ['y', 'z']),
    "operator 0 (RELU, for tensor 'y'): wanted one output, found 2",
  ],
  'a missing input': [
    { ...relu, operators: [{ code: 'RELU', inputs: [], outputs: ['y'] }] },
    "operator 0 (RELU, for tensor 'y'): input 0 is missing",
  ],
  'a sum of constants': [
    operator('ADD', { c: reals([1, 2], 1, 2), d: reals([1, 2], 1, 2), x: vector, y: vector }, [schema.AddOptions, {}]),
    "operator 0 (ADD, for tensor 'y'): input 1 is the constant 'd', wanted a computed tensor",
  ],
  'a constant that is no channel list': [
    operator('MUL', { x: picture, c: reals([2, 1], 1, 2), y: picture }, [schema.MulOptions, {}]),
    "operator 0 (MUL, for tensor 'y'): its constant of [2,1] does not fit [1,2,2,1]; wanted one number, or one for each channel",
  ],
  'a bound for each number': [
    operator('MAXIMUM', { x: vector, c: reals([2], 1, 2), y: vector }),
    "operator 0 (MAXIMUM, for tensor 'y'): compares with a constant of [2]; wanted one number",
  ],
  'a cast to integers': [
    operator('CAST', { x: vector, y: { ...vector, type: 'INT32' } }),
    "operator 0 (CAST, for tensor 'y'): yields INT32; only casts to FLOAT32 are read",
  ],
  'a computed shape': [
    operator('RESHAPE', { x: vector, shape: { shape: [2], type: 'INT32' }, y: vector }),
    "operator 0 (RESHAPE, for tensor 'y'): input 1, 'shape', is computed while the network runs, wanted a constant",
  ],
  'options of another operator': [
    operator('SOFTMAX', { x: vector, y: vector }, [schema.AddOptions, {}]),
    "operator 0 (SOFTMAX, for tensor 'y'): its options are of kind 11, wanted 9",
  ],
  'no options': [operator('SOFTMAX', { x: vector, y: vector }), "operator 0 (SOFTMAX, for tensor 'y'): has no options"],
  'a softmax of another temperature': [
    operator('SOFTMAX', { x: vector, y: vector }, [schema.SoftmaxOptions, { beta: 0.5 }]),
    "operator 0 (SOFTMAX, for tensor 'y'): beta is 0.5; only 1 is read",
  ],
  'an unknown padding': [
    convolution({}, { padding: 7 }),
    "operator 0 (CONV_2D, for tensor 'y'): padding 7 is unknown; wanted same,valid",
  ],
  'an unknown fused activation': [
    convolution({}, { fused_activation_function: 9 }),
    "operator 0 (CONV_2D, for tensor 'y'): fused activation 9 is unknown",
  ],
  'a fused activation that is not read': [
    convolution({}, { fused_activation_function: 4 }),
    "operator 0 (CONV_2D, for tensor 'y'): activation TANH is not read",
  ],
  'a stride of zero': [
    convolution({}, { stride_h: 0 }),
    "operator 0 (CONV_2D, for tensor 'y'): y: conv2d.strides[0]: wanted a whole number from 1 to 2147483647, found 0",
  ],
  'a convolution in groups': [
    convolution({ x: { shape: [1, 2, 2, 2] } }),
    "operator 0 (CONV_2D, for tensor 'y'): has kernels for 1 channels and an input of [1,2,2,2]; convolutions in groups are not read",
  ],
  'a kernel of another rank': [
    convolution({ kernel: reals([1, 1], 1) }),
    "operator 0 (CONV_2D, for tensor 'y'): 'kernel' has the shape [1,1], wanted 4 sizes",
  ],
  'a bias of another length': [
    convolution({ bias: reals([2], 1, 2) }),
    'the weights do not fit the network:\n  wrong shape: y/bias is [2], wanted [1]',
  ],
  'a depthwise kernel that is no multiple of the channels': [
    operator('DEPTHWISE_CONV_2D', { x: { shape: [1, 2, 2, 2] }, kernel: reals([1, 1, 1, 3], 1, 2, 3), y: picture }, [
      schema.DepthwiseConv2DOptions,
      { padding: 0, stride_h: 1, stride_w: 1 },
    ]),
    "operator 0 (DEPTHWISE_CONV_2D, for tensor 'y'): has a kernel of [1,1,1,3] for 2 channels, wanted [1, height, width, a multiple of 2]",
  ],
  'a dense kernel for another number of inputs': [
    operator('FULLY_CONNECTED', { x: vector, kernel: reals([1, 3], 1, 2, 3), y: { shape: [1, 1] } }, [
      schema.FullyConnectedOptions,
      {},
    ]),
    "operator 0 (FULLY_CONNECTED, for tensor 'y'): has weights for 3 inputs, but reads a tensor of [1,2]",
  ],
  'shuffled weights': [
    operator('FULLY_CONNECTED', { x: vector, kernel: reals([1, 2], 1, 2), y: { shape: [1, 1] } }, [
      schema.FullyConnectedOptions,
      { weights_format: 1 },
    ]),
    "operator 0 (FULLY_CONNECTED, for tensor 'y'): shuffled weights are not read",
  ],
  'a buffer that is too short': [
    convolution({ kernel: reals([1, 1, 1, 1]) }),
    // an empty buffer is that of a computed tensor
    "operator 0 (CONV_2D, for tensor 'y'): input 1, 'kernel', is computed while the network runs, wanted a constant",
  ],
  'a buffer that is too long': [
    convolution({ kernel: reals([1, 1, 1, 1], 1, 2) }),
    "tensor 1 'kernel': shape [1,1,1,1] of FLOAT32 wants 4 bytes, its buffer has 8",
  ],
  'sparse weights': [
    convolution({ kernel: { ...reals([1, 1, 1, 1], 1), sparse: true } }),
    "tensor 1 'kernel': sparse constants are not read",
  ],
  '4-bit weights': [
    convolution({ kernel: { shape: [1, 1, 1, 1], type: 'INT4', data: Uint8Array.of(1), scale: [1] } }),
    "tensor 1 'kernel': constants of type INT4 are not read; wanted FLOAT32, FLOAT16, INT32, INT64, UINT8, INT8",
  ],
  'integer weights without a scale': [
    convolution({ kernel: { shape: [1, 1, 1, 1], type: 'UINT8', data: Uint8Array.of(1) } }),
    "tensor 1 'kernel': wanted real numbers, found UINT8 without a scale that gives them",
  ],
  'scales that do not fit their axis': [
    convolution({ kernel: { shape: [1, 1, 1, 1], type: 'INT8', data: Int8Array.of(1), scale: [1, 2], axis: 3 } }),
    "tensor 1 'kernel': has 2 scales for axis 3 of shape [1,1,1,1]",
  ],
  'scales that do not fit the outputs of a convolution of integers': [
    convolution({
      x: { ...picture, type: 'INT8', scale: [1] },
      kernel: { shape: [1, 1, 1, 1], type: 'INT8', data: Int8Array.of(1), scale: [1, 2], axis: 0 },
      y: { ...picture, type: 'INT8', scale: [1] },
    }),
    "tensor 1 'kernel': has 2 scales for axis 0 of shape [1,1,1,1]",
  ],
  'a list of integers that holds others': [
    operator('RESHAPE', { x: vector, shape: reals([2], 1, 2), y: vector }),
    "tensor 1 'shape': wanted integers, found FLOAT32",
  ],
  'a reshape across the batch': [
    operator('RESHAPE', { x: vector, shape: integers([2], 2, 1), y: { shape: [2, 1] } }),
    "operator 0 (RESHAPE, for tensor 'y'): reshapes [1,2] to [2,1]; the batch of 1 has to stay the first axis",
  ],
  'a reshape without a shape': [
    operator('RESHAPE', { x: vector, y: vector }),
    "operator 0 (RESHAPE, for tensor 'y'): has no shape to reshape to",
  ],
  'a squeezed batch': [
    operator('SQUEEZE', { x: vector, y: { shape: [2] } }),
    "operator 0 (SQUEEZE, for tensor 'y'): reshapes [1,2] to [2]; the batch has to stay",
  ],
  'a mean over other axes': [
    operator('MEAN', { x: picture, axes: integers([1], 3), y: picture }, [schema.ReducerOptions, {}]),
    "operator 0 (MEAN, for tensor 'y'): reduces the axes [3] of [1,2,2,1]; wanted height and width, [1,2]",
  ],
  'a padded batch': [
    operator('PAD', { x: picture, sizes: integers([4, 2], 0, 1, 0, 0, 0, 0, 0, 0), y: { shape: [2, 2, 2, 1] } }),
    "operator 0 (PAD, for tensor 'y'): pads [1,2,2,1] by [0,1,0,0,0,0,0,0]; wanted padding of height, width and channels only",
  ],
  'a slice that leaves the picture': [
    operator('SLICE', {
      x: picture,
      begin: integers([4], 0, 1, 0, 0),
      size: integers([4], 1, 2, 2, 1),
      y: { shape: [1, 2, 2, 1] },
    }),
    "operator 0 (SLICE, for tensor 'y'): takes [0,1,0,0] to [1,3,2,1] of [1,2,2,1]; wanted a part that lies inside and is not empty",
  ],
  'a slice in steps backwards': [
    operator(
      'STRIDED_SLICE',
      {
        x: picture,
        begin: integers([4], 0, 1, 0, 0),
        end: integers([4], 1, 0, 2, 1),
        strides: integers([4], 1, -1, 1, 1),
        y: { shape: [1, 1, 2, 1] },
      },
      [schema.StridedSliceOptions, {}],
    ),
    "operator 0 (STRIDED_SLICE, for tensor 'y'): slices [1,2,2,1] in steps of [1,-1,1,1], with an ellipsis or a new axis; wanted steps of 1 or more alone",
  ],
  'a slice with an ellipsis': [
    operator(
      'STRIDED_SLICE',
      {
        x: picture,
        begin: integers([4], 0, 1, 0, 0),
        end: integers([4], 1, 2, 2, 1),
        strides: integers([4], 1, 1, 1, 1),
        y: { shape: [1, 1, 2, 1] },
      },
      [schema.StridedSliceOptions, { ellipsis_mask: 1 }],
    ),
    "operator 0 (STRIDED_SLICE, for tensor 'y'): slices [1,2,2,1] in steps of [1,1,1,1], with an ellipsis or a new axis; wanted steps of 1 or more alone",
  ],
  'a slice with a new axis': [
    operator(
      'STRIDED_SLICE',
      {
        x: picture,
        begin: integers([4], 0, 1, 0, 0),
        end: integers([4], 1, 2, 2, 1),
        strides: integers([4], 1, 1, 1, 1),
        y: { shape: [1, 1, 2, 1] },
      },
      [schema.StridedSliceOptions, { new_axis_mask: 1 }],
    ),
    "operator 0 (STRIDED_SLICE, for tensor 'y'): slices [1,2,2,1] in steps of [1,1,1,1], with an ellipsis or a new axis; wanted steps of 1 or more alone",
  ],
  'axes that change places': [
    operator('TRANSPOSE', { x: picture, order: integers([4], 0, 2, 1, 3), y: picture }),
    "operator 0 (TRANSPOSE, for tensor 'y'): reorders the axes of [1,2,2,1] to [0,2,1,3]; no layer moves numbers so",
  ],
  'a picture that is enlarged by half': [
    operator('RESIZE_NEAREST_NEIGHBOR', { x: picture, size: integers([2], 3, 4), y: { shape: [1, 3, 4, 1] } }, [
      schema.ResizeNearestNeighborOptions,
      {},
    ]),
    "operator 0 (RESIZE_NEAREST_NEIGHBOR, for tensor 'y'): resizes [1,2,2,1] to [3,4] by the nearest pixel; wanted whole multiples of its height and width",
  ],
  'a picture that is enlarged without end': [
    operator('RESIZE_NEAREST_NEIGHBOR', { x: picture, size: integers([2], 2e8, 2), y: { shape: [1, 2e8, 2, 1] } }, [
      schema.ResizeNearestNeighborOptions,
      {},
    ]),
    "operator 0 (RESIZE_NEAREST_NEIGHBOR, for tensor 'y'): enlarges a picture 100000000 x 1 times; wanted at most 4096 along each side",
  ],
  'a picture that is repeated more often than the file is long': [
    operator('TILE', { x: picture, times: integers([4], 1, 2e8, 1, 1), y: { shape: [1, 4e8, 2, 1] } }),
    "operator 0 (TILE, for tensor 'y'): what the file's 464 bytes describe takes more than 16 times as many",
  ],
  'slopes that fit no channel': [
    operator('PRELU', { x: picture, slopes: { shape: [2, 2, 1], data: Float32Array.of(1, 2, 3, 4) }, y: picture }),
    "operator 0 (PRELU, for tensor 'y'): its slopes [2,2,1] do not fit [1,2,2,1]; wanted one, or one for each channel",
  ],
  'a repeated batch': [
    operator('TILE', { x: picture, times: integers([4], 2, 2, 1, 1), y: { shape: [2, 4, 2, 1] } }),
    "operator 0 (TILE, for tensor 'y'): repeats [1,2,2,1] by [2,2,1,1]; wanted the batch once, and each other axis once or more",
  ],
  'no time along an axis': [
    operator('TILE', { x: picture, times: integers([4], 1, 0, 1, 1), y: { shape: [1, 0, 2, 1] } }),
    "operator 0 (TILE, for tensor 'y'): repeats [1,2,2,1] by [1,0,1,1]; wanted the batch once, and each other axis once or more",
  ],
  'an argmax along another axis': [
    operator('ARG_MAX', { x: picture, axis: integers([1], 1), y: { shape: [1, 2, 1], type: 'INT32' } }),
    "operator 0 (ARG_MAX, for tensor 'y'): along axis 1 of [1,2,2,1]; only the last is read",
  ],
  'a size of three numbers': [
    operator('RESIZE_BILINEAR', { x: picture, size: integers([3], 1, 2, 3), y: picture }, [
      schema.ResizeBilinearOptions,
      {},
    ]),
    "operator 0 (RESIZE_BILINEAR, for tensor 'y'): wanted a size of [height, width], found [1,2,3]",
  ],
  'two rules of resizing': [
    operator('RESIZE_BILINEAR', { x: picture, size: integers([2], 2, 2), y: picture }, [
      schema.ResizeBilinearOptions,
      { align_corners: true, half_pixel_centers: true },
    ]),
    "operator 0 (RESIZE_BILINEAR, for tensor 'y'): has both align_corners and half_pixel_centers, which exclude each other",
  ],
  'a dilated convolution with strides': [
    dilated({ options: { stride_w: 2 } }),
    "operator 1 (CONV_2D, for tensor 'b'): between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND has padding valid, strides [1,2] and dilation [1,1]; wanted valid, 1 and 1",
  ],
  'a dilated convolution with dilation of its own': [
    dilated({ options: { dilation_h_factor: 2 } }),
    "operator 1 (CONV_2D, for tensor 'b'): between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND has padding valid, strides [1,1] and dilation [2,1]; wanted valid, 1 and 1",
  ],
  'a dilated convolution with padding of its own': [
    dilated({ options: { padding: 0 } }),
    "operator 1 (CONV_2D, for tensor 'b'): between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND has padding same, strides [1,1] and dilation [1,1]; wanted valid, 1 and 1",
  ],
  'blocks that are put back as others': [
    dilated({ block: integers([2], 2, 4) }),
    "operator 2 (BATCH_TO_SPACE_ND, for tensor 'y'): puts back blocks of [2,4], wanted those of [2,2] that SPACE_TO_BATCH_ND took",
  ],
  'more cropped than padded': [
    dilated({ crops: integers([2, 2], 0, 0, 3, 0) }),
    "operator 2 (BATCH_TO_SPACE_ND, for tensor 'y'): crops [0,0,3,0], more than the [2,2,2,2] that SPACE_TO_BATCH_ND padded",
  ],
  'blocks of three axes': [
    dilated({ block: integers([3], 2, 2, 1) }),
    "operator 2 (BATCH_TO_SPACE_ND, for tensor 'y'): input 1 has [2,2,1], wanted 2 constant numbers, of height and width",
  ],
  'blocks of something else than a convolution': [
    dilated({ middle: 'RELU' }),
    "operator 0 (SPACE_TO_BATCH_ND, for tensor 'a'): is read only before a convolution and BATCH_TO_SPACE_ND, which are a dilated convolution",
  ],
  'blocks that stay blocks': [
    dilated({ last: 'RELU' }),
    "operator 0 (SPACE_TO_BATCH_ND, for tensor 'a'): is read only before a convolution and BATCH_TO_SPACE_ND, which are a dilated convolution",
  ],
  'a range outside of the activation': [
    { ...relu, tensors: { x: vector, y: { shape: [1, 2], type: 'INT8', scale: [1], zeroPoint: [200] } } },
    "operator 0 (RELU, for tensor 'y'): its result can only express [-328, -73], outside of RELU's",
  ],
};

test.each(Object.entries(complaints))('%s', async (_, [model, message]) => {
  const error: Error = await tflite.read(buildTflite(model), { fileName: 'small.tflite' }).then(
    () => expect.unreachable('it was read'),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(FormatError);
  expect(error.message).toBe(`small.tflite: ${message.startsWith('the weights') ? 'small: ' : ''}${message}`);
});

describe('bytes that are not what they seem', () => {
  const good = buildTflite(relu);

  test('other files', async () => {
    await expect(tflite.read(new Uint8Array(0), {})).rejects.toThrow(
      "model file: header: not a TensorFlow Lite file: wanted 'TFL3' at byte 4, found 0 bytes that begin ''",
    );
    await expect(
      tflite.read(new TextEncoder().encode('<!DOCTYPE html><html>'), { fileName: 'm.tflite' }),
    ).rejects.toThrow(
      "m.tflite: header: not a TensorFlow Lite file: wanted 'TFL3' at byte 4, found 21 bytes that begin '<!DOCTYP'",
    );
  });

  test('real numbers where integers are wanted', async () => {
    await expect(importQuantizedTflite(good, 'm.tflite')).rejects.toThrow(
      new FormatError('m.tflite: holds real numbers, wanted a network of 8-bit integers; readNetwork reads it'),
    );
  });

  test('offsets that lead out of the file', async () => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setUint32(0, 0x7fffffff, true);
    await expect(tflite.read(bytes, { fileName: 'm.tflite' })).rejects.toThrow(
      `m.tflite: model: reaches from byte 2147483647 to 2147483651, but the file has ${bytes.length} bytes`,
    );
  });

  test('a file cut off anywhere is a FormatError or, behind the last byte that is read, the same network', async () => {
    const whole = await tflite.read(good, { fileName: 'm.tflite' });
    for (let length = 0; length < good.length; length++) {
      const found = await tflite.read(good.slice(0, length), { fileName: 'm.tflite' }).catch((error) => error);
      if (!(found instanceof FormatError)) expect(found, `${length} bytes`).toEqual(whole);
    }
  });

  test('a few bytes that many tensors share cannot be read as gigabytes', async () => {
    const many = 2000;
    const shared = Object.fromEntries(Array.from({ length: many }, (_, i) => [`k${i}`, vector]));
    const scale = Array.from({ length: many }, () => 1);
    const bytes = buildTflite({ ...relu, tensors: { ...relu.tensors, ...shared, k: { ...vector, scale } } });
    await tflite.read(bytes, { fileName: 'm.tflite' });
    await expect(tflite.read(withSharedTensor(bytes), { fileName: 'm.tflite' })).rejects.toThrow(
      /^m\.tflite: model\.subgraphs\[0\]\.tensors\[\d+\].*: what the file's \d+ bytes describe takes more than 16 times as many$/,
    );
  });
});

describe('numbers of what is not there', () => {
  const refused = async (change: (file: ReturnType<typeof opened>) => void, message: string) => {
    const file = opened(buildTflite(relu));
    change(file);
    await expect(tflite.read(new Uint8Array(file.view.buffer), { fileName: 'm.tflite' })).rejects.toThrow(
      new FormatError(message),
    );
  };
  const operatorOf = ({ graph, field, follow }: ReturnType<typeof opened>) =>
    follow(follow(field(graph, schema.SubGraph.indexOf('operators'))) + 4);

  test.each(['inputs', 'outputs'] as const)('a tensor among the %s', (side) =>
    refused(
      ({ view, graph, field, follow }) =>
        view.setInt32(follow(field(graph, schema.SubGraph.indexOf(side))) + 4, 5, true),
      `m.tflite: model.subgraphs[0].${side}: names tensor 5, but the graph has 2`,
    ),
  );

  test.each(['inputs', 'outputs'] as const)('a tensor among the %s of an operator', (side) =>
    refused((file) => {
      const at = file.follow(file.field(operatorOf(file), schema.Operator.indexOf(side)));
      file.view.setInt32(at + 4, -2, true);
    }, 'm.tflite: model.subgraphs[0].operators[0]: names tensor -2, but the graph has 2'),
  );

  test('an operator code', () =>
    refused(
      (file) => file.view.setUint32(file.field(operatorOf(file), schema.Operator.indexOf('opcode_index')), 3, true),
      'm.tflite: model.subgraphs[0].operators[0]: names operator code 3; the file has 1',
    ));
});

/** A copy of the file that can be changed: where a table has a field, where an offset leads, and where the graph is. */
function opened(bytes: Uint8Array) {
  const view = new DataView(bytes.slice().buffer);
  const field = (table: number, id: number) => {
    const vtable = table - view.getInt32(table, true);
    return table + view.getUint16(vtable + 4 + 2 * id, true);
  };
  const follow = (at: number) => at + view.getUint32(at, true);
  const graph = follow(follow(field(follow(0), schema.Model.indexOf('subgraphs'))) + 4);
  return { view, field, follow, graph };
}

/** The file with every tensor of its graph replaced by the last one, which has a scale for each of many channels. */
function withSharedTensor(bytes: Uint8Array): Uint8Array {
  const { view, field, follow, graph } = opened(bytes);
  const tensors = follow(field(graph, schema.SubGraph.indexOf('tensors')));
  const count = view.getUint32(tensors, true);
  const last = follow(tensors + 4 * count);
  for (let i = 0; i < count; i++) view.setUint32(tensors + 4 + 4 * i, last - (tensors + 4 + 4 * i), true);
  return new Uint8Array(view.buffer);
}

test('tables that many places share, and that would take more than the file', () => {
  const builder = new Builder();
  builder.startObject(0);
  const empty = builder.endObject();
  const many = 20_000;
  builder.startVector(4, many, 4);
  for (let index = 0; index < many; index++) builder.addOffset(empty);
  const vector = builder.endVector();
  builder.startObject(1);
  builder.addFieldOffset(0, vector, 0);
  builder.finish(builder.endObject());
  const file = new FlatFile(new ByteBuffer(builder.asUint8Array()), 'f');
  const [bytes, tables] = [file.length, () => file.root(['all'], 'root').tables('all', [])];
  // 256 for each of 20,000 tables are 5.1 MB; 16 times the file's 80 kB, and a megabyte, are 2.3.
  expect(tables).toThrow(
    new FormatError(`f: root.all: what the file's ${bytes} bytes describe takes more than 16 times as many`),
  );
});
