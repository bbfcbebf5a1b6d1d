/** Tasks that few pages have: their code is loaded when a model is first asked, or given where `import()` is not possible. */
import type { detections } from '../detection/detections.js';
import { UsageError } from '../errors.js';
import type { segmentation } from '../segmentation/segmentation.js';

/** From a network's outputs to answers. */
export interface LaterTasks {
  readonly detections: typeof detections;
  readonly segmentation: typeof segmentation;
}

export type TaskLoader = <Name extends keyof LaterTasks>(name: Name) => Promise<LaterTasks[Name]> | LaterTasks[Name];

/** Of those that the caller brings along. */
export const fromTasks =
  (tasks: Partial<LaterTasks>): TaskLoader =>
  (name) => {
    const task = tasks[name];
    if (task !== undefined) return task as LaterTasks[typeof name];
    const [call, door] = name === 'detections' ? ['detect', 'detection'] : ['segment', 'segmentation'];
    throw new UsageError(
      `${call}: its code was not given: import { ${name} } from 'depthwise/${door}', and load(…, { tasks: { ${name} } })`,
    );
  };
