/**
 * Softmax cross-entropy, the loss of a classifier: how surprised it is by the right classes. For N pictures of K classes, logits z and targets t:
 *
 *   p[n, c]  = e^z[n, c] / Σ_k e^z[n, k]
 *   L        = −(1/N) Σ_n Σ_c t[n, c] · ln p[n, c],   ln p[n, c] = z[n, c] − max − ln Σ_k e^(z[n, k] − max)
 *   dz[n, c] = (p[n, c] − t[n, c]) / N
 *
 * A row of targets sums to 1, which the last line uses: 1 for the class of the picture and 0 for all others, or, smoothed by ε (§7 of
 * arXiv:1512.00567), (1 − ε) · [c is the class] + ε / K. A softmax at the end of a network is part of this loss, as
 * logarithm and power cancel.
 */
import { NetworkError, ShapeError } from '../../errors.js';
import { nodeNamed } from '../../network/graph.js';
import type { Network } from '../../network/index.js';
import type { FloatArray } from '../../tensor.js';

export interface CrossEntropy {
  /** L: the mean over the pictures. */
  readonly mean: number;
  /** Pictures whose greatest logit is that of the greatest target. */
  readonly correct: number;
  /** dz, [N, K]. */
  readonly dLogits: Float64Array;
}

/** The loss of logits [N, classes] for targets [N, classes]. Sums in float64. */
export function crossEntropy(logits: FloatArray, targets: FloatArray, classes: number): CrossEntropy {
  if (targets.length !== logits.length || logits.length % classes !== 0) {
    throw new ShapeError(
      `crossEntropy: wanted rows of ${classes} logits and as many targets, found ${logits.length} and ${targets.length} numbers`,
    );
  }
  const N = logits.length / classes;
  const dLogits = new Float64Array(logits.length);
  let loss = 0;
  let correct = 0;
  for (let n = 0; n < N; n++) {
    const z = logits.subarray(n * classes, (n + 1) * classes);
    const t = targets.subarray(n * classes, (n + 1) * classes);
    const best = indexOfGreatest(z);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(z[c] - z[best]);
    for (let c = 0; c < classes; c++) {
      const logProbability = z[c] - z[best] - Math.log(sum);
      loss -= t[c] * logProbability;
      dLogits[n * classes + c] = (Math.exp(logProbability) - t[c]) / N;
    }
    if (best === indexOfGreatest(t)) correct++;
  }
  return { mean: loss / N, correct, dLogits };
}

/** The network up to its logits: without the softmax at its end, if it has one. Throws a NetworkError when there is not one input and one output. */
export function withoutSoftmax(network: Network): Network {
  const { name, inputs, nodes, outputs } = network;
  if (inputs.length !== 1 || outputs.length !== 1) {
    throw new NetworkError(
      `${name}: training wants one input and one output, found ${inputs.length} and ${outputs.length}`,
    );
  }
  const last = nodeNamed(network, outputs[0]);
  if (last?.kind !== 'softmax') return network;
  return { ...network, nodes: nodes.filter((node) => node !== last), outputs: last.inputs };
}

/** The first, of equals. */
function indexOfGreatest(numbers: FloatArray): number {
  let best = 0;
  for (let c = 1; c < numbers.length; c++) if (numbers[c] > numbers[best]) best = c;
  return best;
}
