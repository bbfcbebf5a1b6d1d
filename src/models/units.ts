/**
 * The pieces that both papers repeat: a convolution without bias (the layers' default), batch norm and ReLU6, and the classifier. What the conventions
 * decide here:
 *
 *                3 × 3 padding                                           epsilon
 *   slim         'same'                                                  1e-3
 *   Keras        'same'; V1 pads stride 2 with (0, 1) by a layer of its own   1e-3
 *   torchvision  one (dilated) sample on each side                       1e-5
 *
 * Keras V2's `correct_pad` is (0, 1) for even and (1, 1) for odd sizes, which is 'same' to the letter and written so: a network keeps
 * its meaning at another resolution. V1's (0, 1) is not 'same' at odd sizes: 279 of the 298 inputs from 32 to 329 pixels end with a
 * smaller map than slim's.
 */
import type { ArchitectureBuilder } from '../network/architecture-builder.js';
import type { Conventions } from '../network/index.js';
import { conventionPresets } from '../network/presets.js';
import type { Padding } from '../padding.js';
import type { HeadNames, UnitNames } from './node-names.js';
import type { MobilenetSettings, ModelConventions, OutputStride } from './options.js';

const EPSILON: Record<ModelConventions, number> = { slim: 1e-3, keras: 1e-3, torchvision: 1e-5 };

/** How a layer samples its input. */
export interface Sampling {
  readonly stride: number;
  readonly dilation: number;
}

/**
 * The strides of a network, one call a layer, none of which takes it beyond the output stride: slim's rule. From there on a stride
 * becomes 1 and the layers after it are dilated by it instead; the converted layer itself still has the rate from before.
 */
export function atrousSampling(outputStride: OutputStride): (stride: number) => Sampling {
  let reached = 1;
  let rate = 1;
  return (stride) => {
    if (reached < outputStride) {
      reached *= stride;
      return { stride, dilation: 1 };
    }
    const dilation = rate;
    rate *= stride;
    return { stride: 1, dilation };
  };
}

/** The table of a network for small pictures: its first two strides of 2 are 1. */
export function withoutFirstStrides<Row extends { readonly s: 1 | 2 }>(table: readonly Row[]): Row[] {
  let strides = 0;
  return table.map((row) => (row.s === 2 && strides++ < 2 ? { ...row, s: 1 } : row));
}

/** Adds layers to a network under construction; each method returns the name of its last node. */
export class UnitBuilder {
  readonly #net: ArchitectureBuilder;
  readonly #conventions: ModelConventions;

  constructor(net: ArchitectureBuilder, conventions: ModelConventions) {
    this.#net = net;
    this.#conventions = conventions;
  }

  /** A standard 3 × 3 convolution. */
  convolution(input: string, names: UnitNames, filters: number, { stride, dilation }: Sampling): string {
    const layer = this.#net.add(names.layer, 'conv2d', input, {
      filters,
      kernelSize: [3, 3],
      strides: [stride, stride],
      dilation: [dilation, dilation],
      padding: this.#padding(dilation),
    });
    return this.#normalised(layer, names);
  }

  depthwise(input: string, names: UnitNames, { stride, dilation }: Sampling): string {
    const padsBefore = names.pad !== undefined && stride > 1;
    const padded = padsBefore
      ? this.#net.add(names.pad, 'pad', input, { padding: { top: 0, bottom: 1, left: 0, right: 1 } })
      : input;
    const layer = this.#net.add(names.layer, 'depthwiseConv2d', padded, {
      kernelSize: [3, 3],
      strides: [stride, stride],
      dilation: [dilation, dilation],
      padding: padsBefore ? 'valid' : this.#padding(dilation),
    });
    return this.#normalised(layer, names);
  }

  pointwise(input: string, names: UnitNames, filters: number): string {
    return this.#normalised(this.#net.add(names.layer, 'pointwiseConv2d', input, { filters }), names);
  }

  /**
   * Pooling, dropout, classifier and softmax, as far as the settings want them. The pool covers the whole map, as slim's with
   * `global_pool=True`; slim's V1 called without it pools 7 × 7, which is the same for maps up to that size.
   */
  head(features: string, names: HeadNames, dropoutRate: number, { head, classes, output }: MobilenetSettings): string {
    if (head === 'features') return features;
    const keepDims = head === 'classifier' && names.squeeze !== undefined;
    const pooled = this.#net.add(names.pool, 'globalAveragePool', features, { keepDims });
    if (head === 'pooled') return pooled;
    const dropped = names.dropout ? this.#net.add(names.dropout, 'dropout', pooled, { rate: dropoutRate }) : pooled;
    const logits = this.#classifier(dropped, names, classes);
    return output === 'logits' ? logits : this.#net.add(names.softmax, 'softmax', logits);
  }

  #classifier(input: string, { classifier, squeeze }: HeadNames, classes: number): string {
    if (squeeze === undefined) return this.#net.add(classifier, 'dense', input, { units: classes });
    const logits = this.#net.add(classifier, 'pointwiseConv2d', input, { filters: classes, bias: true });
    return this.#net.add(squeeze, 'reshape', logits, { shape: [classes] });
  }

  #normalised(layer: string, { norm, relu6 }: UnitNames): string {
    const epsilon = EPSILON[this.#conventions];
    const normed = this.#net.add(norm, 'batchNorm', layer, { epsilon });
    return relu6 === undefined ? normed : this.#net.add(relu6, 'relu6', normed);
  }

  /** For a 3 × 3 kernel. */
  #padding(dilation: number): Padding {
    if (this.#conventions !== 'torchvision') return 'same';
    return { top: dilation, bottom: dilation, left: dilation, right: dilation };
  }
}

/** The conventions that travel with the network. */
export function conventionsOf({ conventions, head, output, labelOffset, resolution }: MobilenetSettings): Conventions {
  return {
    source: conventions,
    ...(head === 'classifier' ? { output, labelOffset } : { output: 'features' }),
    preprocessing: conventionPresets[conventions](resolution),
  };
}
