/** For pages: cameras, models in workers, and the pictures that a page has. Needs nothing but the platform. */
export * from '../image/browser.js';
export { type CameraDevice, type CameraFrame, devices, type Webcam, type WebcamOptions, webcam } from './webcam.js';
