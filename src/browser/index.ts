/** For pages: models in workers, cameras, and the pictures that a page has. Needs nothing but the platform. */
export * from '../image/browser.js';
export { type CreateWorkerOptions, createWorker, type ModelWorker } from './create-worker.js';
export { type WatchedFrame, type WatchOptions, watch } from './watch.js';
export { type CameraDevice, type CameraFrame, devices, type Webcam, type WebcamOptions, webcam } from './webcam.js';
export type { TransferOptions, WorkerModel, WorkerReport } from './worker-model.js';
