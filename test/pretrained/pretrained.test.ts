/** Networks by name: the table, the cache folder, and what is done with the files, from a server on this machine. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeNetwork } from '../../src/formats/index.js';
import { mobilenet, mobilenetV1 } from '../../src/models/index.js';
import { parseModelName } from '../../src/models/names.js';
import { type Network, randomWeights } from '../../src/network/index.js';
import { cacheFolder } from '../../src/pretrained/cache.js';
import { loadPretrained, type Release, releases } from '../../src/pretrained/index.node.js';
import { findRelease } from '../../src/pretrained/releases.js';
import { dataPath, noData } from '../data.js';
import { type Server, serve } from './server.js';

describe('the table', () => {
  test('has the 38 float networks of Keras and three in 8 bits, each under one name', () => {
    const names = releases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !name.endsWith('_quant'))).toHaveLength(16 + 22);
    expect(names.filter((name) => name.endsWith('_quant'))).toHaveLength(3);
  });

  test.each(releases.map((release) => [release.name, release] as const))(
    '%s: name, file and address agree',
    (name, { weights, labels }) => {
      const { architecture, alpha, resolution } = parseModelName(name)!;
      expect(parseModelName(weights.file)).toMatchObject({ architecture, alpha, resolution });
      expect(weights.address).toMatch(/^https:\/\/[\w.-]+\/\S+$/);
      expect(weights.address.split('/').at(-1)).toBe(weights.file);
      expect(labels?.address.split('/').at(-1)).toBe(labels?.file);
      expect(weights.sha256 ?? '0'.repeat(64)).toMatch(/^[0-9a-f]{64}$/);
      expect(() => mobilenet(architecture, { alpha: alpha!, resolution: resolution! })).not.toThrow();
    },
  );

  test.each([
    ['mobilenet_v1_0.25_224', 'mobilenet_v1_0.25_224'],
    ['MobileNet_V2_1.00_96', 'mobilenet_v2_1.0_96'],
    ['mobilenetv2_1.40_224', 'mobilenet_v2_1.4_224'],
    ['mobilenet_7_5_192_tf', 'mobilenet_v1_0.75_192'],
    ['mobilenet_v2_1.0_224_quant', 'mobilenet_v2_1.0_224_quant'],
    ['mobilenet_v1_0.3_224', undefined],
    ['mobilenet_v1_0.75_192_quant', undefined],
    ['mobilenet_v1', undefined],
    ['mobilenet_1_0_224_tf_no_top', undefined],
    ['mobilenet_v1_0.25_224.h5', undefined],
    ['./mobilenet_v1_0.25_224', undefined],
    ['cat.jpg', undefined],
  ])('%s is %s', (name, found) => {
    expect(findRelease(name)?.name).toBe(found);
  });

  test.skipIf(noData)('the hashes are those of the files (needs DEPTHWISE_DATA)', () => {
    const known = releases.filter(({ weights }) => weights.sha256 !== undefined);
    expect(known).toHaveLength(4);
    for (const { weights } of known) {
      const bytes = readFileSync(dataPath('models', weights.file));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(weights.sha256);
    }
    const labels = readFileSync(dataPath('labels', 'imagenet_labels_1001.txt'));
    for (const release of releases) {
      expect(release.labels?.sha256).toBe(createHash('sha256').update(labels).digest('hex'));
    }
  });
});

describe('the cache folder', () => {
  const home = homedir();
  test.each([
    [{ DEPTHWISE_CACHE: '/there' }, 'linux', '/there'],
    [{ DEPTHWISE_CACHE: '/there', XDG_CACHE_HOME: '/elsewhere' }, 'linux', '/there'],
    [{ XDG_CACHE_HOME: '/elsewhere' }, 'linux', join('/elsewhere', 'depthwise')],
    [{}, 'linux', join(home, '.cache', 'depthwise')],
    [{}, 'darwin', join(home, 'Library', 'Caches', 'depthwise')],
    [{ LOCALAPPDATA: '/local' }, 'win32', join('/local', 'depthwise', 'Cache')],
    [{}, 'win32', join(home, 'AppData', 'Local', 'depthwise', 'Cache')],
  ] as const)('of %j on %s is %s', (environment, platform, folder) => {
    expect(cacheFolder(environment, platform)).toBe(folder);
  });
});

describe('loadPretrained', () => {
  const network = randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 }), 1);
  let folder: string;
  let server: Server;
  let files: Record<string, Uint8Array | string>;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'depthwise-pretrained-'));
    files = { 'small.safetensors': await writeNetwork(network, 'safetensors'), 'three.txt': 'a\nb\nc\n' };
    server = await serve((request, response) => {
      const file = files[request.url!.slice(1)];
      if (file === undefined) response.writeHead(404).end();
      else response.end(file);
    });
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const table = (sha256?: string): Release[] => [
    {
      name: 'mobilenet_v1_0.25_32',
      weights: {
        file: 'small.safetensors',
        address: `${server.address}/small.safetensors`,
        ...(sha256 && { sha256 }),
      },
      labels: { file: 'three.txt', address: `${server.address}/three.txt` },
    },
  ];
  const load = (options: { mirror?: string; sha256?: string; labels?: false } = {}): Promise<Network> =>
    loadPretrained('mobilenet_v1_0.25_32', {
      folder,
      releases: table(options.sha256),
      mirror: options.mirror ?? '',
      ...(options.labels === false && { labels: false }),
    });
  const failure = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'no error',
      (error: Error) =>
        `${error.name}: ${error.message.replaceAll(server.address, 'SERVER').replaceAll(folder, 'FOLDER')}`,
    );

  test('fetches once, and gives the network its labels', async () => {
    const first = await load();
    const again = await load();
    expect(server.requests.map(({ path }) => path)).toEqual(['/small.safetensors', '/three.txt']);
    for (const { weights, conventions } of [first, again]) {
      expect(weights.get('conv1/kernel')).toEqual(network.weights.get('conv1/kernel'));
      expect(conventions).toEqual({ ...network.conventions, labels: ['a', 'b', 'c'] });
    }
  });

  test('from a mirror, under the same names and the same hashes', async () => {
    const mirror = `${server.address}/`;
    const elsewhere = table('0'.repeat(64)).map((release) => ({
      ...release,
      weights: { ...release.weights, address: 'http://127.0.0.1:1/small.safetensors' },
    }));
    const options = { folder, mirror, releases: elsewhere };
    expect(await failure(loadPretrained('mobilenet_v1_0.25_32', options))).toMatch(
      /^DownloadError: mobilenet_v1_0\.25_32: SERVER\/small\.safetensors: another file than expected, deleted/,
    );
  });

  test('without a connection the error says what to fetch and where to put it', async () => {
    server.close();
    const message = await failure(load());
    expect(message).toMatch(/^DownloadError: mobilenet_v1_0\.25_32: SERVER\/small\.safetensors: .*ECONNREFUSED/);
    expect(message.split('\n').slice(1)).toEqual([
      'To do without this connection, fetch',
      '  SERVER/small.safetensors',
      'elsewhere and save it as',
      '  FOLDER/small.safetensors',
    ]);
    for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
    expect([...(await load()).weights.keys()].sort()).toEqual([...network.weights.keys()].sort());
  });

  test('a file put there by hand is checked too', async () => {
    writeFileSync(join(folder, 'small.safetensors'), 'something else');
    const found = createHash('sha256').update('something else').digest('hex');
    expect(await failure(load({ sha256: '1'.repeat(64) }))).toBe(
      `DownloadError: FOLDER/small.safetensors: is not the file of SERVER/small.safetensors: its SHA-256 is ${found}, wanted ${'1'.repeat(64)}; delete it to have it fetched again`,
    );
    expect(existsSync(join(folder, 'small.safetensors'))).toBe(true);
  });

  test('a damaged file in the cache is named; one that has just come is deleted', async () => {
    const [whole, cut] = [files['small.safetensors'], files['small.safetensors'].slice(0, 5000)];
    files['small.safetensors'] = cut;
    const what = 'FormatError: FOLDER/small.safetensors: truncated: the header ends at byte 24472, the file at 5000';
    expect(await failure(load())).toBe(`${what}; FOLDER/small.safetensors had just been fetched, and is deleted`);
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'small.safetensors'), cut);
    expect(await failure(load())).toBe(`${what}; delete FOLDER/small.safetensors to have it fetched again`);
    expect(readdirSync(folder)).toEqual(['small.safetensors']);
    rmSync(join(folder, 'small.safetensors'));
    files['small.safetensors'] = whole;
    expect(await failure(load())).toBe('no error');
  });

  describe('a file without a known hash', () => {
    const at = (name: string) => join(folder, name);
    const hashOf = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');
    const pinned = () => readFileSync(at('small.safetensors.sha256'), 'utf8');
    const other = () =>
      writeNetwork(randomWeights(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 }), 2), 'safetensors');

    test('is pinned when it was first read, as sha256sum --check reads it', async () => {
      await load();
      expect(pinned()).toBe(`${hashOf(files['small.safetensors'])}  small.safetensors\n`);
      expect(readdirSync(folder).sort()).toEqual([
        'small.safetensors',
        'small.safetensors.sha256',
        'three.txt',
        'three.txt.sha256',
      ]);
    });

    test('one with a known hash is not', async () => {
      await load({ sha256: hashOf(files['small.safetensors']) });
      expect(existsSync(at('small.safetensors.sha256'))).toBe(false);
    });

    test('that changes in the cache is refused', async () => {
      await load();
      const [first, changed] = [hashOf(files['small.safetensors']), await other()];
      writeFileSync(at('small.safetensors'), changed);
      expect(await failure(load())).toBe(
        `DownloadError: FOLDER/small.safetensors: is not the file that was fetched first: its SHA-256 is ${hashOf(changed)}, wanted ${first}; delete it to have it fetched again; if it is known to be right, delete FOLDER/small.safetensors.sha256`,
      );
    });

    test('that changes on the server is refused, and deleted, until the pin is', async () => {
      await load();
      const [first, changed] = [hashOf(files['small.safetensors']), await other()];
      files['small.safetensors'] = changed;
      rmSync(at('small.safetensors'));
      const message = await failure(load());
      expect(message.split('\n').slice(0, 2)).toEqual([
        `DownloadError: mobilenet_v1_0.25_32: SERVER/small.safetensors: another file than expected, deleted: its SHA-256 is ${hashOf(changed)}, wanted ${first}`,
        'That is the file of the first download. If the new one is known to be right, delete FOLDER/small.safetensors.sha256',
      ]);
      expect(existsSync(at('small.safetensors'))).toBe(false);
      rmSync(at('small.safetensors.sha256'));
      await load();
      expect(pinned()).toBe(`${hashOf(changed)}  small.safetensors\n`);
    });

    test('a pin that was cut off is none', async () => {
      writeFileSync(at('small.safetensors.sha256'), 'ab12');
      await load();
      expect(pinned()).toMatch(/^[\da-f]{64} {2}small/);
    });
  });

  test('a mirror with a password', async () => {
    const mirror = server.address.replace('//', '//user:secret@');
    await load({ mirror });
    rmSync(join(folder, 'three.txt'));
    server.close();
    const message = await failure(load({ mirror }));
    expect(message).toMatch(/^DownloadError: mobilenet_v1_0\.25_32: SERVER\/three\.txt: .*ECONNREFUSED/);
    expect(message).not.toMatch(/user|secret/);
  });

  test.each(['user:secret@host', 'ftp://user:secret@host', 'http://user:secret@ host'])(
    'a mirror that is no address: %s',
    async (mirror) => {
      expect(await failure(load({ mirror }))).toBe(
        'UsageError: mirror (DEPTHWISE_MIRROR): wanted an address that begins with https:// or http://',
      );
    },
  );

  test('labels that cannot be had say how to go on; labels: false does without', async () => {
    delete files['three.txt'];
    expect(await failure(load())).toMatch(
      /three\.txt\nThe weights are here; these are the labels\. To do without them, state others: load\(name, \{ labels \}\), or \[\] for none; /,
    );
    expect((await load({ labels: false })).conventions.labels).toBeUndefined();
  });

  test('labels of another length are refused', async () => {
    files['three.txt'] = 'a\nb\n';
    expect(await failure(load())).toBe(
      'FormatError: labels: found 2 labels for 3 outputs, wanted 3; FOLDER/three.txt had just been fetched, and is deleted',
    );
  });

  test('a name without weights', async () => {
    expect(await failure(loadPretrained('mobilenet_v1_0.3_224', { releases: table() }))).toBe(
      "UsageError: there are no published weights called 'mobilenet_v1_0.3_224'; similar names: mobilenet_v1_0.25_32",
    );
  });
});
