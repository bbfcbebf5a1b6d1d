/**
 * Post-training quantisation: a network of real numbers becomes one of int8, with one scale for each tensor and for each output channel of a
 * kernel (tensorflow.org/lite/performance/quantization_spec). Layers without an integer form stay real, between 'dequantize' and 'quantize'.
 *
 * The interface stays simple: bytes of a picture or real numbers in, real numbers out.
 */
import { UsageError } from '../errors.js';
import { found } from '../found.js';
import { unusedName } from '../network/graph.js';
import type { Network, NetworkInput, NetworkNode } from '../network/network.js';
import { weightName } from '../network/network.js';
import type { QuantizedInput, QuantizedNetwork, QuantizedNode } from '../network/quantized-network.js';
import { isQuantizedType, sameType } from '../network/quantized-network.js';
import { keepsType, withQuantizedWeights } from '../network/quantized-types.js';
import { inferShapes, layerOf, weightShapesOf } from '../network/shapes.js';
import type { AnyTensor, QuantizedType, Shape, TensorType } from '../tensor.js';
import type { Calibration } from './calibrate.js';
import { quantizedWeights } from './quantize-weights.js';
import { typeOfRange } from './ranges.js';
import { tensorTypes } from './tensor-types.js';

export interface QuantizeOptions {
  /** One scale for each output channel of a kernel, or one for the whole of it. Per tensor, MobileNets lose all accuracy unless trained for it. */
  readonly weights?: 'per-channel' | 'per-tensor';
  /** Whether biases make up for the mean error of rounded kernels: 8 dB for MobileNet V1 0.25. True if not said. */
  readonly biasCorrection?: boolean;
  /** Bytes of a picture, where its preprocessing is one scale and one mean for all channels; or real numbers. 'uint8' if not said and possible. */
  readonly input?: 'uint8' | 'float32';
}

/** The network of integers. Throws a UsageError for a network of several inputs, and for `input: 'uint8'` where that is not possible. */
export function quantizeNetwork(calibration: Calibration, options: QuantizeOptions = {}): QuantizedNetwork {
  if (calibration?.network === undefined)
    throw new UsageError(`quantizeNetwork: wanted what calibrate() answers, found ${found(calibration)}`);
  const { network } = calibration;
  const [input, ...others] = network.inputs;
  if (others.length > 0) throw new UsageError(`${network.name}: only networks of one input are quantised`);
  const bytes = options.input === 'float32' ? undefined : bytesOf(network);
  if (options.input === 'uint8' && bytes === undefined) {
    throw new UsageError(
      `${network.name}: its preprocessing is not one scale and one mean for all channels; wanted input 'float32'`,
    );
  }
  const builder = new QuantizedBuilder(calibration, options, bytes);
  builder.begin(input);
  for (const node of network.nodes) builder.add(node);
  return builder.build();
}

/**
 * The type of pictures' bytes p, of which the network reads (p · scale − mean) / deviation = scale / deviation · (p − mean / scale). The zero
 * point is the nearest whole number.
 */
function bytesOf({ conventions: { preprocessing } }: Network): QuantizedType | undefined {
  if (preprocessing === undefined) return undefined;
  const { scale, mean, deviation } = preprocessing;
  const zeroPoint = Math.round(mean[0] / scale);
  const isOne = mean.every((value) => value === mean[0]) && deviation.every((value) => value === deviation[0]);
  if (!isOne || zeroPoint < 0 || zeroPoint > 255) return undefined;
  return { type: 'uint8', scale: Math.fround(scale / deviation[0]), zeroPoint };
}

class QuantizedBuilder {
  readonly #calibration: Calibration;
  readonly #options: QuantizeOptions;
  readonly #bytes: QuantizedType | undefined;
  readonly #types: ReadonlyMap<string, TensorType>;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #inputs: QuantizedInput[] = [];
  readonly #nodes: QuantizedNode[] = [];
  readonly #weights = new Map<string, AnyTensor>();
  readonly #taken: Set<string>;
  /** The tensors that stand for each tensor of the network: as it is, and in other types. */
  readonly #forms = new Map<string, { readonly name: string; readonly type: TensorType }[]>();

  constructor(calibration: Calibration, options: QuantizeOptions, bytes: QuantizedType | undefined) {
    this.#calibration = calibration;
    this.#options = options;
    this.#bytes = bytes;
    const asInt8: QuantizedType | undefined = bytes && { ...bytes, type: 'int8', zeroPoint: bytes.zeroPoint - 128 };
    this.#types = tensorTypes(calibration.network, calibration.ranges, asInt8);
    this.#taken = new Set(this.#types.keys());
    this.#shapes = inferShapes(calibration.network);
  }

