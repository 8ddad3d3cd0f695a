import { type CallboxError, clientError } from './errors.js';
import { indexedDBStore } from './indexed-db.js';
import { Island, type Timer, type World } from './world.js';

/** One thing that is kept, under its key. Values are plain data: what `structuredClone` takes. */
export type LocalRecord = readonly [key: string, value: unknown];

/** What is to be written at once. */
export interface LocalChange {
  /** Forgets everything that the area has before. */
  clear?: boolean;
  /** What to keep from now on; `undefined` in the place of a value forgets what has this key. */
  records: readonly LocalRecord[];
  /**
   * Asked, in the same transaction, about what is kept under the key `cursor` (`undefined` where nothing is): `false`
   * leaves everything as it is. Another page may have written meanwhile.
   */
  allows?: (cursor: unknown) => boolean;
}

/**
 * Where a client keeps messages between page loads: areas of records, several for each user. Each function may answer
 * now or later.
 */
export interface LocalStore {
  /** Everything in this area. */
  load(area: string): readonly LocalRecord[] | Promise<readonly LocalRecord[]>;
  /** Makes all of the change or, where it fails or is not allowed, none of it. Answers whether it is made. */
  write(area: string, change: LocalChange): boolean | Promise<boolean>;
}

/**
 * Where messages are kept between page loads: in `memory` (until the page is gone), in `indexedDB` (in this browser until
 * the user signs out), or in a store of the app's own.
 */
export type LocalStoreChoice = 'memory' | 'indexedDB' | LocalStore;

/** Keeps everything in memory. */
export function memoryLocalStore(): LocalStore {
  const areas = new Map<string, Map<string, unknown>>();
  return {
    load: (area) => [...(areas.get(area) ?? [])],
    write: (area, { clear, records, allows }) => {
      const before = areas.get(area);
      if (allows && !allows(before?.get('cursor'))) return false;
      const after = clear || !before ? new Map<string, unknown>() : before;
      for (const [key, value] of records) {
        if (value === undefined) after.delete(key);
        else after.set(key, value);
      }
      if (after.size > 0) areas.set(area, after);
      else areas.delete(area);
      return true;
    },
  };
}

/** What {@link ReliableStore} tells. */
export interface ReliableStoreEvents {
  /** The store failed, and memory takes its place; or what a user left in it cannot be forgotten. */
  warning: { error: CallboxError };
}

/**
 * A local store as the SDK uses it: one access after the other, and with memory in its place once it fails or does not
 * answer. Nothing here rejects. @internal
 */
export class ReliableStore extends Island<ReliableStoreEvents> {
  readonly #chosen: LocalStore;
  #used: LocalStore;
  #outlivesPage: boolean;
  #last: Promise<unknown> = Promise.resolve();

  constructor(world: World, choice: LocalStoreChoice) {
    super(world);
    this.#outlivesPage = choice !== 'memory';
    this.#chosen = this.#used = storeOf(world, choice);
  }

  /** Whether the next page load finds what is kept. */
  get outlivesPage(): boolean {
    return this.#outlivesPage;
  }

  /** Everything in this area. */
  load(area: string): Promise<readonly LocalRecord[]> {
    return this.#orGiveUp(
      this.#inTurn((store) => store.load(area)),
      [],
    );
  }

  /** Makes the change, and answers whether it was allowed. */
  write(area: string, change: LocalChange): Promise<boolean> {
    return this.#inTurn((store) => store.write(area, change));
  }

  /** Forgets everything in these areas; also what a store that failed meanwhile has from before. */
  async clear(...areas: string[]): Promise<void> {
    const change: LocalChange = { clear: true, records: [] };
    const cleared = areas.map((area) => this.write(area, change));
    await this.#orGiveUp(Promise.all(cleared), []);
    if (this.#used === this.#chosen) return;
    try {
      const forgotten = areas.map(async (area) => await this.#chosen.write(area, change));
      await this.#inTime(Promise.all(forgotten));
    } catch (cause) {
      const error = clientError('store_failed', { message: NOT_FORGOTTEN, cause });
      this.emit('warning', { error });
    }
  }

  /** Someone waits for this access: a store that does not answer in time has failed. */
  async #orGiveUp<Result>(access: Promise<Result>, otherwise: Result): Promise<Result> {
    if (!this.#outlivesPage) return access;
    try {
      return await this.#inTime(access);
    } catch (cause) {
      this.#giveUp(cause);
      return otherwise;
    }
  }

  async #inTime<Result>(access: Promise<Result>): Promise<Result> {
    let timer: Timer | null = null;
    const late = new Promise<never>((_resolve, reject) => {
      timer = this.world.setTimeout(() => reject(clientError('timeout')), TIMEOUT_MS);
    });
    try {
      return await Promise.race([access, late]);
    } finally {
      this.world.clearTimeout(timer);
    }
  }

  #inTurn<Result>(access: (store: LocalStore) => Result | Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => this.#try(access));
    this.#last = result;
    return result;
  }

  async #try<Result>(access: (store: LocalStore) => Result | Promise<Result>): Promise<Result> {
    try {
      return await access(this.#used);
    } catch (cause) {
      this.#giveUp(cause);
      return await access(this.#used);
    }
  }

  /**
   * What was kept stays until the user signs out: a whole of an earlier moment, from which a later page load can go on.
   */
  #giveUp(cause: unknown): void {
    if (!this.#outlivesPage) return;
    this.#outlivesPage = false;
    this.#used = memoryLocalStore();
    // Nobody waits any longer for what is under way.
    this.#last = Promise.resolve();
    this.emit('warning', { error: clientError('store_failed', { message: NOT_KEPT, cause }) });
  }
}

function storeOf(world: World, choice: LocalStoreChoice): LocalStore {
  if (typeof choice === 'object') return choice;
  return choice === 'memory' ? memoryLocalStore() : indexedDBStore(world.indexedDB);
}

const NOT_KEPT =
  'Messages cannot be kept here: those that wait to be sent are lost when this page is closed or loaded again. Check whether the browser lets this page store data.';
const NOT_FORGOTTEN =
  'Messages of the user who signed out may still be on this device. Remove the data of this page in the settings of the browser.';
/** Some browsers never answer where they refuse to store anything. */
const TIMEOUT_MS = 5_000;
