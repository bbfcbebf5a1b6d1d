/** Downloads from a server on this machine that does what servers, proxies and cables do. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DownloadOptions, download } from '../../src/pretrained/download.js';
import { type Server, sendFile, serve } from './server.js';

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 5);
const hash = createHash('sha256').update(bytes).digest('hex');

let folder: string;
let path: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'depthwise-download-'));
  path = join(folder, 'cache', 'model.h5');
});
afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What lies in the cache folder. */
const left = (): string[] => readdirSync(join(folder, 'cache')).sort();

async function expectComplete(options?: DownloadOptions): Promise<void> {
  await download(`${server!.address}/model.h5`, path, options);
  expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
  expect(left()).toEqual(['model.h5']);
}

const failure = (options?: DownloadOptions): Promise<string> =>
  download(`${server!.address}/model.h5`, path, options).then(
    () => 'no error',
    (error: Error) => `${error.name}: ${error.message.replaceAll(server!.address, 'SERVER')}`,
  );

/** Cuts the connection once that many bytes of the file have come. */
const cutAt = (...positions: number[]): DownloadOptions => ({
  onProgress: (done) => positions.includes(done) && server!.cut(),
});

test('a whole file, its folder made, its progress told', async () => {
  server = await serve((request, response) => sendFile(request, response, bytes));
  const told: [number, number | undefined][] = [];
  await expectComplete({ sha256: hash, onProgress: (done, total) => told.push([done, total]) });
  expect(told.at(-1)).toEqual([bytes.length, bytes.length]);
  expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).sort((a, b) => a - b));
});

test('without a length: the end of the answer is the end of the file', async () => {
  server = await serve((_, response) => response.end(bytes));
  await expectComplete();
});

describe('redirects', () => {
  test('are followed, relative ones too', async () => {
    server = await serve((request, response) => {
      if (request.url === '/there') sendFile(request, response, bytes);
      else response.writeHead(302, { location: request.url === '/model.h5' ? '/next' : '../there' }).end();
    });
    await expectComplete();
    expect(server.requests.map((request) => request.path)).toEqual(['/model.h5', '/next', '/there']);
  });

  test('in a circle end', async () => {
    server = await serve((_, response) => response.writeHead(301, { location: '/model.h5' }).end());
    expect(await failure()).toBe('DownloadError: SERVER/model.h5: more than 5 redirects, the last to SERVER/model.h5');
    expect(server.requests).toHaveLength(6);
  });

  test('to another kind of address are refused', async () => {
    server = await serve((_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end());
    expect(await failure()).toBe(
      'DownloadError: SERVER/model.h5: redirects to file:///etc/passwd; wanted an https address',
    );
  });
});

describe('a broken connection', () => {
  test('is taken up again where it broke, as long as bytes come', async () => {
    server = await serve((request, response, count) =>
      sendFile(request, response, bytes, count < 3 ? { upTo: 100_000 } : {}),
    );
    await expectComplete({ sha256: hash, ...cutAt(100_000, 200_000) });
    expect(server.requests.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      [undefined, undefined],
      ['bytes=100000-', '"1"'],
      ['bytes=200000-', '"1"'],
    ]);
  });

  test('is taken up by the next call', async () => {
    server = await serve((request, response, count) => {
      if (count === 2) response.destroy();
      else sendFile(request, response, bytes, count === 1 ? { upTo: 60_000 } : {});
    });
    expect(await failure(cutAt(60_000))).toMatch(
      /^DownloadError: SERVER\/model\.h5: .+; 60000 bytes are kept, and the next call continues there$/,
    );
    expect(left()).toEqual(['model.h5.part']);
    await expectComplete({ sha256: hash });
    expect(server.requests[2].range).toBe('bytes=60000-');
  });

  test('is not taken up from another address, whose bytes may be others', async () => {
    server = await serve((request, response, count) => {
      if (count === 2) response.destroy();
      else sendFile(request, response, bytes, count === 1 ? { upTo: 60_000 } : {});
    });
    await failure(cutAt(60_000));
    await download(`${server.address}/elsewhere.h5`, path, { sha256: hash });
    expect(server.requests[2]).toEqual({ path: '/elsewhere.h5', range: undefined, ifRange: undefined });
  });

  test('of a server that knows no ranges begins anew', async () => {
    server = await serve((request, response, count) => {
      delete request.headers.range;
      sendFile(request, response, bytes, count === 1 ? { upTo: 50_000 } : {});
    });
    await expectComplete({ sha256: hash, ...cutAt(50_000) });
    expect(server.requests[1].range).toBe('bytes=50000-');
  });

  test('of a file that has changed meanwhile begins anew', async () => {
    const old = new Uint8Array(200_000).fill(7);
    server = await serve((request, response, count) =>
      count === 1
        ? sendFile(request, response, old, { upTo: 50_000, etag: '"0"' })
        : sendFile(request, response, bytes),
    );
    await expectComplete({ sha256: hash, ...cutAt(50_000) });
    expect(server.requests[1].ifRange).toBe('"0"');
  });

  test('of a server that gives no validator begins anew', async () => {
    server = await serve((_, response, count) => {
      response.writeHead(200, { 'content-length': bytes.length, etag: 'W/"weak"' });
      if (count > 1) response.end(bytes);
      else response.write(bytes.subarray(0, 50_000));
    });
    await expectComplete(cutAt(50_000));
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, undefined]);
  });

  test('that answers with another part than asked for begins anew', async () => {
    server = await serve((request, response, count) => {
      if (count !== 2) sendFile(request, response, bytes, count === 1 ? { upTo: 50_000 } : {});
      else
        response
          .writeHead(206, { 'content-range': 'bytes 0-9/300000', 'content-length': 10 })
          .end(bytes.subarray(0, 10));
    });
    await expectComplete({ sha256: hash, ...cutAt(50_000) });
    expect(server.requests).toHaveLength(3);
  });

  test('ends after a number of breaks', async () => {
    server = await serve((request, response) => sendFile(request, response, bytes, { upTo: 1_000 }));
    expect(await failure(cutAt(1000, 2000, 3000, 4000, 5000, 6000))).toMatch(/; 6000 bytes are kept/);
    expect(server.requests).toHaveLength(6);
  });
});

