/**
 * A picture of where two tensors differ, in units of the bound. A feature map is drawn as it lies, each pixel the worst of its channels
 * and batch; any other tensor as its numbers in rows.
 *
 *   black     equal
 *   blue      up to 2⁻¹⁰ of the bound, brighter towards the bound: rounding
 *   yellow    just beyond it, red from 16 times on: wrong
 */
import { encodePng } from '../image/png.js';
import { sizeOf, type Tensor } from '../tensor.js';

/** RGB bytes in rows from the top. */
export interface MapPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export function differencePixels(units: Tensor): MapPixels {
  const { width, height, worst } = units.shape.length === 4 ? asFeatureMap(units) : asRows(units);
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) data.set(colourOf(worst[pixel] ?? 0), pixel * 3);
  return { width, height, data };
}

/** The same as a PNG file of at least `side` pixels on its longer side, every number a square. */
export async function differencePng(units: Tensor, side = 256): Promise<Uint8Array> {
  const { width, height, data } = differencePixels(units);
  const times = Math.max(1, Math.ceil(side / Math.max(width, height)));
  const enlarged = new Uint8ClampedArray(width * times * height * times * 4).fill(255);
  for (let y = 0; y < height * times; y++) {
    for (let x = 0; x < width * times; x++) {
      const from = (Math.floor(y / times) * width + Math.floor(x / times)) * 3;
      enlarged.set(data.subarray(from, from + 3), (y * width * times + x) * 4);
    }
  }
  return encodePng({ width: width * times, height: height * times, data: enlarged });
}

interface Grid {
  readonly width: number;
  readonly height: number;
  readonly worst: Float64Array;
}

function asFeatureMap({ shape, data }: Tensor): Grid {
  const [, height, width, channels] = shape;
  const worst = new Float64Array(height * width);
  for (const [i, units] of data.entries()) {
    const pixel = Math.floor(i / channels) % (height * width);
    worst[pixel] = Math.max(worst[pixel], units);
  }
  return { width, height, worst };
}

function asRows({ shape, data }: Tensor): Grid {
  const width = Math.ceil(Math.sqrt(sizeOf(shape)));
  return { width, height: Math.ceil(sizeOf(shape) / width), worst: Float64Array.from(data) };
}

function colourOf(units: number): readonly [number, number, number] {
  if (units === 0) return [0, 0, 0];
  const steps = Math.log2(units);
  if (steps <= 0) {
    const share = Math.max(steps + 10, 0) / 10;
    return [0, Math.round(160 * share), Math.round(80 + 175 * share)];
  }
  return [255, Math.round(220 * (1 - Math.min(steps, 4) / 4)), 0];
}
