// Builds the three bundles and the types, and puts the two that the server serves into web/dist/sdk.
// With a folder as its argument it only builds the bundles, into that folder.
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { argv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, 'dist');
const TYPES = join(DIST, 'types');
const SERVED = join(HERE, '../../dist/sdk');
const FORMATS = { esm: 'callbox.js', cjs: 'callbox.cjs', iife: 'callbox.global.js' };

if (argv[2]) {
  await bundles(resolve(argv[2]));
} else {
  rmSync(DIST, { recursive: true, force: true });
  await bundles(DIST);
  writeTypes();
  serve(['callbox.js', 'callbox.js.map', 'callbox.global.js', 'callbox.global.js.map']);
}

async function bundles(folder) {
  await Promise.all(
    Object.entries(FORMATS).map(([format, file]) =>
      build({
        absWorkingDir: HERE,
        entryPoints: ['src/index.ts'],
        outfile: join(folder, file),
        bundle: true,
        format,
        ...(format === 'iife' && { globalName: 'Callbox' }),
        platform: 'neutral',
        target: 'es2022',
        minify: true,
        sourcemap: true,
        legalComments: 'none',
      }),
    ),
  );
}

/** The types stand alone: the generated wire types travel with them. What no public type needs stays here. */
function writeTypes() {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript')), '../bin/tsc');
  execFileSync(execPath, [tsc, '-p', 'tsconfig.types.json'], {
    cwd: HERE,
    stdio: 'inherit',
  });
  const wire = join(HERE, '../wire/src');
  mkdirSync(join(TYPES, 'wire'), { recursive: true });
  cpSync(join(wire, 'index.ts'), join(TYPES, 'wire/index.d.ts'));
  cpSync(join(wire, 'schema.ts'), join(TYPES, 'wire/schema.d.ts'));
  for (const path of filesBelow(TYPES)) {
    const up = relative(dirname(path), TYPES) || '.';
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll("'@callbox/wire'", `'${up}/wire/index.js'`));
  }
  const needed = reachable(join(TYPES, 'index.d.ts'));
  for (const path of filesBelow(TYPES)) if (!needed.has(path)) rmSync(path);
  // The same for `require`, which reads a package of ES modules otherwise.
  for (const path of filesBelow(TYPES)) {
    const text = readFileSync(path, 'utf8');
    const common = text.replace(/(from\s+|import\()(['"]\.{1,2}\/[^'"]+)\.js/g, '$1$2.cjs');
    writeFileSync(path.replace(/\.d\.ts$/, '.d.cts'), common);
  }
}

/** A file of types, and all that it imports. */
function reachable(path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const [, name] of readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)\.js'/g)) {
    reachable(join(dirname(path), `${name}.d.ts`), seen);
  }
  return seen;
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.d.ts'))
    .map((name) => join(folder, name));
}

function serve(files) {
  mkdirSync(SERVED, { recursive: true });
  for (const file of files) cpSync(join(DIST, file), join(SERVED, file));
}
