/** A server of one page and its script, on this machine alone. The first part of the path chooses the Content-Security-Policy. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `plain`: no special header at all. */
const POLICIES: Readonly<Record<string, string | undefined>> = {
  plain: undefined,
  strict: "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'",
  stricter: "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'",
};

export interface Served {
  /** Address of the page under a policy. */
  readonly page: (policy: string) => string;
  readonly close: () => void;
}

export async function serve(script: string): Promise<Served> {
  const server = createServer(({ url = '/' }, response) => {
    const [, policy = '', file = ''] = new URL(url, 'http://localhost').pathname.split('/');
    const header = POLICIES[policy];
    if (header !== undefined) response.setHeader('Content-Security-Policy', header);
    if (file === 'script.js') response.setHeader('Content-Type', 'text/javascript').end(script);
    else if (file === '') response.setHeader('Content-Type', 'text/html').end(PAGE);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    page: (policy) => `http://localhost:${port}/${policy}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const PAGE = '<!doctype html><meta charset="utf-8"><title>agreement</title><script src="script.js"></script>';
