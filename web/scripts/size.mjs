// Measures what a page downloads for the SDK's core, and fails when it is more than we promise.
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const CORE_BYTES_MAX = 25_000;
const CORE = fileURLToPath(new URL('../dist/sdk/callbox.js', import.meta.url));

if (!existsSync(CORE)) {
  console.error('size: web/dist/sdk/callbox.js is missing; run `npm run build` first');
  process.exit(1);
}

const bundle = await build({
  entryPoints: [CORE],
  bundle: true,
  format: 'esm',
  minify: true,
  write: false,
  legalComments: 'none',
});
const bytes = gzipSync(bundle.outputFiles[0]?.contents ?? '', { level: 9 }).length;
const verdict = bytes <= CORE_BYTES_MAX ? 'within' : 'over';
console.log(`size: SDK core ${bytes} bytes min+gzip, ${verdict} the limit of ${CORE_BYTES_MAX}`);
process.exit(bytes <= CORE_BYTES_MAX ? 0 : 1);