test('bytes that are all there already, of a process that ended before its last step', async () => {
  server = await serve((request, response) => sendFile(request, response, bytes));
  mkdirSync(`${path}.part`, { recursive: true });
  writeFileSync(join(`${path}.part`, 'bytes'), bytes);
  writeFileSync(
    join(`${path}.part`, 'origin.json'),
    JSON.stringify({ address: `${server.address}/model.h5`, validator: '"1"' }),
  );
  await expectComplete({ sha256: hash });
  expect(server.requests.map(({ range }) => range)).toEqual(['bytes=300000-', undefined]);
});

test('what a killed process left is taken over once it is old, and not before', async () => {
  server = await serve((request, response) => sendFile(request, response, bytes));
  const origin = JSON.stringify({ address: `${server.address}/model.h5`, validator: '"1"' });
  for (const name of ['old', 'new']) {
    mkdirSync(`${path}.${name}.part`, { recursive: true });
    writeFileSync(join(`${path}.${name}.part`, 'bytes'), bytes.subarray(0, 1000));
    writeFileSync(join(`${path}.${name}.part`, 'origin.json'), origin);
  }
  const longAgo = Date.now() / 1000 - 3600;
  utimesSync(join(`${path}.old.part`, 'bytes'), longAgo, longAgo);
  await download(`${server.address}/model.h5`, path);
  expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
  expect(server.requests.map(({ range }) => range)).toEqual(['bytes=1000-']);
  expect(left()).toEqual(['model.h5', 'model.h5.new.part']);
});

