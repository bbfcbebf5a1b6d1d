import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { onNodeOf, startProgress } from '../../src/cli/progress.js';
import { capture } from './command.js';

let stderr: ReturnType<typeof capture>;
const isTerminal = process.stderr.isTTY;

beforeEach(() => {
  vi.useFakeTimers();
  stderr = capture(process.stderr);
});
afterEach(() => {
  vi.useRealTimers();
  stderr.restore();
  process.stderr.isTTY = isTerminal;
});

describe('where stderr is no terminal', () => {
  beforeEach(() => {
    process.stderr.isTTY = false;
  });

  test('a line after the first second, then one every five', async () => {
    const progress = await startProgress('job');
    for (let second = 0; second < 12; second++) {
      progress.at(second / 12, `step ${second}`);
      vi.advanceTimersByTime(1000);
    }
    progress.stop();
    expect(stderr.text()).toBe('job: 8 % step 1\njob: 50 % step 6\njob: 91 % step 11\n');
  });

  test('nothing for a job of under a second', async () => {
    const progress = await startProgress('job');
    for (const part of [0, 0.5, 1]) {
      progress.at(part, 'step');
      vi.advanceTimersByTime(300);
    }
    progress.stop();
    expect(stderr.text()).toBe('');
  });
});

describe('on a terminal', () => {
  beforeEach(() => {
    process.stderr.isTTY = true;
  });

  test('a bar that draws itself at each step, without a timer of its own', async () => {
    const progress = await startProgress('job');
    progress.at(0, 'first');
    expect(stderr.text()).toBe('');
    vi.setSystemTime(Date.now() + 1500);
    progress.at(0.25, 'second');
    expect(stderr.text()).toMatch(/job █+░+ 25 % second/);
    vi.setSystemTime(Date.now() + 1500);
    progress.at(0.5, 'third');
    expect(stderr.text()).toMatch(/job █{15}░{15} 50 % third/);
    progress.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('no bar for a job of under a second', async () => {
    const progress = await startProgress('job');
    progress.at(0.5, 'step');
    progress.stop();
    expect(stderr.text()).toBe('');
  });
});

test('onNodeOf counts the nodes of several runs as one job', () => {
  const at = vi.fn();
  const { onNode } = onNodeOf({ at, note: () => {}, stop: () => {} }, 1, 2);
  onNode?.({ name: 'conv1' } as never, 3, 4);
  onNode?.({ name: 'x'.repeat(50) } as never, 0, 4);
  expect(at.mock.calls).toEqual([
    [0.875, 'conv1'],
    [0.5, `${'x'.repeat(39)}…`],
  ]);
});
