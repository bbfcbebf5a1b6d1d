/** A server of folders, on this machine alone. The first part of the path chooses the response's headers. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.jpg': 'image/jpeg',
  '.wasm': 'application/wasm',
};

export interface Server {
  /** 'http://localhost:PORT' */
  readonly origin: string;
  readonly close: () => void;
}

/**
 * Serves each folder or file at the path that is its key, '/dist/' or '/script.js'; without '/', that is an empty page. `policies` are
 * Content-Security-Policies by the first part of a path, which is left out when the file is looked for: '/strict/dist/index.js'.
 */
export async function serveFolders(
  folders: Readonly<Record<string, string>>,
  policies: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const server = createServer(async ({ url = '/' }, response) => {
    let { pathname } = new URL(url, 'http://localhost');
    const [, first] = pathname.split('/');
    if (first in policies) {
      response.setHeader('Content-Security-Policy', policies[first]);
      pathname = pathname.slice(first.length + 1);
    }
    if (pathname === '/hangs.js') return; // never answered
    const key = Object.keys(folders).find((one) => pathname.startsWith(one)) ?? '';
    const path = key.endsWith('/') ? join(folders[key], pathname.slice(key.length) || 'index.html') : folders[key];
    try {
      const bytes = await readFile(path ?? '');
      response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream').end(bytes);
    } catch {
      if (pathname === '/') response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>page</title>');
      else response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
