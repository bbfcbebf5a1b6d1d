/** examples/node-server, as a process of its own in a folder where the package is installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from './imports.js';

const folder = mkdtempSync(join(tmpdir(), 'depthwise-server-'));
let server: ChildProcess;
let address: string;

beforeAll(async () => {
  cpSync(join(root, 'examples', 'node-server'), folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'depthwise'));
  server = spawn(process.execPath, ['server.js'], { cwd: folder, env: { ...process.env, PORT: '0' } });
  const [line] = await once(server.stdout!, 'data');
  address = /http:\S+/.exec(`${line}`)![0];
});

afterAll(() => {
  server?.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function post(body: Uint8Array): Promise<{ status: number; json: unknown }> {
  const response = await fetch(address, { method: 'POST', body: new Uint8Array(body) });
  return { status: response.status, json: await response.json() };
}

test('a picture is classified', async () => {
  const { status, json } = await post(readFileSync(join(root, 'assets', 'pictures', 'chelsea.jpg')));
  expect(status).toBe(200);
  expect(json).toMatchObject([{ label: 'cat' }, {}, {}]);
});

test('what is no picture is refused, and the server goes on', async () => {
  const { status, json } = await post(Buffer.from('no picture'));
  expect(status).toBe(400);
  expect(json).toMatchObject({ error: expect.stringContaining('wanted JPEG') });
  expect((await fetch(address)).status).toBe(405);
});
