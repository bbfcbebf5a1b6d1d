/** Apart from `later-tasks.ts`, so that a file without `import()` can be made of that: bundlers follow every one that they see, used or not. */
import type { LaterTasks, TaskLoader } from './later-tasks.js';
import type { Platform } from './platform.js';

/** By `import()`. */
export const importTask: TaskLoader = async (name) => {
  const module: Partial<LaterTasks> =
    name === 'detections'
      ? await import('../detection/detections.js')
      : await import('../segmentation/segmentation.js');
  return module[name] as LaterTasks[typeof name];
};

/** By `import()`. */
export const importAsStated: Platform['asStated'] = async (...given) => {
  const { asStated } = await import('../formats/architecture.js');
  return asStated(...given);
};
