import type { Layer } from '../../src/layers/layer.js';

/** Those attributes of a layer that are among what is known of a problem. */
export function attributesOf<Attributes>(
  { attributes }: Pick<Layer<Attributes, never>, 'attributes'>,
  known: Attributes & object,
): Attributes {
  return Object.fromEntries(Object.entries(known).filter(([name]) => name in attributes)) as Attributes;
}
