/** Sliding windows of the problems: sizes, strides, dilation and explicit padding in which at least one window fits. */
import fc from 'fast-check';

export interface Windows {
  readonly size: readonly [height: number, width: number];
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [y: number, x: number];
  readonly dilation: readonly [y: number, x: number];
  /** Top, bottom, left, right. */
  readonly padding: readonly [number, number, number, number];
}

const small = (max: number) => fc.integer({ min: 1, max });
const pair = (max: number) => fc.tuple(small(max), small(max));

const spans = ({ kernel, dilation }: Windows) => kernel.map((taps, axis) => (taps - 1) * dilation[axis] + 1);

/** Half of them 3×3, 5×5 or the like with the strides and dilations of MobileNets. */
export const anyWindows: fc.Arbitrary<Windows> = fc
  .record({
    size: pair(14),
    kernel: fc.oneof(fc.constantFrom<[number, number][]>([3, 3], [3, 3], [5, 5], [1, 1], [3, 5]), pair(6)),
    strides: fc.oneof(fc.constantFrom<[number, number][]>([1, 1], [2, 2]), pair(3)),
    dilation: fc.oneof(fc.constantFrom<[number, number][]>([1, 1], [1, 1], [2, 2]), pair(4)),
    padding: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)),
  })
  .filter((windows) => positions(windows).every((at) => at.length > 0));

/** Rows, and columns, of the padded picture where windows begin: as many as fit. */
export function positions(windows: Windows): [rows: number[], columns: number[]] {
  const { size, strides, padding } = windows;
  const [spanY, spanX] = spans(windows);
  const axis = (padded: number, span: number, stride: number) => {
    const at: number[] = [];
    for (let begin = 0; begin + span <= padded; begin += stride) at.push(begin);
    return at;
  };
  return [
    axis(padding[0] + size[0] + padding[1], spanY, strides[0]),
    axis(padding[2] + size[1] + padding[3], spanX, strides[1]),
  ];
}

/** What the window that begins at (row, column) of the padded picture sees: calls back with tap and picture position, inside or not. */
export function eachTap(
  { kernel, dilation, padding, size }: Windows,
  row: number,
  column: number,
  see: (i: number, j: number, y: number, x: number, inside: boolean) => void,
): void {
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const y = row + i * dilation[0] - padding[0];
      const x = column + j * dilation[1] - padding[2];
      see(i, j, y, x, y >= 0 && y < size[0] && x >= 0 && x < size[1]);
    }
  }
}
