/** What the wrong layers have in common and the right ones have not: 'all 5 layers with stride 2 are beyond, 0 of 25 others'. */
import { layers } from '../layers/index.js';
import { inferShapes, type Network, type NetworkNode } from '../network/index.js';
import { inputShapesOf, layerOf } from '../network/shapes.js';
import type { Pair } from '../padding.js';
import type { Shape } from '../tensor.js';
import { isWrong, type Report } from './report.js';
import { nodesUpTo } from './segment.js';

/** One judgement: a layer, or several that were judged together. */
export interface Judged {
  readonly members: readonly Member[];
  readonly wrong: boolean;
}

interface Member {
  readonly node: NetworkNode;
  /** Of its first input. */
  readonly input: Shape;
}

/** The layers of an isolated report, each with those judged together with it. */
export function judgedLayers(network: Network, { layers }: Pick<Report, 'layers'>): Judged[] {
  const known = new Set([...network.inputs, ...layers].map(({ name }) => name));
  const shapes = inferShapes(network);
  return layers
    .filter(({ kind, verdict }) => kind !== 'input' && verdict !== 'not decided')
    .map((layer) => ({
      members: nodesUpTo(network, layer.name, known).map((node) => ({ node, input: inputShapesOf(node, shapes)[0] })),
      wrong: isWrong(layer),
    }));
}

interface Trait {
  /** After 'layers': 'with stride 2'. */
  readonly words: string;
  readonly has: (member: Member) => boolean;
}

type Attributes = {
  readonly strides?: Pair;
  readonly dilation?: Pair;
  readonly kernelSize?: Pair;
  readonly padding?: unknown;
  readonly bias?: boolean;
  readonly epsilon?: number;
  readonly depthMultiplier?: number;
};

const of = ({ node }: Member): Attributes => (node.attributes ?? {}) as Attributes;
const isStrided = (member: Member): boolean => Math.max(...(of(member).strides ?? [1])) > 1;
const channels = ({ input }: Member): number => input[input.length - 1];
/** Sums, products or comparisons over several numbers. */
const computes = ({ node }: Member): boolean => {
  const { kernel, pools, elementwise, takes } = layerOf(node);
  return Boolean(kernel || pools || (elementwise && takes === 'several')) || node.kind === 'batchNorm';
};

/** Of traits that tell the same layers apart, the first is told. */
const traits: readonly Trait[] = [
  ...Object.keys(layers).map((kind): Trait => ({ words: `of kind ${kind}`, has: ({ node }) => node.kind === kind })),
  { words: 'with stride 2', has: (member) => Math.max(...(of(member).strides ?? [1])) === 2 },
  { words: 'with strides above 1', has: isStrided },
  {
    words: 'with strides above 1 on even sizes',
    has: (member) => isStrided(member) && member.input.slice(1, 3).every((size) => size % 2 === 0),
  },
  {
    words: 'with strides above 1 on odd sizes',
    has: (member) => isStrided(member) && member.input.slice(1, 3).some((size) => size % 2 === 1),
  },
  { words: 'with dilation', has: (member) => Math.max(...(of(member).dilation ?? [1])) > 1 },
  { words: 'with explicit padding', has: (member) => typeof of(member).padding === 'object' },
  { words: 'with a depth multiplier', has: (member) => (of(member).depthMultiplier ?? 1) > 1 },
  {
    words: 'with kernels that are no squares',
    has: (member) => of(member).kernelSize !== undefined && of(member).kernelSize![0] !== of(member).kernelSize![1],
  },
  {
    words: 'with kernels larger than 3 x 3',
    has: (member) => Math.max(...(of(member).kernelSize ?? [1])) > 3,
  },
  { words: 'with two pictures or more', has: ({ input }) => input[0] > 1 },
  { words: 'whose channels are no multiple of 4', has: (member) => computes(member) && channels(member) % 4 !== 0 },
  { words: 'whose channels are a multiple of 4', has: (member) => computes(member) && channels(member) % 4 === 0 },
  { words: 'with more than 64 channels', has: (member) => computes(member) && channels(member) > 64 },
  { words: 'with a bias', has: (member) => of(member).bias === true },
];

/** Fewer wrong layers have too much in common by chance. */
const FEWEST = 2;

/**
 * The trait, or the two traits at once, that all wrong layers have and no right one has, in a sentence. None where fewer than two layers
 * are wrong, or all are.
 */
export function patternsOf(judged: readonly Judged[]): string[] {
  const wrong = judged.filter((each) => each.wrong);
  const right = judged.filter((each) => !each.wrong);
  if (wrong.length < FEWEST || right.length === 0) return [];
  const has = (each: Judged, both: readonly Trait[]): boolean =>
    each.members.some((member) => both.every((trait) => trait.has(member)));
  const shared = traits.filter((trait) => wrong.every((each) => has(each, [trait])));
  const telling = [...shared.map((trait) => [trait]), ...pairsOf(shared)].find(
    (both) => wrong.every((each) => has(each, both)) && !right.some((each) => has(each, both)),
  );
  if (telling === undefined) return [];
  const words = telling.map((trait) => trait.words).join(' and ');
  return [`${wrong.length} of ${wrong.length} layers ${words} are beyond, 0 of ${right.length} others.`];
}

function pairsOf<Item>(items: readonly Item[]): Item[][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b) => [a, b]));
}
