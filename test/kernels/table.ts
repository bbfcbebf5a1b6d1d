/** What the tables of kernels say, as tests use it. */
import type { KernelDeclaration, KernelSplit } from '../../src/wasm/kernel-table.js';

export type NamedOperands = Readonly<Record<string, number>>;

/** Operands whose 0 is no address. */
const NULLABLE = new Set(['residual', 'b']);

/** A kernel's operands, in order: 'reads offsets?'. */
export const operandsOf = ({ operands }: KernelDeclaration): string[] => operands.flatMap((line) => line.split(', '));

export const operandNames = (declaration: KernelDeclaration): string[] =>
  operandsOf(declaration).map((operand) => operand.split(' ')[1].replace('?', ''));

/** The operands in the order of the call. Throws where one is missing, or is no operand of the kernel. */
export function inOrder(declaration: KernelDeclaration, named: NamedOperands): number[] {
  const names = operandNames(declaration);
  const given = Object.keys(named);
  if ([...given].sort().join() !== [...names].sort().join()) {
    throw new Error(`wanted the operands ${names.join(', ')}, found ${given.join(', ')}`);
  }
  return names.map((name) => named[name]);
}

/** The call as two: the first does about `share` of the work, the second what is left. One where there is nothing to split. */
export function splitCall(
  { along, by = 1, advance }: KernelSplit,
  named: NamedOperands,
  share: number,
): NamedOperands[] {
  const cut = Math.floor((share * named[along]) / by) * by;
  if (cut === 0 || cut >= named[along]) return [named];
  const rest: Record<string, number> = { ...named, [along]: named[along] - cut };
  for (const [name, text] of Object.entries(advance)) {
    const isNone = named[name] === 0 && NULLABLE.has(name);
    if (!isNone) rest[name] += (cut / by) * distance(text, named);
  }
  return [{ ...named, [along]: cut }, rest];
}

function distance(text: string, named: NamedOperands): number {
  const choice = /^(\w+) \? (.+) : (.+)$/.exec(text);
  if (choice) return distance(named[choice[1]] === 0 ? choice[3] : choice[2], named);
  return text.split(' ').reduce((product, factor) => {
    const value = /^-?\d+$/.test(factor) ? Number(factor) : named[factor];
    if (value === undefined) throw new Error(`'${factor}' is no operand`);
    return product * value;
  }, 1);
}
