/** The script of a worker that `createWorker` starts, built into one file without imports. */
import { serve } from './worker-thread.js';

serve();
