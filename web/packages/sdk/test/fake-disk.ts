/** A local store that outlives pages, and that answers a page only when the test lets it. */
import { type LocalRecord, type LocalStore, memoryLocalStore } from '../src/local-store.js';

export class FakeDisk {
  readonly #kept = memoryLocalStore();

  /** What is there by now. */
  load(area: string): readonly LocalRecord[] {
    return this.#kept.load(area) as readonly LocalRecord[];
  }

  /** The browser or another page takes an area away. */
  empty(area: string): void {
    void this.#kept.write(area, { clear: true, records: [] });
  }

  /** The store as one page has it. */
  page(): DiskOfPage {
    return new DiskOfPage(this.#kept);
  }
}

/** One page's access to the disk. */
export class DiskOfPage implements LocalStore {
  readonly #kept: LocalStore;
  #waiting: (() => void)[] = [];

  constructor(kept: LocalStore) {
    this.#kept = kept;
  }

  load(area: string): Promise<readonly LocalRecord[]> {
    return this.#later(() => this.#kept.load(area));
  }

  write(...args: Parameters<LocalStore['write']>): Promise<boolean> {
    return this.#later(() => this.#kept.write(...args));
  }

  /** Does one thing that was asked for; `false` where there is none. */
  step(): boolean {
    const next = this.#waiting.shift();
    next?.();
    return next !== undefined;
  }

  #later<Result>(access: () => Result | Promise<Result>): Promise<Result> {
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(access()));
    });
  }
}