  begin({ name, shape }: NetworkInput): void {
    const type = this.#bytes ?? 'float32';
    this.#inputs.push({ name, shape, type });
    this.#forms.set(name, [{ name, type }]);
  }

  add(node: NetworkNode): void {
    const type = this.#types.get(node.name)!;
    const inputs = node.inputs.map((input) => this.#as(input, this.#wanted(node, type, input)));
    const { node: made, weights } = isQuantizedType(type) ? this.#integerLayer(node, type) : this.#realLayer(node);
    this.#nodes.push({ ...made, inputs, type } as QuantizedNode);
    for (const [name, weight] of Object.entries(weights)) this.#weights.set(weightName(node.name, name), weight);
    this.#forms.set(node.name, [{ name: node.name, type }]);
  }

  build(): QuantizedNetwork {
    const { network } = this.#calibration;
    const outputs = network.outputs.map((name) => {
      const type = this.#types.get(name)!;
      return isQuantizedType(type) && type.type === 'int32' ? name : this.#as(name, 'float32');
    });
    return withQuantizedWeights(
      {
        ...network,
        inputs: this.#inputs,
        nodes: this.#nodes,
        outputs,
        weights: new Map(),
        conventions: this.#conventions(outputs),
      },
      this.#weights,
    );
  }

  /** The type in which a node wants one of its inputs. */
  #wanted({ kind }: NetworkNode, type: TensorType, input: string): TensorType {
    if (!isQuantizedType(type) || kind === 'concat' || keepsType.includes(kind)) return type;
    const own = this.#types.get(input)!;
    return isQuantizedType(own) ? own : typeOfRange(this.#calibration.ranges.get(input)!);
  }

  /** The name of a tensor's form in this type; a conversion makes it if need be. */
  #as(name: string, wanted: TensorType): string {
    const forms = this.#forms.get(name)!;
    const found = forms.find(({ type }) => sameType(type, wanted));
    if (found) return found.name;
    const made = unusedName(`${name}/${isQuantizedType(wanted) ? wanted.type : 'real'}`, this.#taken);
    const kind = isQuantizedType(wanted) ? 'quantize' : 'dequantize';
    this.#taken.add(made);
    this.#nodes.push({ name: made, kind, inputs: [forms[0].name], attributes: {}, type: wanted });
    forms.push({ name: made, type: wanted });
    return made;
  }

  #integerLayer(node: NetworkNode, type: TensorType): { node: NetworkNode; weights: Record<string, AnyTensor> } {
    const { kernel: layout } = layerOf(node);
    if (layout === undefined) return { node, weights: {} };
    const { network, means } = this.#calibration;
    const [input] = node.inputs;
    const [kernel, bias] = ['kernel', 'bias'].map((name) => network.weights.get(weightName(node.name, name)));
    const { weights = 'per-channel', biasCorrection = true } = this.#options;
    const quantized = quantizedWeights(kernel!, bias, {
      layout,
      perChannel: weights === 'per-channel',
      input: this.#wanted(node, type, input) as QuantizedType,
      ...(biasCorrection && { means: means.get(input)! }),
    });
    return {
      node: { ...node, attributes: { ...node.attributes, bias: true } } as NetworkNode,
      weights: { ...quantized },
    };
  }

  #realLayer(node: NetworkNode): { node: NetworkNode; weights: Record<string, AnyTensor> } {
    const names = Object.keys(weightShapesOf(node, this.#shapes));
    const { weights } = this.#calibration.network;
    return {
      node,
      weights: Object.fromEntries(names.map((name) => [name, weights.get(weightName(node.name, name))!])),
    };
  }

  /** Boxes are found in the outputs. The stated preparation is the one that gives the bytes themselves. */
  #conventions(outputs: readonly string[]): Network['conventions'] {
    const { conventions, outputs: before } = this.#calibration.network;
    const { preprocessing, detection } = conventions;
    const output = (name: string) => outputs[before.indexOf(name)];
    return {
      ...conventions,
      ...(detection && {
        detection: { ...detection, codes: output(detection.codes), scores: output(detection.scores) },
      }),
      ...(this.#bytes &&
        preprocessing && {
          preprocessing: {
            ...preprocessing,
            mean: preprocessing.mean.map(() => this.#bytes!.zeroPoint * preprocessing.scale),
          },
        }),
    };
  }
}
