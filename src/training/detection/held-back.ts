/** The pictures that are held back, and how well the heads find the objects in them. */
import { type Detection, detections } from '../../detection/detections.js';
import { compile } from '../../engine/index.js';
import { type BoxedDetection, type BoxedTruth, evaluateCoco, evaluateVoc } from '../../evaluation/index.js';
import type { Seen } from '../../image/way-back.js';
import { prepare } from '../../image/with-kernels.js';
import { inferShapes, type Network } from '../../network/index.js';
import { type Tensor, tensor } from '../../tensor.js';
import { otherTasks } from '../transfer/other-tasks.js';
import { type BaseMaps, wholePicture } from './base-maps.js';
import type { BoxedExample, BoxedObject } from './boxed-examples.js';
import type { NewDetector } from './new-detector.js';

/** A held-back picture as the heads see it. */
export interface HeldBack {
  readonly maps: readonly Float32Array[];
  readonly seen: Seen;
}

export async function heldBackOf(
  { front }: NewDetector,
  examples: readonly BoxedExample[],
  maps: BaseMaps,
): Promise<HeldBack[]> {
  const preprocessing = wholePicture(front);
  const tests: HeldBack[] = [];
  for (const [index, { picture: open }] of examples.entries()) {
    if (maps.signal?.aborted) break;
    const picture = await open();
    const seen = { picture: { width: picture.width, height: picture.height }, preprocessing };
    tests.push({ maps: await maps.of(prepare(picture, preprocessing)), seen });
    maps.onPicture(index + 1);
    await otherTasks();
  }
  return tests;
}

/** What the heads find in the held-back pictures, by both data sets' rules. */
export async function evaluated(
  tail: Network,
  front: Network,
  tests: readonly HeldBack[],
  examples: readonly BoxedExample[],
  labels: readonly string[],
): Promise<{ ap: number | null; ap50: number | null; byLabel: Map<string, number> }> {
  if (tests.length === 0) return { ap: null, ap50: null, byLabel: new Map() };
  const shapes = inferShapes(front);
  const plan = await compile(tail, { reproducible: true });
  const found: BoxedDetection[] = [];
  tests.forEach(({ maps, seen }, image) => {
    const inputs = new Map(front.outputs.map((name, index) => [name, tensor(shapes.get(name)!, maps[index])]));
    for (const { classIndex, box, score } of detectionsOf(tail, plan.run(inputs), seen)) {
      found.push({ image, category: classIndex, box, score });
    }
  });
  plan.dispose();
  const truths = examples.flatMap(({ objects }, image) => truthsOf(objects, image, labels));
  const { everyPoint, byCategory } = evaluateVoc(truths, found);
  const { numbers } = evaluateCoco([...tests.keys()], truths, found);
  const known = (ap: number) => (Number.isNaN(ap) ? null : ap);
  return {
    ap: known(numbers.AP),
    ap50: known(everyPoint),
    byLabel: new Map([...byCategory].map(([category, ap]) => [labels[category], ap.everyPoint])),
  };
}

const detectionsOf = (tail: Network, outputs: ReadonlyMap<string, Tensor>, seen: Seen): Detection[] =>
  detections(tail, outputs, seen, { scoreThreshold: 0.01 });

function truthsOf(objects: readonly BoxedObject[], image: number, labels: readonly string[]): BoxedTruth[] {
  return objects.flatMap(({ label, box, difficult }) => {
    const category = labels.indexOf(label);
    if (category < 0) return [];
    return [{ image, category, box, area: box.width * box.height, ...(difficult && { difficult }) }];
  });
}
