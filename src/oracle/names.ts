/**
 * Which of another backend's tensors is which of our layers. In this order:
 *
 *   what the caller's map says, { "their name": "our name" }
 *   the same name
 *   the same place in MobileNet V1 or V2, by slim's, Keras', torchvision's and timm's names (`roles.ts`); TFLite files have slim's or Keras'
 *   the same name in another spelling
 *
 * the last two also without a prefix such as 'model_1/', a suffix ':0', or the name of a TensorFlow operation at the end.
 */
import { UsageError } from '../errors.js';
import type { Network } from '../network/index.js';
import { similarNames } from '../network/rewriting/subnetwork.js';
import type { Tensor } from '../tensor.js';
import { roleTables } from './roles.js';

export interface Matched {
  /** Their tensors by our names. */
  readonly tensors: Map<string, Tensor>;
  /** Their names by ours. */
  readonly theirNames: Map<string, string>;
  /** Their names that match nothing. */
  readonly unmatched: readonly string[];
}

export type NameMap = Readonly<Record<string, string>>;

/** Throws a UsageError for a map that names what does not exist, or where two tensors claim one layer by the map. */
export function matchNames(network: Network, theirs: ReadonlyMap<string, Tensor>, map: NameMap = {}): Matched {
  const ours = [...network.inputs, ...network.nodes].map(({ name }) => name);
  const stated = checkedMap(network, ours, theirs, map);
  const ourName = finder(ours);
  const known = new Set(ours);
  const theirNames = new Map(stated);
  const claims = new Set([...stated.values()]);
  for (const exact of [true, false]) {
    for (const name of theirs.keys()) {
      if (claims.has(name)) continue;
      const found = exact ? (known.has(name) ? name : undefined) : ourName(name);
      if (found === undefined || theirNames.has(found)) continue;
      theirNames.set(found, name);
      claims.add(name);
    }
  }
  const ordered = ours.filter((name) => theirNames.has(name));
  return {
    tensors: new Map(ordered.map((name) => [name, theirs.get(theirNames.get(name)!)!])),
    theirNames: new Map(ordered.map((name) => [name, theirNames.get(name)!])),
    unmatched: [...theirs.keys()].filter((name) => !claims.has(name)),
  };
}

/** The caller's map, ours → theirs. */
function checkedMap(
  network: Network,
  ours: readonly string[],
  theirs: ReadonlyMap<string, Tensor>,
  map: NameMap,
): Map<string, string> {
  const stated = new Map<string, string>();
  for (const [their, our] of Object.entries(map)) {
    if (!ours.includes(our)) {
      throw new UsageError(
        `names: ${network.name} has no layer '${our}'; similar names: ${similarNames(our, ours).join(', ')}`,
      );
    }
    if (!theirs.has(their)) {
      throw new UsageError(
        `names: there is no tensor '${their}'; similar names: ${similarNames(their, [...theirs.keys()]).join(', ')}`,
      );
    }
    if (stated.has(our)) throw new UsageError(`names: '${stated.get(our)}' and '${their}' are both called '${our}'`);
    stated.set(our, their);
  }
  return stated;
}

/** Operations that TensorFlow puts at the end of a layer's name. */
const OPERATION =
  /\/(Conv2D|Conv2d|depthwise|separable_conv2d(\/depthwise)?|BiasAdd|MatMul|FusedBatchNorm(V\d)?|batchnorm\/(add_1|mul_1)|Relu6?|AvgPool|Mean|Softmax|Squeeze|Reshape(_\d+)?|add(_\d+)?|Pad)$/;

/** A function that finds our name for one of theirs. */
function finder(ours: readonly string[]): (their: string) => string | undefined {
  const bySpelling = new Map(ours.map((name) => [spelling(name), name]));
  const byRole = rolesOf(ours);
  const position = new Map(ours.map((name, index) => [name, index]));
  const known = (name: string): string | undefined => byRole(name) ?? bySpelling.get(spelling(name));
  return (their) => {
    // TFLite names a fused operation after all that went into it, the last one first or last: the latest layer is its result.
    const candidates = their.split(';').flatMap((part) => known(part) ?? firstOf(partsOf(part), known) ?? []);
    return candidates.sort((a, b) => position.get(b)! - position.get(a)!)[0];
  };
}

/** No name of ours is longer than this many characters: `text` of `checks.ts`. */
const LONGEST_NAME = 1000;

/**
 * The name without its prefixes, longest first; then the same without the operation at its end. Of a very long name only the last parts are
 * looked at.
 */
function partsOf(name: string): string[] {
  const bare = name.slice(-2 * LONGEST_NAME).replace(/:\d+$/, '');
  const stems = [bare, bare.replace(OPERATION, '')];
  return stems.flatMap((stem) => {
    const path = stem.split('/');
    return path.map((_, from) => path.slice(from).join('/'));
  });
}

function firstOf<Item, Found>(items: readonly Item[], find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Case and the marks between words are spelt differently everywhere. */
const spelling = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');

/** By place in the architecture: the table that knows most of our names says where each is. */
function rolesOf(ours: readonly string[]): (name: string) => string | undefined {
  const count = (table: ReadonlyMap<string, string>): number => ours.filter((name) => table.has(name)).length;
  const families = roleTables().map((tables) => {
    const own = tables.reduce((best, table) => (count(table) > count(best) ? table : best));
    return { tables, own, known: count(own) };
  });
  const { tables, own, known } = families.reduce((best, family) => (family.known > best.known ? family : best));
  if (known < ours.length / 2) return () => undefined;
  const byRole = new Map(ours.flatMap((name) => (own.has(name) ? [[own.get(name)!, name] as const] : [])));
  return (name) =>
    firstOf(tables, (table) => {
      const role = table.get(name);
      return role === undefined ? undefined : byRole.get(role);
    });
}
