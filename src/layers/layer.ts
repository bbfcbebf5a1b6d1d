/**
 * What a file of this folder says about its layer, and what the others make of it.
 *
 *   attributes                              what a node may be told, each with its check
 *   defaults                                values of the attributes that may be left out
 *   weightShapes(inputs, attributes)        shapes of the weights it needs, by name
 *   outputShape(inputs, attributes)         shape of the result; throws a ShapeError for inputs that do not fit
 *   compute(y, inputs, weights, attributes) writes the result into y, which begins as zeros. Sums in float64, each result is rounded once
 *   facts                                   what other rooms need to know of a kind (`Facts`)
 *
 * A page also exports `backward`, which is listed in `backward.ts`: ∂L/∂x of every input and ∂L/∂w of every trainable weight of some loss L,
 * from ∂L/∂y. It is no part of the layer's value, so that a page that only infers does not load it. In formulas and code dG is short for
 * ∂L/∂G. Batch norm and dropout compute something else while a network is trained: `batchNormTraining.ts`, `dropoutTraining.ts`.
 * The code is slow on purpose and stays so: what is fast lives in `assembly/` and is held to these files by tests.
 */
import type { Fields } from '../checks.js';
import { type FloatArray, type Shape, sizeOf, type Tensor, tensorLike, zerosLike } from '../tensor.js';
import { expectAttributes, expectChannels, expectGradient, expectImage, expectOne, expectWeights } from './expect.js';

/** The attributes of a layer that has none. */
export type NoAttributes = Readonly<Record<string, never>>;

export type WeightShapes = Readonly<Record<string, Shape>>;

