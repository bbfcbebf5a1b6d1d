/**
 * Other sizes for the same integers in the same order: reshape, flatten, and dropout, which does nothing in inference. They may be int32, as
 * indices are.
 */
import { dropout as floatDropout } from '../dropout.js';
import { expectOne } from '../expect.js';
import { flatten as floatFlatten } from '../flatten.js';
import type { AttributesAlone, Layer } from '../layer.js';
import { reshape as floatReshape } from '../reshape.js';
import { expectOneScale, expectSameScale, type IntegerForward } from './layer.js';

function copy<Attributes>({ kind, outputShape }: Layer<Attributes, object>): IntegerForward<Attributes> {
  return (inputs, _, attributes, result) => {
    const x = expectOneScale(kind, expectOne(kind, inputs));
    expectSameScale(kind, x.type, result);
    const shape = outputShape([x.shape], ...([attributes] as unknown as AttributesAlone<Attributes>));
    return { shape, data: x.data.slice(), type: result };
  };
}

export const forward = /* @__PURE__ */ copy(floatReshape);
export const flatten = /* @__PURE__ */ copy(floatFlatten);
export const dropout = /* @__PURE__ */ copy(floatDropout);
