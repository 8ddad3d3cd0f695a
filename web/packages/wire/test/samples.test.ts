import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ClientFrameType, ServerFrameType } from '../src/index.js';
import { bodies, clientFrames, serverFrames } from './samples.js';

// The Rust side writes samples/ and validates it against the schema. samples.ts holds the same
// values typed as the generated types, so the type-check fails where the two sides disagree.
const FOLDER = fileURLToPath(new URL('../samples', import.meta.url));

const typed = new Map<string, unknown>([
  ...Object.entries(bodies).map(([name, value]) => [name, value] as const),
  ...Object.entries(clientFrames).map(([name, value]) => [`ClientFrame/${name}`, value] as const),
  ...Object.entries(serverFrames).map(([name, value]) => [`ServerFrame/${name}`, value] as const),
]);

describe('samples', () => {
  const names = sampleNames(FOLDER);

  test('every file is typed, and nothing else is', () => {
    expect([...typed.keys()].sort()).toEqual([...names].sort());
  });

  test.each(names)('%s reads as its type', (name) => {
    const text = readFileSync(join(FOLDER, `${name}.json`), 'utf8');
    expect(JSON.parse(text)).toEqual(typed.get(name));
  });

  test('every frame has a sample', () => {
    // Each line compiles only while no frame of the schema is without its sample.
    const client: Missing<ClientFrameType, keyof typeof clientFrames> = [];
    const server: Missing<ServerFrameType, keyof typeof serverFrames> = [];
    expect([...client, ...server]).toEqual([]);
  });
});

/** An empty list that does not type-check as empty while a name is missing. */
type Missing<All, Have> = [Exclude<All, Have>] extends [never] ? [] : [Exclude<All, Have>];

function sampleNames(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json') && statSync(join(folder, path)).isFile())
    .map((path) =>
      relative('.', path)
        .split(sep)
        .join('/')
        .replace(/\.json$/, ''),
    );
}
