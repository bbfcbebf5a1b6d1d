/** The part of the benchmark that runs in the page; main.ts calls it. */
import { film, nextFrame, stop } from './camera.js';
import type { Contestant, Loaded } from './contestants/contestant.js';
import { inWorker, onMainThread } from './contestants/depthwise.js';
import { mediapipe } from './contestants/mediapipe.js';
import { tfjsByHand, tfjsMobilenet } from './contestants/tfjs.js';
import type { Row } from './models.js';
import { placesASecond } from './places-page.js';
import { type StageTimes, stagesOf } from './stages.js';

const OWN = onMainThread('tfjs');
/** The rules of slim's, Keras' and timm's networks read every pixel; TensorFlow.js reads four for one. */
const OTHERS: readonly Contestant[] = [
  onMainThread('slim'),
  onMainThread('keras'),
  onMainThread('timm'),
  inWorker('tfjs'),
  tfjsMobilenet,
  tfjsByHand,
  mediapipe,
];

export interface ContestantTimes {
  readonly name: string;
  /** Milliseconds from a frame to its answer, a number for each frame. */
  readonly frames: readonly number[];
  /** Our own time, of the frame next to it, over this contestant's. */
  readonly ratios: readonly number[];
  /** Part of the frames for which both named the same class. */
  readonly same: number;
}

export interface RowResult {
  readonly own: readonly number[];
  readonly others: readonly ContestantTimes[];
  readonly problems: Readonly<Record<string, string>>;
  readonly stages: StageTimes;
}

export interface PageOptions {
  readonly row: Row;
  readonly width: number;
  readonly height: number;
  readonly rounds: number;
}

async function measure({ row, rounds, ...size }: PageOptions): Promise<RowResult> {
  const video = await film(size);
  const own = await OWN.load(row);
  const problems: Record<string, string> = {};
  const entered: { name: string; loaded: Loaded }[] = [];
  for (const contestant of OTHERS) {
    try {
      entered.push({ name: contestant.name, loaded: await contestant.load(row) });
    } catch (error) {
      problems[contestant.name] = String(error);
    }
  }
  for (const { loaded } of [{ loaded: own }, ...entered]) for (let i = 0; i < 10; i++) await loaded.answer(video);

  const ownTimes: number[] = [];
  const times = new Map(entered.map(({ name }) => [name, { frames: [] as number[], ratios: [] as number[], same: 0 }]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, loaded } of entered) {
      const pair = await onOneFrame(video, own, loaded, round % 2 === 0);
      const found = times.get(name)!;
      ownTimes.push(pair.own.ms);
      found.frames.push(pair.other.ms);
      found.ratios.push(pair.own.ms / pair.other.ms);
      if (pair.own.answer === pair.other.answer) found.same += 1 / rounds;
    }
  }
  const stages = await stagesOf(row, video, rounds);
  for (const { loaded } of entered) loaded.dispose();
  own.dispose();
  stop(video);
  return { own: ownTimes, others: [...times].map(([name, found]) => ({ name, ...found })), problems, stages };
}

interface Timed {
  readonly ms: number;
  readonly answer: number;
}

/** Both about the same frame, one after the other. */
async function onOneFrame(video: HTMLVideoElement, own: Loaded, other: Loaded, ownFirst: boolean) {
  await nextFrame(video);
  const before = ownFirst ? await timed(own, video) : undefined;
  const found = await timed(other, video);
  return { own: before ?? (await timed(own, video)), other: found };
}

async function timed(loaded: Loaded, video: HTMLVideoElement): Promise<Timed> {
  const began = performance.now();
  const answer = await loaded.answer(video);
  return { ms: performance.now() - began, answer };
}

/** Frames answered in a second when each answer begins with the newest frame. */
async function framesASecond({ row, width, height, seconds }: PageOptions & { seconds: number }): Promise<number> {
  const video = await film({ width, height });
  const own = await OWN.load(row);
  for (let i = 0; i < 5; i++) await own.answer(video);
  let count = 0;
  const began = performance.now();
  while (performance.now() - began < 1000 * seconds) {
    await nextFrame(video);
    await own.answer(video);
    count++;
  }
  const rate = count / ((performance.now() - began) / 1000);
  own.dispose();
  stop(video);
  return rate;
}

Object.assign(globalThis, { measure, framesASecond, placesASecond });
