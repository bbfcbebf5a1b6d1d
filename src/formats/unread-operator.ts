/** The way out of an operator that is not read. `names` are those of the tensors that it reads. */
export const earlierOutputs = (names: readonly string[]): string =>
  `to read the network without it, name earlier outputs, such as ${names.map((name) => `'${name}'`).join(', ')}`;
