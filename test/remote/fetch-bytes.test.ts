/** A server that hardly sends anything does not hold a caller for ever. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { responseBytes } from '../../src/remote/fetch-bytes.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Sends so many bytes each second, `seconds` times. */
function slowly(bytes: number, seconds: number): Response {
  let left = seconds;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (left-- === 0) return controller.close();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      controller.enqueue(new Uint8Array(bytes));
    },
  });
  return new Response(body);
}

test('a byte a second ends after a minute', async () => {
  const refused = expect(responseBytes(slowly(1, 1e6), {}, 'x.bin')).rejects.toThrow(
    /^x\.bin: the connection broke after (59|60) bytes \(fewer than 60000 bytes came in a minute\)$/,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  await refused;
  expect(vi.getTimerCount()).toBeLessThan(2); // the stream's own, perhaps, and no pace
});

test('nothing at all ends after a minute too', async () => {
  const silent = new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
  const refused = expect(responseBytes(silent, {}, 'x.bin')).rejects.toThrow('after 0 bytes (fewer than 60000 bytes');
  await vi.advanceTimersByTimeAsync(60_000);
  await refused;
});

test('two kilobytes a second for five minutes are slow, and arrive', async () => {
  const answered = responseBytes(slowly(2000, 300), {}, 'x.bin');
  await vi.advanceTimersByTimeAsync(301_000);
  expect((await answered).length).toBe(600_000);
  expect(vi.getTimerCount()).toBe(0);
});
