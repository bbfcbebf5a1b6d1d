import { layers } from '../../src/layers/index.js';

/** The values of every entry of the package, sorted by name. */
export const surface: Readonly<Record<string, string>> = {
  '.': `
    DepthwiseError classify clearCache embed isCached load mobilenet mobilenetV1 mobilenetV2 prepare
    randomWeights readNetwork run summarize tensor trace withWeights writeNetwork zeros`,
  './load': 'clearCache isCached load',
  './safetensors': 'load safetensors',
  './formats/tflite': 'tflite',
  './formats/keras': 'keras',
  './formats/keras-zip': 'kerasZip',
  './formats/onnx': 'onnx',
  './formats/tfjs': 'tfjs',
  './formats/npz': 'npz',
  './formats/quantized': 'quantizedNpz quantizedSafetensors',
  // And every kind of layer, each of which is one line of src/layers/kinds.ts.
  './layers': `backward cost costs layers training ${Object.keys(layers).join(' ')}`,
  './models': 'deeplabV3 mobilenet mobilenetV1 mobilenetV2 ssd',
  './network': `
    NetworkBuilder asRealNumbers atResolution foldBatchNorm fromJson inferShapes preprocessingPreset
    randomWeights run runQuantized setBudget summarize toJson trace withOutputs withWeights`,
  './formats': `
    readNetwork readQuantizedNetwork readTensors writeNetwork writeTensors writeTfjs`,
  './engine': 'capabilities compile profile',
  './engine/integers': 'compileQuantized integerEngine',
  './engine/javascript': 'javascriptKernels',
  './image': 'crop mirror prepare readPicture resize turn',
  './image/browser': `
    crop fromBlob fromElement fromImageData grab mirror prepare prepareElement resize turn`,
  './browser': `
    createWorker crop devices fromBlob fromElement fromImageData grab mirror prepare prepareElement
    resize turn watch webcam`,
  './quantization': 'calibrate correctBiases quantizationReport quantizeNetwork',
  './tasks': 'classify embed logits parseLabels predictions probabilities withLabels',
  './detection': 'detect detections drawDetections',
  './segmentation': 'cutOut overlay segment segmentation',
  './pretrained': 'loadPretrained releases',
  './oracle': `
    check explain layerSuite makeGolden mobilenetSuite readGolden reduce writeGolden`,
  './training': `
    datasetOf evaluate nearestNeighbours readCheckpoint readData readPictureFolder
    train trainClassifier trainHead withHead writeCheckpoint`,
  './tfjs-models': 'mobilenet',
};
