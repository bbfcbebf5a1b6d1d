/** The formats that the service worker reads, each with its file. */
export const FILES = {
  safetensors: 'small.safetensors',
  npz: 'small.npz',
  tflite: 'small.tflite',
  onnx: 'small.onnx',
  tfjs: 'tfjs/model.json',
} as const;
