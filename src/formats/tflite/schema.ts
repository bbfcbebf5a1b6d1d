/**
 * The parts of the TensorFlow Lite schema that this library reads and writes: field names in the order of their ids, and the values of the
 * enumerations. Facts of tensorflow/lite/schema/schema.fbs (file identifier TFL3, version 3) and, for the last group, of
 * metadata_schema.fbs (identifier M001).
 */
export const FILE_IDENTIFIER = 'TFL3';

export const Model = [
  'version',
  'operator_codes',
  'subgraphs',
  'description',
  'buffers',
  'metadata_buffer',
  'metadata',
  'signature_defs',
] as const;
export const OperatorCode = ['deprecated_builtin_code', 'custom_code', 'version', 'builtin_code'] as const;
export const SubGraph = ['tensors', 'inputs', 'outputs', 'operators', 'name'] as const;
export const TensorTable = [
  'shape',
  'type',
  'buffer',
  'name',
  'quantization',
  'is_variable',
  'sparsity',
  'shape_signature',
] as const;
export const QuantizationParameters = [
  'min',
  'max',
  'scale',
  'zero_point',
  'details_type',
  'details',
  'quantized_dimension',
] as const;
export const Operator = [
  'opcode_index',
  'inputs',
  'outputs',
  'builtin_options_type',
  'builtin_options',
  'custom_options',
] as const;
export const Buffer = ['data', 'offset', 'size'] as const;
export const Metadata = ['name', 'buffer'] as const;
export const SparsityParameters = ['traversal_order'] as const;

/** The option tables, and the number of each in the union BuiltinOptions. */
export const Conv2DOptions = [
  'padding',
  'stride_w',
  'stride_h',
  'fused_activation_function',
  'dilation_w_factor',
  'dilation_h_factor',
] as const;
export const DepthwiseConv2DOptions = [
  'padding',
  'stride_w',
  'stride_h',
  'depth_multiplier',
  'fused_activation_function',
  'dilation_w_factor',
  'dilation_h_factor',
] as const;
export const Pool2DOptions = [
  'padding',
  'stride_w',
  'stride_h',
  'filter_width',
  'filter_height',
  'fused_activation_function',
] as const;
export const FullyConnectedOptions = ['fused_activation_function', 'weights_format', 'keep_num_dims'] as const;
export const SoftmaxOptions = ['beta'] as const;
export const ConcatenationOptions = ['axis', 'fused_activation_function'] as const;
export const AddOptions = ['fused_activation_function'] as const;
export const MulOptions = ['fused_activation_function'] as const;
export const SubOptions = ['fused_activation_function'] as const;
export const DivOptions = ['fused_activation_function'] as const;
export const ResizeBilinearOptions = ['new_height', 'new_width', 'align_corners', 'half_pixel_centers'] as const;
export const ReshapeOptions = ['new_shape'] as const;
export const ReducerOptions = ['keep_dims'] as const;
export const SqueezeOptions = ['squeeze_dims'] as const;
export const StridedSliceOptions = [
  'begin_mask',
  'end_mask',
  'ellipsis_mask',
  'new_axis_mask',
  'shrink_axis_mask',
] as const;
export const PackOptions = ['values_count', 'axis'] as const;
export const ResizeNearestNeighborOptions = ['align_corners', 'half_pixel_centers'] as const;
export const LeakyReluOptions = ['alpha'] as const;
export const GeluOptions = ['approximate'] as const;
export const ArgMaxOptions = ['output_type'] as const;

export const OPTIONS_TYPE = new Map<readonly string[], number>([
  [Conv2DOptions, 1],
  [DepthwiseConv2DOptions, 2],
  [Pool2DOptions, 5],
  [FullyConnectedOptions, 8],
  [SoftmaxOptions, 9],
  [ConcatenationOptions, 10],
  [AddOptions, 11],
  [ResizeBilinearOptions, 15],
  [ReshapeOptions, 17],
  [MulOptions, 21],
  [ReducerOptions, 27],
  [SubOptions, 28],
  [DivOptions, 29],
  [SqueezeOptions, 30],
  [StridedSliceOptions, 32],
  [ArgMaxOptions, 40],
  [PackOptions, 59],
  [ResizeNearestNeighborOptions, 74],
  [LeakyReluOptions, 75],
  [GeluOptions, 116],
]);

/** Names of the numbers of each enumeration: the index is the number. */
export const PADDINGS = ['same', 'valid'] as const;
export const ACTIVATIONS = ['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6', 'TANH', 'SIGN_BIT'] as const;
export const TENSOR_TYPES =
  'FLOAT32 FLOAT16 INT32 UINT8 INT64 STRING BOOL INT16 COMPLEX64 INT8 FLOAT64 COMPLEX128 UINT64 RESOURCE VARIANT UINT32 UINT16 INT4 BFLOAT16'.split(
    ' ',
  );
export const BUILTIN_OPERATORS = `
  ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED
  HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU
  RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS
  SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE
  MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT
  LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG
  PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE
  EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN
  FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN
  FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE
  MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE
  RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
  NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE
  BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE
  REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL
  GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1
`
  .trim()
  .split(/\s+/);

/** Metadata: what a file says about its input's range and its outputs' labels. */
export const METADATA_NAME = 'TFLITE_METADATA';
export const METADATA_IDENTIFIER = 'M001';
export const ModelMetadata = [
  'name',
  'description',
  'version',
  'subgraph_metadata',
  'author',
  'license',
  'associated_files',
  'min_parser_version',
] as const;
export const SubGraphMetadata = [
  'name',
  'description',
  'input_tensor_metadata',
  'output_tensor_metadata',
  'associated_files',
] as const;
export const TensorMetadata = [
  'name',
  'description',
  'dimension_names',
  'content',
  'process_units',
  'stats',
  'associated_files',
] as const;
export const Content = ['content_properties_type', 'content_properties', 'range'] as const;
export const ImageProperties = ['color_space', 'default_size'] as const;
export const AssociatedFile = ['name', 'description', 'type', 'locale'] as const;
export const ProcessUnit = ['options_type', 'options'] as const;
export const NormalizationOptions = ['mean', 'std'] as const;
export const NORMALIZATION_OPTIONS = 1;
export const IMAGE_PROPERTIES = 2;
export const COLOR_SPACES = ['UNKNOWN', 'RGB', 'GRAYSCALE'] as const;
export const TENSOR_AXIS_LABELS = 2;
