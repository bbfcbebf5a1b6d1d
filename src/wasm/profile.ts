/** How long each operation of a program takes. Apart from the program, since a page that runs networks need not carry it. */

/** Milliseconds of each of `count` operations; `run` tells after every call which operation it served. */
export function timeOperations(count: number, run: (onCall: (operation: number) => void) => void): number[] {
  const times = new Array<number>(count).fill(0);
  let before = performance.now();
  run((operation) => {
    const now = performance.now();
    times[operation] += now - before;
    before = now;
  });
  return times;
}
