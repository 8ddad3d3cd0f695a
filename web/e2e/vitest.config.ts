import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By name, and last of all the file that looks through what the others left in the logs. */
class InOrder extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const key = ({ moduleId }: TestSpecification) =>
      `${moduleId.endsWith('/secrets.test.ts') ? 1 : 0}${moduleId}`;
    return Promise.resolve(files.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)));
  }
}

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
    globalSetup: ['harness/run.ts'],
    // One browser serves them all, one after the other: two cores make no two browsers faster.
    pool: 'forks',
    isolate: false,
    fileParallelism: false,
    sequence: { sequencer: InOrder },
    // Everything that is waited for has a time of its own and names what is missing; these only end what hangs.
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
