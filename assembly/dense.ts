/**
 * Dense layer on one row: a matrix-vector product, 16 outputs at a time.
 *
 *   x        [C]
 *   weights  panels [O' / 16][C][16]   read once, in order: this kernel is bound by memory, not by arithmetic
 *   bias     [O']
 *   out      [O'], O' a multiple of 16
 *
 * Order of sums, in all targets: bias, then inputs 0, 1, 2, …
 */
import { clamp, clampScalar } from './lanes';
import { madd } from './marks';

export function dense(
  x: usize, channels: i32, weights: usize, bias: usize, panels: i32, lo: f32, hi: f32, out: usize,
): void {
  const end = x + (<usize>channels << 2);
  for (let panel = 0; panel < panels; ++panel) {
    if (ASC_FEATURE_SIMD) {
      let c0 = v128.load(bias), c1 = v128.load(bias, 16), c2 = v128.load(bias, 32), c3 = v128.load(bias, 48);
      for (let a = x; a < end; a += 4) {
        const s = v128.load32_splat(a);
        c0 = madd(s, v128.load(weights), c0);
        c1 = madd(s, v128.load(weights, 16), c1);
        c2 = madd(s, v128.load(weights, 32), c2);
        c3 = madd(s, v128.load(weights, 48), c3);
        weights += 64;
      }
      const vlo = f32x4.splat(lo), vhi = f32x4.splat(hi);
      v128.store(out, clamp(c0, vlo, vhi));
      v128.store(out, clamp(c1, vlo, vhi), 16);
      v128.store(out, clamp(c2, vlo, vhi), 32);
      v128.store(out, clamp(c3, vlo, vhi), 48);
    } else {
      for (let o: usize = 0; o < 64; o += 16) {
        let c0 = load<f32>(bias + o), c1 = load<f32>(bias + o, 4);
        let c2 = load<f32>(bias + o, 8), c3 = load<f32>(bias + o, 12);
        for (let a = x, w = weights + o; a != end; a += 4, w += 64) {
          const s = load<f32>(a);
          c0 += s * load<f32>(w);
          c1 += s * load<f32>(w, 4);
          c2 += s * load<f32>(w, 8);
          c3 += s * load<f32>(w, 12);
        }
        store<f32>(out + o, clampScalar(c0, lo, hi));
        store<f32>(out + o, clampScalar(c1, lo, hi), 4);
        store<f32>(out + o, clampScalar(c2, lo, hi), 8);
        store<f32>(out + o, clampScalar(c3, lo, hi), 12);
      }
      weights += <usize>channels << 6;
    }
    bias += 64;
    out += 64;
  }
}
