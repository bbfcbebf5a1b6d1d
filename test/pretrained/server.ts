/** A server on this machine that hands out one file, and misbehaves as told. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Request {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

export interface Server {
  readonly address: string;
  readonly requests: Request[];
  /** Cuts every connection, as a cable does. */
  cut(): void;
  close(): void;
}

export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Server> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const { range, 'if-range': ifRange } = request.headers;
    requests.push({ path: request.url ?? '', range, ifRange: ifRange as string | undefined });
    answer(request, response, requests.length);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    cut: () => server.closeAllConnections(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Sends the file or the range asked for, as servers of files do; or `upTo` bytes of it, and then no more. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  { etag = '"1"', upTo = Infinity }: { etag?: string; upTo?: number } = {},
): void {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const same = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const from = asked && same ? Number(asked[1]) : 0;
  if (from >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': bytes.length - from,
    etag,
    ...(from > 0 && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (from + upTo >= bytes.length) response.end(bytes.subarray(from));
  else response.write(bytes.subarray(from, from + upTo));
}
