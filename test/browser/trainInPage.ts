/** The trainings as a page's script: what came of them is in `trained`. */
import { trainAll } from './train.js';

declare global {
  var trained: Record<string, string> | { readonly error: string } | undefined;
}

trainAll().then(
  (answer) => {
    globalThis.trained = answer;
  },
  (error: Error) => {
    globalThis.trained = { error: `${error.stack}` };
  },
);
