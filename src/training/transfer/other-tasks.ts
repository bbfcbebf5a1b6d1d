/**
 * Lets other tasks run between two steps of a training: a click on "Stop" and drawing in a page, Ctrl-C in Node. Pages have no `setImmediate`, and
 * their `setTimeout` waits 4 ms or more when it is called again and again; a message to oneself arrives at once.
 */
export function otherTasks(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
