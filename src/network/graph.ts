/**
 * The only reader of each tensor, by the tensor's name: undefined for one that is read twice, by one node or by two, or that is an output,
 * which must exist as it is. Takes one pass, however many read a tensor. `inputsOf` is for readers that are no nodes.
 */
export function soleReaders<Reader extends { readonly inputs: readonly string[] }>(
  readers: readonly Reader[],
  outputs: readonly string[],
  inputsOf = ({ inputs }: Reader): readonly string[] => inputs,
): ReadonlyMap<string, Reader | undefined> {
  const sole = new Map<string, Reader | undefined>();
  for (const reader of readers) {
    for (const input of inputsOf(reader)) sole.set(input, sole.has(input) ? undefined : reader);
  }
  for (const output of outputs) sole.set(output, undefined);
  return sole;
}
