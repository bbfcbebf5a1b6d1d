/** Python's round(), with which libraries round channels and place windows, and WebAssembly's nearest: 2.5 → 2, 3.5 → 4. */
export function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 && below % 2 === 0 ? below : Math.round(value);
}
