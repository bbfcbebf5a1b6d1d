/** Tensors under a wrong name: a fused backend may call conv1 what is conv1 with its batch norm and ReLU6. */
import type { Tensor } from '../tensor.js';
import { sameShape } from '../tensor.js';
import { difference } from './difference.js';
import type { Golden } from './golden.js';

/** Another layer whose output this tensor is, to within the bundle's bounds; none where those allow nearly everything. */
export function lookalike({ outputs, bounds }: Golden, name: string, theirs: Tensor): string | undefined {
  for (const [other, reference] of outputs) {
    if (other === name || !sameShape(reference.shape, theirs.shape)) continue;
    const { verdict, loose } = difference(theirs, reference, bounds.get(other)!);
    if (verdict !== 'beyond' && !loose) return other;
  }
  return undefined;
}
