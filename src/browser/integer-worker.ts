/** The same with the kernels of quantised networks. Only pages that load one into a worker fetch it. */
import { integerEngine } from '../load/integers.js';
import { serve } from './worker-thread.js';

serve(integerEngine);