describe('a resumed download proves that it goes on with the same file', () => {
  /** The first answer breaks off after 100,000 bytes of `bytes`; the second is the given one; the third is whole. */
  async function resume(second: (response: ServerResponse) => void): Promise<string> {
    server = await serve((request, response, count) => {
      if (count === 2) second(response);
      else sendFile(request, response, bytes, count === 1 ? { upTo: 100_000 } : {});
    });
    return failure(cutAt(100_000));
  }
  const rest = (length: number) => new Uint8Array(length).fill(9);

  test.each<[string, Record<string, string>, number]>([
    [
      'another ETag: the server ignores If-Range',
      { 'content-range': 'bytes 100000-299999/300000', etag: '"2"' },
      200_000,
    ],
    ['no ETag', { 'content-range': 'bytes 100000-299999/300000' }, 200_000],
    ['another total', { 'content-range': 'bytes 100000-399999/400000', etag: '"1"' }, 300_000],
    ['not up to the end', { 'content-range': 'bytes 100000-199999/300000', etag: '"1"' }, 100_000],
    ['no numbers', { 'content-range': 'bytes 100000-299999/*', etag: '"1"' }, 200_000],
    ['packed', { 'content-range': 'bytes 100000-299999/300000', etag: '"1"', 'content-encoding': 'gzip' }, 200_000],
  ])('%s: it begins anew', async (_, headers, length) => {
    const message = await resume((response) => response.writeHead(206, headers).end(rest(length)));
    expect(message).toBe('no error');
    expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
    expect(server!.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  test('more bytes than announced: nothing is kept', async () => {
    const headers = { 'content-range': 'bytes 100000-299999/300000', etag: '"1"' };
    expect(await resume((response) => response.writeHead(206, headers).end(rest(300_000)))).toBe(
      'DownloadError: SERVER/model.h5: the server sent more than the 300000 bytes that it had announced',
    );
    expect(left()).toEqual([]);
  });
});

describe('bounds', () => {
  test('on a file whose length the server does not say', async () => {
    server = await serve((_, response) => {
      response.write(bytes.subarray(0, 1000));
      response.end(bytes.subarray(1000));
    });
    expect(await failure({ maxBytes: 299_999 })).toBe(
      'DownloadError: SERVER/model.h5: the server sent more than 299999 bytes without saying how many there are',
    );
    expect(left()).toEqual([]);
    await expectComplete({ maxBytes: 300_000 });
  });

  test('on a length that the server says', async () => {
    server = await serve((_, response) => response.writeHead(200, { 'content-length': 2 ** 30 + 1 }).write('x'));
    expect(await failure()).toBe(
      'DownloadError: SERVER/model.h5: has 1073741825 bytes, more than the 1073741824 allowed',
    );
    expect(left()).toEqual([]);
  });

  test('on what a packed answer unpacks to, though none was asked for', async () => {
    const answers = [gzipSync(new Uint8Array(10_000_000)), gzipSync(bytes)];
    server = await serve((_, response, count) =>
      response
        .writeHead(200, { 'content-encoding': 'gzip', 'content-length': answers[count - 1].length, etag: '"1"' })
        .end(answers[count - 1]),
    );
    expect(await failure({ maxBytes: 1_000_000 })).toBe(
      'DownloadError: SERVER/model.h5: the server sent more than 1000000 bytes without saying how many there are',
    );
    expect(left()).toEqual([]);
    const totals = new Set<number | undefined>();
    await expectComplete({ sha256: hash, onProgress: (_, total) => totals.add(total) });
    expect([...totals]).toEqual([undefined]);
  });

  test('on the time: bytes that drip in', async () => {
    server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' });
      const drip = setInterval(() => response.write('a'), 10);
      response.on('close', () => clearInterval(drip));
    });
    expect(await failure({ patience: 1000 })).toMatch(
      /^DownloadError: SERVER\/model\.h5: only \d+ bytes came in 2 s; \d+ bytes are kept, and the next call continues there$/,
    );
    expect(server.requests).toHaveLength(1);
  });
});

describe('a name and a password in the address', () => {
  const withPassword = () => server!.address.replace('//', '//us%C3%A9r:sec%20ret@');
  const BASIC = `Basic ${Buffer.from('usér:sec ret').toString('base64')}`;

  test('are sent to its host, and to no other', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      sendFile(request, response, bytes);
    });
    server = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: request.url === '/next' ? `${other.address}/x` : '/next' }).end();
    });
    await download(`${withPassword()}/model.h5`, path, { sha256: hash }).finally(() => other.close());
    expect(seen).toEqual([BASIC, BASIC, undefined]);
  });

  test('stand in no error and in no file', async () => {
    const faults: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(401).end(),
      (response) => response.writeHead(302, { location: 'ftp://us%C3%A9r:sec%20ret@own.example/x' }).end(),
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(),
      (response) => response.end('another file'),
      (response) => response.destroy(),
    ];
    server = await serve((_, response, count) => faults[count - 1](response));
    const errors = faults.map(() => '');
    for (const at of faults.keys()) {
      errors[at] = await download(`${withPassword()}/model.h5`, path, { sha256: hash }).catch((error) => error.message);
    }
    expect(errors[0]).toBe(`${server.address}/model.h5: the server answered 401 Unauthorized`);
    expect(errors[1]).toBe(`${server.address}/model.h5: redirects to ftp://own.example/x; wanted an https address`);
    expect(errors.join('\n')).not.toMatch(/us%C3|usér|sec.{0,3}ret/);
  });

  test('nor in what is kept of a broken download', async () => {
    server = await serve((request, response, count) =>
      count === 1 ? sendFile(request, response, bytes, { upTo: 1000 }) : response.destroy(),
    );
    await download(`${withPassword()}/model.h5`, path, cutAt(1000)).catch(() => {});
    expect(JSON.parse(readFileSync(join(`${path}.part`, 'origin.json'), 'utf8'))).toEqual({
      address: `${server.address}/model.h5`,
      validator: '"1"',
      total: bytes.length,
    });
  });
});

