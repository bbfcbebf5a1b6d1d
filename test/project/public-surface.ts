import { layers } from '../../src/layers/index.js';

/** The values of every entry of the package, sorted by name. */
export const surface: Readonly<Record<string, string>> = {
  '.': `
    CameraError DepthwiseError DifferenceError DownloadError FormatError NetworkError PictureError ShapeError
    TrainingError UndecidedError UsageError WorkerError classify clearCache embed isCached load mobilenet
    mobilenetV1 mobilenetV2 prepare randomWeights readNetwork run summarize tensor trace withWeights
    writeNetwork zeros`,
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
  './models': `
    MOBILENET_V1_TABLE MOBILENET_V2_TABLE deeplabV3 mobilenet mobilenetV1 mobilenetV2 parseModelName
    roundChannels ssd`,
  './network': `
    NetworkBuilder asRealNumbers atResolution costOf foldBatchNorm fromJson inferShapes inferTypes preprocessingPreset
    presetNames randomWeights receptiveFields run runQuantized setBudget summarize toJson trace traceQuantized upTo
    wantedWeights weightName withOutputs withWeights`,
  './formats': `
    readNetwork readNpy readNpz readQuantizedNetwork readSafetensors readTensors tfjsFiles writeNetwork writeNpy writeNpz
    writeSafetensors writeTfjs`,
  './engine': 'TARGETS capabilities compile planMemory profile',
  './engine/integers': 'compileQuantized integerEngine',
  './engine/javascript': 'javascriptKernels',
  './image':
    'crop decodePicture mirror pictureFormat prepare preprocess readPicture resize resizeRules toGrey toRgb turn',
  './image/browser': `
    crop fromBlob fromElement fromImageData grab mirror prepare prepareElement preprocess resize resizeRules
    toGrey toRgb turn`,
  './browser': `
    createWorker crop devices fromBlob fromElement fromImageData grab mirror prepare prepareElement preprocess
    resize resizeRules toGrey toRgb turn watch webcam`,
  './quantization': 'calibrate quantizationReport quantizeNetwork',
  './tasks': 'classify embed logits mirrored parseLabels predictions probabilities withIntegers withLabels',
  './detection': `
    TENSORFLOW_SUPPRESSION anchors decodeBoxes detect detections drawDetections ssdAnchors suppress`,
  './segmentation': 'CITYSCAPES cutOut labelMap overlay segment segmentation vocColour',
  './pretrained': 'findRelease loadPretrained releases',
  './oracle': `
    check explain layerSuite makeGolden mobilenetSuite precisionOf readGolden readQuantizedGolden reduce
    writeGolden`,
  './training': `
    createOptimizer createProgram crossEntropy datasetOf drawnDigits evaluate limited nearestNeighbours
    packParameters parameterLayout readCheckpoint readCifar10 readData readMnist readPictureFolder recipeWith
    profileStep reportHtml train trainClassifier trainHead trainingNetwork unfolded widened withHead withTeachers
    withoutSoftmax writeCheckpoint`,
  './tfjs-models': 'mobilenet',
};