/** The weights of the layers that sum products. */
export interface KernelWeights {
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

/** The axes of a kernel: height, width, input channels, outputs; in a depthwise kernel channels, and outputs (multiplier) of each. */
export type KernelLayout = 'HWIO' | 'HWCM' | 'IO';

/** What other rooms need to know of a layer. */
export interface Facts {
  /** One input of any shape unless told: an image [N, H, W, C], one with channels [..., C], or several inputs. */
  readonly takes?: 'image' | 'channels' | 'several';
  /** For a layer that sums products with a weight called `kernel`. */
  readonly kernel?: KernelLayout;
  /** The attribute with the size of the window that slides over the picture; or a single point, or the whole map. */
  readonly window?: 'kernelSize' | 'poolSize' | 'point' | 'map';
  /** Each number of the result depends on the numbers at its place alone (and on its channel's weights). */
  readonly elementwise?: true;
  /** Needs no memory of its own: it can write over its input, or is padding, which the next layer imagines. */
  readonly inPlace?: true;
  /** The result's numbers are the input's, in the same order. */
  readonly copies?: true;
  /** Each number of the result is the mean or the maximum of a window. */
  readonly pools?: true;
  /** Turns logits into probabilities. */
  readonly probabilities?: true;
  /** Draws random numbers while a network is trained. */
  readonly random?: true;
}

/** An object without fields. */
export type Nothing = Record<never, never>;

/** The attributes that may be left out, whose names have a question mark in the layer's interface. */
export type Defaults<Attributes> = {
  readonly [Name in keyof Attributes as Nothing extends Pick<Attributes, Name> ? Name : never]-?: Attributes[Name];
};

/** A layer as its file describes it. What it computes with is complete: what was left out has its default. */
interface Page<Attributes, Weights> extends Facts {
  readonly attributes: Fields<Required<Attributes>>;
  /** {} for a layer that must be told everything. */
  readonly defaults?: Defaults<Attributes>;
  readonly weightShapes?: (inputs: readonly Shape[], attributes: Required<Attributes>) => WeightShapes;
  /** The input's shape unless told. */
  readonly outputShape?: (inputs: readonly Shape[], attributes: Required<Attributes>) => Shape;
  readonly compute: (y: Tensor, inputs: readonly Tensor[], weights: Weights, attributes: Required<Attributes>) => void;
}

/** Weights and attributes may be left out where a layer can do without. */
type Rest<Weights, Attributes> = Nothing extends Attributes
  ? Nothing extends Weights
    ? [weights?: Weights, attributes?: Attributes]
    : [weights: Weights, attributes?: Attributes]
  : [weights: Weights, attributes: Attributes];

export interface Layer<Attributes, Weights> extends Facts {
  readonly kind: string;
  readonly attributes: Fields<Required<Attributes>>;
  readonly defaults: Defaults<Attributes>;
  /** {} for a layer without weights. */
  readonly weightShapes: (inputs: readonly Shape[], ...rest: AttributesAlone<Attributes>) => WeightShapes;
  readonly outputShape: (inputs: readonly Shape[], ...rest: AttributesAlone<Attributes>) => Shape;
  /** The result. It has the number type of the first input. */
  readonly forward: (inputs: readonly Tensor[], ...rest: Rest<Weights, Attributes>) => Tensor;
}

export type AttributesAlone<Attributes> = Nothing extends Attributes
  ? [attributes?: Attributes]
  : [attributes: Attributes];

/** The layer of that kind: it checks number and rank of the inputs, and the weights, before the page's own functions see them. */
export function defineLayer<Attributes, Weights extends object = object>(
  kind: string,
  page: Page<Attributes, Weights>,
): Layer<Attributes, Weights> {
  const taken = (inputs: readonly Shape[]): readonly Shape[] => {
    if (page.takes === 'several') return inputs;
    const x = expectOne(kind, inputs);
    if (page.takes === 'image') expectImage(kind, x);
    if (page.takes === 'channels') expectChannels(kind, x);
    return inputs;
  };
  const { defaults = {} } = page;
  const complete = (given?: Attributes) => ({ ...defaults, ...given }) as Required<Attributes>;
  const weightShapes = (inputs: readonly Shape[], given?: Attributes) =>
    page.weightShapes?.(taken(inputs), complete(given)) ?? {};
  const outputShape = (inputs: readonly Shape[], given?: Attributes) => {
    const x = taken(inputs);
    const attributes = complete(given);
    expectAttributes(kind, page.attributes, attributes);
    return page.outputShape?.(x, attributes) ?? x[0];
  };
  const forward = (inputs: readonly Tensor[], weights: Weights = {} as Weights, given?: Attributes) => {
    const shapes = inputs.map(({ shape }) => shape);
    const shape = outputShape(shapes, given);
    expectWeights(kind, weights, weightShapes(shapes, given));
    const y = zerosLike(inputs[0], shape);
    page.compute(y, inputs, weights, complete(given));
    return y;
  };
  return { ...page, kind, defaults, weightShapes, outputShape, forward } as unknown as Layer<Attributes, Weights>;
}

/** A layer that computes every number of its only input by itself. */
export function defineElementwise<Attributes = NoAttributes>(
  kind: string,
  page: Facts & {
    readonly attributes: Fields<Required<Attributes>>;
    readonly defaults?: Defaults<Attributes>;
    readonly y: (x: number, attributes: Required<Attributes>) => number;
    /** The input's shape; throws a ShapeError for attributes that contradict each other. */
    readonly outputShape?: (inputs: readonly Shape[], attributes: Required<Attributes>) => Shape;
  },
): Layer<Attributes, object> {
  return defineLayer<Attributes>(kind, {
    ...page,
    elementwise: true,
    compute(y, [x], _, attributes) {
      for (let i = 0; i < y.data.length; i++) y.data[i] = page.y(x.data[i], attributes);
    },
  });
}

/** What a small change of each number changes in the loss. Each tensor has the shape of what it belongs to and the number type of the first input. */
export interface Gradients {
  /** One for each input, in their order. */
  readonly inputs: readonly Tensor[];
  /** By weight name; {} for a layer without weights. Moving statistics are not trained and have none. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

export type Backward<Attributes, Weights> = (
  outputGradient: Tensor,
  inputs: readonly Tensor[],
  ...rest: Rest<Weights, Attributes>
) => Gradients;

/** The gradients of a layer as its page computes them, in float64: those of the inputs, and those of the weights by name. */
export type GradientNumbers = readonly [inputs: readonly FloatArray[], weights?: Readonly<Record<string, FloatArray>>];

/** The backward half of a layer: checks what it is given, and rounds each gradient once. `dy` is the output's gradient. */
export function defineBackward<Attributes, Weights extends object>(
  { kind, defaults, outputShape, weightShapes }: Layer<Attributes, Weights>,
  gradients: (
    dy: Tensor,
    inputs: readonly Tensor[],
    weights: Weights,
    attributes: Required<Attributes>,
  ) => GradientNumbers,
): Backward<Attributes, Weights> {
  return (dy, inputs, ...[weights = {} as Weights, told]) => {
    const shapes = inputs.map(({ shape }) => shape);
    const attributes = { ...defaults, ...told } as unknown as Required<Attributes>;
    const given = [attributes] as unknown as AttributesAlone<Attributes>;
    expectGradient(kind, dy, outputShape(shapes, ...given));
    const wanted = weightShapes(shapes, ...given);
    const [dx, dw = {}] = gradients(dy, inputs, expectWeights(kind, weights, wanted), attributes);
    const [x] = inputs;
    return {
      inputs: dx.map((numbers, i) => tensorLike(x, shapes[i], numbers)),
      weights: Object.fromEntries(
        Object.entries(dw).map(([name, numbers]) => [name, tensorLike(x, wanted[name], numbers)]),
      ),
    };
  };
}

/** The backward half of a layer that computes every number by itself: dx from dy and x. */
export function defineElementwiseBackward<Attributes>(
  layer: Layer<Attributes, object>,
  dx: (dy: number, x: number, attributes: Required<Attributes>) => number,
): Backward<Attributes, object> {
  return defineBackward(layer, (dy, [x], _, attributes) => [
    [Float64Array.from(dy.data, (d, i) => dx(d, x.data[i], attributes))],
  ]);
}

/** Shapes of a kernel and, where there is one, of its bias. */
export const withBias = (kernel: Shape, bias: boolean, outputs: number): WeightShapes =>
  bias ? { kernel, bias: [outputs] } : { kernel };

/** Products in one number of the result: the kernel's sizes along height, width and input channels. */
export function fanIn(layout: KernelLayout, kernel: Shape): number {
  return sizeOf(kernel.filter((_, axis) => 'HWI'.includes(layout[axis])));
}

/** An activation, a batch norm or a dropout: each number of the result lies where its only input has it. */
export const isElementwise = ({ elementwise, takes }: Facts): boolean => elementwise === true && takes !== 'several';

/** Leaves every pixel of its only input where it is. */
export const keepsPixels = (facts: Facts): boolean => isElementwise(facts) || facts.window === 'point';

/** Sums products over all input channels, as a classifier does. */
export const mixesChannels = ({ kernel }: Facts): boolean => kernel !== undefined && kernel !== 'HWCM';

/** Batch norm's moving mean and variance: gathered while a network is trained, not trained themselves. */
export const isStatistic = (weight: string): boolean => weight.startsWith('moving');