describe('a place that takes no file', () => {
  test('a folder: advice, and nothing is left', async () => {
    server = await serve((request, response) => sendFile(request, response, bytes));
    mkdirSync(path, { recursive: true });
    const message = await failure();
    expect(message).toBe(
      `UsageError: ${path}: is a folder, and stands where the download is kept; rename or delete it`,
    );
    expect(left()).toEqual(['model.h5']);
    expect(server.requests).toEqual([]);
  });

  test.each([
    ...(process.platform === 'linux' ? [['/proc/depthwise/cache', 'there is no such file or folder']] : []),
    ['FILE/cache', 'a file stands where a folder is wanted'],
  ])('%s', async (place, why) => {
    writeFileSync(join(folder, 'FILE'), '');
    const cache = place.replace('FILE', join(folder, 'FILE'));
    await expect(download('http://127.0.0.1:1/x', join(cache, 'x'))).rejects.toThrow(
      `${cache}: downloads cannot be kept there: ${why}; DEPTHWISE_CACHE names another folder`,
    );
  });

  test('a disk that is full: what came is deleted', async () => {
    mkdirSync(join(folder, 'cache'));
    server = await serve((request, response) => sendFile(request, response, bytes));
    const { open } = await import('node:fs/promises');
    const handle = await open(join(folder, 'any'), 'w');
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    const write = vi.spyOn(Object.getPrototypeOf(handle), 'write').mockRejectedValue(full);
    const message = await failure().finally(() => write.mockRestore());
    await handle.close();
    expect(message).toBe(`DownloadError: ${path}: there is no space left`);
    expect(server.requests).toHaveLength(1);
    expect(left()).toEqual([]);
  });
});

describe('what is not the file', () => {
  test('an error page, by its type', async () => {
    server = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('x'),
    );
    expect(await failure()).toBe(
      'DownloadError: SERVER/model.h5: the server answered with an HTML page, an error or a log-in perhaps; wanted the file',
    );
    expect(left()).toEqual([]);
  });

  test('an error page, by its first bytes', async () => {
    server = await serve((_, response) => response.end('\n <!DOCTYPE html><title>Sign in</title>'));
    expect(await failure()).toMatch(/an HTML page/);
    expect(left()).toEqual([]);
  });

  test('a file with another hash is deleted, and both hashes are said', async () => {
    server = await serve((request, response) => sendFile(request, response, bytes));
    expect(await failure({ sha256: '0'.repeat(64) })).toBe(
      `DownloadError: SERVER/model.h5: another file than expected, deleted: its SHA-256 is ${hash}, wanted ${'0'.repeat(64)}`,
    );
    expect(left()).toEqual([]);
  });

  test.each([
    [404, 'Not Found'],
    [403, 'Forbidden'],
    [503, 'Service Unavailable'],
  ])('status %i', async (status, text) => {
    server = await serve((_, response) => response.writeHead(status).end('no'));
    expect(await failure()).toBe(`DownloadError: SERVER/model.h5: the server answered ${status} ${text}`);
    expect(server.requests).toHaveLength(1);
    expect(existsSync(path)).toBe(false);
  });
});

test('a server that falls silent', async () => {
  server = await serve((_, response) => {
    response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' }).write(bytes.subarray(0, 10));
  });
  expect(await failure({ patience: 50 })).toMatch(/^DownloadError: SERVER\/model\.h5: nothing came for 0\.05 s/);
});

test('no server', async () => {
  server = await serve(() => {});
  server.close();
  expect(await failure()).toMatch(/^DownloadError: SERVER\/model\.h5: .*ECONNREFUSED/);
});

test("an error of the caller's onProgress comes through", async () => {
  server = await serve((request, response) => sendFile(request, response, bytes));
  const own = new Error('own');
  const onProgress = () => {
    throw own;
  };
  await expect(download(`${server.address}/model.h5`, path, { onProgress })).rejects.toBe(own);
});

test('a download that is stopped leaves its bytes to the next', async () => {
  server = await serve((request, response, count) => {
    if (count > 1) return sendFile(request, response, bytes);
    response.writeHead(200, { 'content-length': bytes.length, etag: '"1"' }).write(bytes.subarray(0, 5000));
  });
  const stop = new AbortController();
  await expect(
    download(`${server.address}/model.h5`, path, { signal: stop.signal, onProgress: () => stop.abort('enough') }),
  ).rejects.toBe('enough');
  expect(left()).toEqual(['model.h5.part']);
  await expectComplete({ sha256: hash });
  expect(server.requests[1].range).toMatch(/^bytes=[1-9]/);
});

test('several downloads of one file at once', async () => {
  server = await serve((request, response) => sendFile(request, response, bytes));
  await Promise.all(Array.from({ length: 4 }, () => download(`${server!.address}/model.h5`, path, { sha256: hash })));
  expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
  expect(left()).toEqual(['model.h5']);
});
