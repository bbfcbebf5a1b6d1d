/** The compiled kernels of assembly/training. */
import { base64Bytes } from '../../wasm/base64.js';
import type { WasmTarget } from '../../wasm/web-assembly.js';
import { TRAINING_KERNELS } from './generated/wasm.js';

export const trainingBytes = (target: WasmTarget): Uint8Array<ArrayBuffer> => base64Bytes(TRAINING_KERNELS[target]);
