import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));
const CORE_BYTES_MAX = 25_000;
/** What an importer sees; each name is a promise. */
const NAMES = [
  'CallboxClient',
  'CallboxError',
  'browserSessionStore',
  'memoryLocalStore',
  'memorySessionStore',
  'playStream',
];
/** A client is made and asked something, without a WebSocket, a page or a browser. */
const TRY = `
  const client = new CallboxClient({ url: 'http://127.0.0.1:1', appKey: 'app' });
  const names = Object.keys(sdk).sort();
  const code = await client.messages.conversations().catch((error) => error.code);
  console.log(JSON.stringify({ names, state: client.connection, code, hasSocket: 'WebSocket' in globalThis }));
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'callbox-sdk-'));
  execFileSync(process.execPath, [BUILD, folder]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['callbox.js', 'module', (path: string) => `import * as sdk from ${JSON.stringify(path)};`],
  ['callbox.cjs', 'commonjs', (path: string) => `const sdk = require(${JSON.stringify(path)});`],
])('%s is imported by Node', (file, type, importing) => {
  const path = join(folder, file);
  const from = importing(type === 'module' ? pathToFileURL(path).href : path);
  const body = `const { CallboxClient } = sdk; ${TRY}`;
  const code = type === 'module' ? `${from} ${body}` : `${from} (async () => { ${body} })();`;
  const output = execFileSync(process.execPath, [`--input-type=${type}`, '-e', code]);
  expect(JSON.parse(output.toString())).toMatchObject({
    names: NAMES,
    state: 'signed-out',
    code: 'not_signed_in',
  });
});

test('callbox.global.js makes one global, Callbox', () => {
  const code = readFileSync(join(folder, 'callbox.global.js'), 'utf8');
  const scope: { Callbox?: object } = {};
  runInNewContext(code, scope);
  expect(Object.keys(scope)).toEqual(['Callbox']);
  expect(Object.keys(scope.Callbox ?? {}).sort()).toEqual(NAMES);
});

test('the core stays within its budget', () => {
  const bytes = gzipSync(readFileSync(join(folder, 'callbox.js')), { level: 9 }).length;
  expect(bytes).toBeLessThanOrEqual(CORE_BYTES_MAX);
});
