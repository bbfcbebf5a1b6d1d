/** Every door of the package is a module of the pages; `npm run docs:api` writes them to build/api. */
import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** Of doors with a file for Node, that one: it has all that the other has. */
function fileOf(target) {
  return typeof target === 'string' ? target : fileOf(target.node ?? target.default);
}

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'depthwise',
  entryPoints: Object.values(exports)
    .map(fileOf)
    .filter((file) => file.endsWith('.js') && !file.endsWith('worker.js'))
    .map((file) => `../../${file.replace('./dist/', 'src/').replace(/\.js$/, '.ts')}`),
  tsconfig: '../../tsconfig.build.json',
  basePath: '../../src',
  readme: 'none',
  out: '../../build/api',
  excludePrivate: true,
  disableGit: true,
  sourceLinkTemplate: 'https://github.com/depthwise/depthwise/blob/main/{path}#L{line}',
  gitRevision: 'main',
  // Shapes and tables behind a public type, which the pages write out where it is.
  intentionallyNotExported: [
    'src/browser/worker-start.ts:StartOptions',
    'src/browser/worker-start.ts:Started',
    'src/engine/wasm-bytes.ts:WasmTarget',
    'src/image/prepare.ts:Target',
    'src/image/resample.ts:Nearest',
    'src/image/resample.ts:Numbers',
    'src/formats/onnx/translate.ts:Placed',
    'src/formats/read.ts:networkFormats',
    'src/formats/reader.ts:Companions',
    'src/formats/tflite/translate.ts:PlacedTensor',
    'src/image/decode.ts:Format',
    'src/image/sources.ts:FrameLike',
    'src/image/sources.ts:ImageLike',
    'src/image/sources.ts:Sized',
    'src/image/sources.ts:SvgImageLike',
    'src/image/sources.ts:VideoLike',
    'src/layers/resizeBilinear.ts:positions',
    'src/load/cache.ts:ClearCache',
    'src/load/cache.ts:IsCached',
    'src/load/load.ts:Load',
    'src/models/mobilenet-v1.ts:Row',
    'src/models/mobilenet-v2.ts:Row',
    'src/network/network.ts:LayerNode',
    'src/oracle/estimate.ts:Sum',
    'src/oracle/precision.ts:precisions',
    'src/padding.ts:ExplicitPadding',
    'src/padding.ts:Padding',
    'src/padding.ts:Pair',
    'src/tfjs-models/inferred-tensor.ts:Rows',
    'src/training/program.ts:TrainingOperationReport',
    'src/training/program.ts:TrainingProgram',
    'src/training/wasm/lowering.ts:Pass',
    'src/web-types.ts:WebAbortSignal',
    'src/web-types.ts:WebBlob',
    'src/web-types.ts:WebRequest',
    'src/web-types.ts:WebResponse',
    'src/web-types.ts:WebUrl',
  ],
  treatWarningsAsErrors: true,
};
