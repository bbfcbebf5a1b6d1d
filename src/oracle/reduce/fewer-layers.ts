/** Parts of a failing problem, as problems: some of its layers, fed with what the backend itself had there. */
import { partFor, weightsOfNodes } from '../../network/graph.js';
import { inferShapes, type NetworkNode, trace } from '../../network/index.js';
import { sameShape, type Tensor } from '../../tensor.js';
import type { LayerReport } from '../report.js';
import { nodesUpTo, type Segment } from '../segment.js';

/** A problem to be tried, and the layer of it that has to be wrong. */
export interface Try {
  readonly layer: string;
  readonly problem: Segment;
}

interface Failing extends Segment {
  readonly wrong: Pick<LayerReport, 'name'>;
  readonly theirs: ReadonlyMap<string, Tensor>;
}

/** Problems of more layers are not computed by the reference: their parts begin where the backend has shown a tensor. */
const MOST_TRACED = 12;

/** The wrong layer by itself, with those before it of which the backend has shown nothing. */
export function* layerAlone(failing: Failing): Generator<Try> {
  const known = knownTensors(failing);
  const nodes = nodesUpTo(failing.network, failing.wrong.name, known);
  if (nodes.length < failing.network.nodes.length) yield* part(failing, nodes, known);
}

/** The problem up to each earlier layer, which is then the wrong one: from the shortest on. */
export function* endingEarlier({ network, inputs, wrong }: Failing): Generator<Try> {
  for (const { name } of network.nodes) {
    if (name === wrong.name) return;
    const cut = partFor(network, [name]);
    const fed = new Map(cut.inputs.map((input) => [input.name, inputs.get(input.name)!]));
    yield { layer: name, problem: { network: cut, inputs: fed } };
  }
}

/** The problem without some layers: half of them, a quarter, … a single one. The last ones are tried first. */
export function* withoutNodes(failing: Failing): Generator<Try> {
  const { nodes } = failing.network;
  const others = nodes.filter(({ name }) => name !== failing.wrong.name);
  const known = knownTensors(failing);
  for (let size = Math.ceil(others.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = others.length; end > 0; end -= size) {
      const left = new Set(others.slice(Math.max(0, end - size), end));
      yield* part(
        failing,
        nodes.filter((node) => !left.has(node)),
        known,
      );
    }
  }
}

/** What can be fed: the problem's inputs, what the backend has shown and, in small problems, what the reference computes. */
function knownTensors({ network, inputs, theirs }: Failing): Map<string, Tensor> {
  const shapes = inferShapes(network, new Map([...inputs].map(([name, { shape }]) => [name, shape])));
  const shown = [...theirs].filter(([name, { shape }]) => sameShape(shape, shapes.get(name) ?? []));
  const computed = network.nodes.length <= MOST_TRACED ? trace(network, inputs) : [];
  return new Map([...computed, ...shown, ...inputs]);
}

/** These layers, if all that they read is known. Every tensor that none of them reads is an output. */
function* part({ network, wrong }: Failing, nodes: readonly NetworkNode[], known: ReadonlyMap<string, Tensor>) {
  const own = new Set(nodes.map(({ name }) => name));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const fed = [...read].filter((name) => !own.has(name));
  if (!fed.every((name) => known.has(name))) return;
  const inputs = new Map(fed.map((name) => [name, known.get(name)!]));
  const outputs = [...own].filter((name) => name === wrong.name || !read.has(name));
  const problem: Segment = {
    network: {
      name: network.name,
      inputs: [...inputs].map(([name, { shape }]) => ({ name, shape })),
      nodes,
      outputs,
      weights: weightsOfNodes(network.weights, own),
      conventions: { source: network.conventions.source, output: 'features' },
    },
    inputs,
  };
  yield { layer: wrong.name, problem };
}
