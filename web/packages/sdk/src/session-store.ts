import type { User } from '@callbox/wire';
import { type CallboxError, clientError } from './errors.js';
import type { Session } from './frames.js';
import { Island, type World } from './world.js';

/** What is kept between page loads. The token opens the session: keep it like a password. */
export interface StoredSession {
  /** The session's bearer token. */
  token: string;
  /** The session. */
  session: Session;
  /** Who is signed in. */
  user: User;
  /** The last event that was handled; `null` before the first connection. */
  cursor: string | null;
  /** When it is to be renewed, in milliseconds since 1970 by the clock of this device. */
  renewAt?: number;
  /** The life that the app wished for, in seconds; for renewals. */
  expiresIn?: number;
}

/** Where a session is kept between page loads. Each function may answer now or later. */
export interface SessionStore {
  /** What was saved last. */
  load(): StoredSession | null | Promise<StoredSession | null>;
  /** Keeps this instead of what was there. */
  save(stored: StoredSession): void | Promise<void>;
  /** Forgets. */
  clear(): void | Promise<void>;
}

/**
 * Where a session is kept: in `memory` (a reload signs out), in `sessionStorage` (this tab), in `localStorage` (all tabs
 * of this browser), or in a store of the app's own.
 */
export type StoreChoice = 'memory' | BrowserStorage | SessionStore;

/** The two storages of a browser. */
export type BrowserStorage = 'sessionStorage' | 'localStorage';

/** Keeps the session in memory: a reload of the page signs out. */
export function memorySessionStore(): SessionStore {
  let stored: StoredSession | null = null;
  return {
    load: () => stored,
    save: (next) => void (stored = next),
    clear: () => void (stored = null),
  };
}

/**
 * Keeps the session in the browser: `sessionStorage` for this tab, `localStorage` for all tabs of this browser. `name`
 * tells apart several apps on one origin.
 */
export function browserSessionStore(
  storage: BrowserStorage | Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>,
  name = 'callbox',
): SessionStore {
  // Looked up at each use: where a browser forbids it, even looking at it throws.
  const items = (): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> =>
    typeof storage === 'string' ? globalThis[storage] : storage;
  return {
    load: () => readStored(items().getItem(name)),
    save: (stored) => items().setItem(name, JSON.stringify(stored)),
    clear: () => items().removeItem(name),
  };
}

/** What {@link SharedStore} tells. */
export interface SharedStoreEvents {
  /** The store failed, and memory takes its place. */
  warning: { error: CallboxError };
}

/**
 * A store as the SDK uses it: one access after the other, with other tabs in mind that use it too, and with memory in its
 * place once it fails. Nothing here rejects. @internal
 */
export class SharedStore extends Island<SharedStoreEvents> {
  /** Whether anyone else can see what is kept. */
  readonly isShared: boolean;
  readonly #asked: SessionStore;
  #used: SessionStore;
  #last: Promise<unknown> = Promise.resolve();

  constructor(world: World, choice: StoreChoice) {
    super(world);
    this.isShared = choice !== 'memory';
    this.#asked = this.#used = storeOf(choice);
  }

  /** What is kept. */
  load(): Promise<StoredSession | null> {
    return this.#inTurn(() => this.#try((store) => store.load()));
  }

  /** Keeps this instead of what was there. */
  replace(stored: StoredSession): Promise<void> {
    return this.#inTurn(async () => {
      await this.#try((store) => store.save(stored));
    });
  }

  /** Keeps a change of what is there, unless it is another session by now. */
  update(stored: StoredSession): Promise<void> {
    return this.#inTurn(async () => {
      const there = await this.#try((store) => store.load());
      if (there?.token === stored.token) await this.#try((store) => store.save(stored));
    });
  }

  /** Forgets the session with this token, unless another is there by now. */
  remove(token: string): Promise<void> {
    return this.#inTurn(async () => {
      const there = await this.#try((store) => store.load());
      if (there?.token === token) await this.#try((store) => store.clear());
    });
  }

  async #inTurn<Result>(access: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(access);
    this.#last = result;
    return result;
  }

  async #try<Result>(access: (store: SessionStore) => Result | Promise<Result>): Promise<Result> {
    try {
      return await access(this.#used);
    } catch (cause) {
      if (this.#used === this.#asked) await this.#giveUp(cause);
      return access(this.#used);
    }
  }

  /** What an earlier session left behind must not come back at the next page load. */
  async #giveUp(cause: unknown): Promise<void> {
    this.#used = memorySessionStore();
    try {
      await this.#asked.clear();
    } catch {
      // It failed already, and that is told.
    }
    this.emit('warning', { error: clientError('store_failed', { cause }) });
  }
}

function storeOf(choice: StoreChoice): SessionStore {
  if (typeof choice === 'object') return choice;
  return choice === 'memory' ? memorySessionStore() : browserSessionStore(choice);
}

/** What a browser kept; anything else than a session counts as nothing. */
function readStored(text: string | null): StoredSession | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isStored(value) ? { ...value, cursor: value.cursor ?? null } : null;
  } catch {
    return null;
  }
}

/** Whether this is a session as a store or another tab gives it. @internal */
export function isStored(value: unknown): value is StoredSession {
  const { token, session, user } = (value ?? {}) as Partial<StoredSession>;
  return typeof token === 'string' && Boolean(session) && Boolean(user);
}
