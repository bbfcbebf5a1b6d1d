/**
 * What runs in a worker that `createWorker` starts: engine, picture preparation and tasks. It reads no model files: the page does that and sends the
 * network. Questions come one at a time; see worker-messages.ts.
 */
import { detections } from '../detection/detections.js';
import { UsageError } from '../errors.js';
import { tagOf } from '../found.js';
import { bitmapOf } from '../image/canvas.js';
import type { Pictures } from '../load/inputs.js';
import { fromTasks } from '../load/later-tasks.js';
import { LoadedModel } from '../load/loaded-model.js';
import type { IntegerEngine } from '../load/model.js';
import { rememberIntegers } from '../network/integers-of.js';
import type { Network } from '../network/network.js';
import { type Segmentation, segmentation } from '../segmentation/segmentation.js';
import type { Tensor } from '../tensor.js';
import {
  type Answer,
  buffersOf,
  type Cancellation,
  type NetworkAgain,
  PROTOCOL,
  type Question,
  type Ready,
  receivedError,
  sentError,
  type WorkerMethods,
} from './worker-messages.js';

/** The part of a worker's global object that is used here. */
interface Scope {
  postMessage(message: Ready | Answer, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Question | Cancellation>) => void): void;
}
const scope = globalThis as unknown as Scope;

const models = new Map<number, LoadedModel>();
const task = fromTasks({ detections, segmentation });
/** The question in work. */
let current: { readonly id: number; readonly cancelled: AbortController } | undefined;

const methods = (integers: IntegerEngine | undefined): WorkerMethods => ({
  async hold(lock) {
    await new Promise<void>((held, refused) => {
      const forEver = () => {
        held();
        return new Promise(() => {});
      };
      navigator.locks.request(lock, forEver).catch(refused);
    });
  },

  async load(id, network, options, again, quantized) {
    if (quantized) rememberIntegers(network, quantized);
    const loaded = { network, task, ...(again && { again: () => askAgain(again) }) };
    const model = await LoadedModel.create(loaded, pictures, { ...options, ...(integers && { integers }) });
    models.set(id, model);
    return model.report();
  },

  async run(id, task, input, ...rest) {
    const model = models.get(id);
    if (model === undefined) throw new UsageError(`${task}: the model was disposed; load it again`);
    const options = { ...(rest.pop() as object), signal: current?.cancelled.signal };
    try {
      return await (model[task] as (...args: unknown[]) => Promise<unknown>)(input, ...rest, options);
    } finally {
      for (const one of Array.isArray(input) ? input : [input]) one.close?.(); // bitmaps and frames sent here are ours
    }
  },

  async dispose(id) {
    models.get(id)?.dispose();
    models.delete(id);
  },
});

/** Files of pictures are decoded here, so that they do not hold up the page, which fetches them. */
const pictures: Pictures = {
  decode: (file) =>
    bitmapOf(tagOf(file) === 'Uint8Array' ? new Blob([file as Uint8Array<ArrayBuffer>]) : (file as Blob)),
  read: (name) => Promise.reject(new UsageError(`worker: was sent the address ${name} in place of its file`)),
};

/** The page reads the network once more. */
async function askAgain(port: MessagePort): Promise<Network> {
  const answer = await new Promise<NetworkAgain>((resolve) => {
    port.onmessage = ({ data }) => resolve(data);
    port.postMessage('again');
  });
  if ('error' in answer) throw receivedError(answer.error);
  return answer.network;
}

async function answer(methods: WorkerMethods, { id, method, args }: Question): Promise<void> {
  current = { id, cancelled: new AbortController() };
  try {
    const value = await (methods[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
    scope.postMessage({ id, value }, memoryIn(value));
  } catch (error) {
    scope.postMessage({ id, error: sentError(error) });
  } finally {
    current = undefined;
  }
}

/** The memory of a result's tensors and label maps, which the worker needs no more. */
function memoryIn(value: unknown): ArrayBuffer[] {
  if (value instanceof Map) return buffersOf(value.values() as Iterable<Tensor>);
  const isLarge = (one: object | null) =>
    typeof one === 'object' && one !== null && ('shape' in one || 'labels' in one);
  const large = ([value].flat() as (Tensor | Segmentation)[]).filter(isLarge);
  const arrays = large.flatMap((one) =>
    'labels' in one ? [one.labels, one.confidence, one.scores?.data] : [one.data],
  );
  return buffersOf(arrays.flatMap((data) => (data ? [{ data }] : [])));
}

/** Begins to answer; without `integers`, quantised networks are refused. */
export function serve(integers?: IntegerEngine): void {
  const all = methods(integers);
  scope.addEventListener('message', ({ data }) => {
    if (!('cancel' in data)) void answer(all, data);
    else if (current?.id === data.cancel) current.cancelled.abort();
  });
  scope.postMessage({ depthwiseWorker: PROTOCOL, integers: integers !== undefined });
}
