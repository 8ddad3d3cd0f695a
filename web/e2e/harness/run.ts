/** Before the first test and after the last: a folder for what the run leaves behind. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { FAILURES } from './places.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where data folders, logs and the list of secrets of this run are. */
    runFolder: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'callbox-e2e-'));
  mkdirSync(join(folder, 'logs'));
  rmSync(FAILURES, { recursive: true, force: true });
  project.provide('runFolder', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
