/** What `import kernels from 'depthwise/engine/simd.wasm'` gives where `.wasm` files are imported as modules: Cloudflare's hosts. */
import type { WasmModule } from '../wasm/web-assembly.js';

declare const kernels: WasmModule;
export default kernels;
