import type { User } from '@callbox/wire';
import { asCallboxError, endsSession } from './errors.js';
import type { Device, Session, SignInAnswer } from './frames.js';
import { type Http, noRetries } from './http.js';
import type { Credential, SignedIn } from './types.js';

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

/** Extras of a sign-in. */
export interface SignInOptions {
  /** What this device is, for people. */
  device?: Device;
  /** Wished life of the session in seconds; a day where it is left out. */
  expiresIn?: number;
}

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
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>,
  name = 'callbox',
): SessionStore {
  return {
    load: () => readStored(storage.getItem(name)),
    save: (stored) => storage.setItem(name, JSON.stringify(stored)),
    clear: () => storage.removeItem(name),
  };
}

/** Who is signed in: opens, resumes and ends sessions, and keeps them in the store. @internal */
export class SessionKeeper {
  readonly #http: Http;
  readonly #appKey: string;
  readonly #store: SessionStore;
  readonly #report: (error: unknown) => void;
  #current: StoredSession | null = null;

  constructor(
    http: Http,
    options: { appKey: string; store: SessionStore; report: (error: unknown) => void },
  ) {
    this.#http = http;
    this.#appKey = options.appKey;
    this.#store = options.store;
    this.#report = options.report;
  }

  /** The session of now. */
  get current(): StoredSession | null {
    return this.#current;
  }

  /** Opens a session on the server. */
  async open(credential: Credential, options: SignInOptions): Promise<StoredSession> {
    const body = { ...credential, ...options };
    const answer = await this.#http.postAsApp<SignInAnswer>('/v1/sessions', body, this.#appKey);
    const { token, session, user } = answer;
    return { token, session, user, cursor: null };
  }

  /** Makes `stored` the session of now. */
  begin(stored: StoredSession): void {
    this.#current = stored;
    this.#http.setToken(stored.token);
    this.#keep(() => this.#store.save(stored));
  }

  /**
   * The stored session, if the server still takes it. A server that cannot be reached is given the benefit of the
   * doubt: the socket finds out.
   */
  async resume(): Promise<StoredSession | null> {
    const stored = await this.#store.load();
    if (!stored) return null;
    this.#http.setToken(stored.token);
    try {
      const answer = await this.#http.get<SignedIn>('/v1/session', {}, noRetries);
      return { ...stored, session: answer.session, user: answer.user };
    } catch (thrown) {
      const error = asCallboxError(thrown, 'network');
      if (!endsSession(error)) return stored;
      this.forget();
      return null;
    }
  }

  /** Remembers how far the events were handled. */
  saveCursor(cursor: string): void {
    if (!this.#current || this.#current.cursor === cursor) return;
    const stored = { ...this.#current, cursor };
    this.#current = stored;
    this.#keep(() => this.#store.save(stored));
  }

  /** Ends the session on the server; it is forgotten here whether or not the server could be told. */
  async end(): Promise<void> {
    const ended = this.#http.delete('/v1/session');
    this.forget();
    try {
      await ended;
    } catch (thrown) {
      const error = asCallboxError(thrown, 'network');
      if (!endsSession(error)) throw error;
    }
  }

  /** Forgets the session here. */
  forget(): void {
    this.#current = null;
    this.#http.setToken(null);
    this.#keep(() => this.#store.clear());
  }

  /** A store that fails (full, forbidden) must not stop the client. */
  #keep(action: () => void | Promise<void>): void {
    void (async () => action())().catch(this.#report);
  }
}

/** What a browser kept; anything else than a session counts as nothing. */
function readStored(text: string | null): StoredSession | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<StoredSession> | null;
    const good = typeof value?.token === 'string' && value.session && value.user;
    return good ? { cursor: null, ...(value as Omit<StoredSession, 'cursor'>) } : null;
  } catch {
    return null;
  }
}
