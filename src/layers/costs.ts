/**
 * The papers' closed expressions for multiply-adds, in the papers' letters, to be read and to check the layers' own `cost` against.
 *
 *   D_K  side of the square kernel          M, N  input and output channels
 *   D_F  side of the square feature map     α, ρ  width and resolution multipliers
 *
 * Both papers take one picture, and stride 1 with padding, so that the map keeps its size. With a stride, D_F of the V1 expressions
 * is the side of the output; the V2 expression holds for stride 1 only, since its expansion runs at the input's size.
 */

/** Standard convolution: D_K · D_K · M · N · D_F · D_F (eq. 2 of arXiv:1704.04861). */
export const standardCost = (DK: number, M: number, N: number, DF: number): number => DK * DK * M * N * DF * DF;

/** Depthwise convolution: D_K · D_K · M · D_F · D_F (eq. 4 of arXiv:1704.04861). */
export const depthwiseCost = (DK: number, M: number, DF: number): number => DK * DK * M * DF * DF;

/** Pointwise convolution: M · N · D_F · D_F (second term of eq. 5 of arXiv:1704.04861). */
export const pointwiseCost = (M: number, N: number, DF: number): number => M * N * DF * DF;

/** Depthwise separable convolution: D_K · D_K · M · D_F · D_F + M · N · D_F · D_F (eq. 5 of arXiv:1704.04861). */
export const separableCost = (DK: number, M: number, N: number, DF: number): number =>
  depthwiseCost(DK, M, DF) + pointwiseCost(M, N, DF);

/** What a separable convolution costs of a standard one: 1/N + 1/D_K² (§3.1 of arXiv:1704.04861); 8 to 9 times less for 3 × 3. */
export const separableRatio = (DK: number, N: number): number => 1 / N + 1 / (DK * DK);

/**
 * The same with both multipliers: D_K · D_K · αM · ρD_F · ρD_F + αM · αN · ρD_F · ρD_F (eqs. 6 and 7 of arXiv:1704.04861). A network
 * rounds αM, αN and ρD_F to whole numbers; the expression does not.
 */
export const scaledSeparableCost = (DK: number, M: number, N: number, DF: number, alpha: number, rho: number): number =>
  separableCost(DK, alpha * M, alpha * N, rho * DF);

/**
 * Inverted residual block: h · w · d′ · t(d′ + k² + d″) (§3.3 of arXiv:1801.04381), for an h × w map with d′ input and d″ output
 * channels, expansion factor t and a k × k kernel. Assumes stride 1, and a 1 × 1 expansion even where t = 1, which the network leaves out.
 */
export const invertedResidualCost = (h: number, w: number, d1: number, d2: number, t: number, k: number): number =>
  h * w * d1 * t * (d1 + k * k + d2);
