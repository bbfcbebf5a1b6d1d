/** Mistakes in the order and the scale of what a layer yields. */
import { inferShapes } from '../../network/index.js';
import { inputShapesOf } from '../../network/shapes.js';
import { sizeOf, type Tensor } from '../../tensor.js';
import { mapTensor } from '../estimate.js';
import type { Segment } from '../segment.js';
import type { Mistake } from './mistake.js';
import { permuted, readAs } from './permuted.js';

/** The right numbers in another order, or of another size. */
export function* ofOutputs(segment: Segment): Generator<Mistake> {
  const last = segment.network.nodes.at(-1)!;
  const shapes = inferShapes(segment.network);
  const shape = shapes.get(last.name)!;
  const C = shape[shape.length - 1];
  const reordered = (what: string, from: (at: readonly number[]) => readonly number[]): Mistake => ({
    what,
    segment,
    undo: (x) => (sizeOf(x.shape) === sizeOf(shape) ? permuted({ shape, data: x.data }, from) : x),
  });
  if (shape.length === 2 && C > 2) {
    yield reordered('the classes shifted by one: class c at c + 1', ([n, c]) => [n, (c + 1) % C]);
    yield reordered('the classes shifted by one: class c + 1 at c', ([n, c]) => [n, (c + C - 1) % C]);
    yield reordered('the classes in reverse order', ([n, c]) => [n, C - 1 - c]);
    yield {
      what: 'one class more, at the front',
      segment,
      undo: ({ shape: found, data }) =>
        sizeOf(found) === sizeOf(shape) + shape[0]
          ? { shape, data: data.filter((_, i) => i % (C + 1) > 0) }
          : { shape: found, data },
    };
  }
  if (shape.length === 4) {
    const [, H, W] = shape;
    const inOrder = (what: string, order: readonly number[]): Mistake => ({
      what: `the output's numbers in the order ${what}`,
      segment,
      undo: (x) => (sizeOf(x.shape) === sizeOf(shape) ? readAs({ shape, data: x.data }, order) : x),
    });
    if (C > 1 && H * W > 1) yield inOrder('NCHW', [0, 3, 1, 2]);
    if (H > 1 && W > 1) yield inOrder('NWHC', [0, 2, 1, 3]);
    if (C > 1) yield reordered('the channels of the output in reverse order', ([n, y, x, c]) => [n, y, x, C - 1 - c]);
  }
  if (last.kind === 'flatten') {
    const source = inputShapesOf(last, shapes)[0];
    if (source.length === 4) {
      const undo = (x: Tensor): Tensor =>
        sizeOf(x.shape) === sizeOf(shape)
          ? { shape, data: readAs({ shape: source, data: x.data }, [0, 3, 1, 2]).data }
          : x;
      yield { what: 'flattened in the order NCHW', segment, undo };
    }
  }
  for (const factor of [-1, 2, 0.5, 255, 1 / 255]) {
    const what = `multiplied by ${factor === 1 / 255 ? '1/255' : factor}`;
    yield { what, segment, undo: (x) => mapTensor(x, (value) => value / factor) };
  }
}
