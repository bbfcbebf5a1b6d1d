/**
 * One script for every place of a browser. As a page's script it solves the problems in the place that the address names after '#', on the
 * page's own thread, in a worker or in a service worker, and leaves the answer in `answer`; as a worker's script it waits to be asked.
 */
import { type Answer, type Question, solve } from './solve.js';

declare global {
  /** What came of it, for the test to read. */
  var answer: Answer | { readonly error: string } | undefined;
}

/** The part of a worker's and a service worker's message event that is used here. */
type Asked = MessageEvent<Question> & { waitUntil?: (done: Promise<void>) => void };

if (typeof document === 'undefined') {
  addEventListener('message', (event) => {
    const { data: question, ports, waitUntil } = event as Asked;
    const done = settled(solve(question)).then((answer) => ports[0].postMessage(answer));
    // A service worker is put to sleep when it seems to have nothing to do.
    waitUntil?.call(event, done);
  });
} else {
  const asked = new URLSearchParams(location.search);
  const seed = asked.get('seed');
  const question = { runs: Number(asked.get('runs')), ...(seed && { seed: Number(seed) }) };
  void settled(solveAt(location.hash.slice(1), question)).then((answer) => {
    globalThis.answer = answer;
  });
}

async function solveAt(place: string, question: Question): Promise<Answer> {
  const script = (document.querySelector('script') as HTMLScriptElement).src;
  if (place === 'page') return solve(question);
  if (place === 'worker') return ask(new Worker(script), question);
  await navigator.serviceWorker.register(script);
  const { active } = await navigator.serviceWorker.ready;
  return ask(active as ServiceWorker, question);
}

function ask(worker: Worker | ServiceWorker, question: Question): Promise<Answer> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage(question, [port2]);
  });
}

function settled(answer: Promise<Answer>): Promise<Answer | { readonly error: string }> {
  return answer.catch((error: unknown) => ({ error: String(error) }));
}
