import { type CallboxError, asCallboxError, endsSession } from './errors.js';
import type { Device, SignInAnswer } from './frames.js';
import { type Http, noRetries } from './http.js';
import { SharedStore, type StoreChoice, type StoredSession, isStored } from './session-store.js';
import type { Credential, SignedIn } from './types.js';
import { type Channel, Island, type World } from './world.js';

/** Extras of a sign-in. */
export interface SignInOptions {
  /** What this device is, for people. */
  device?: Device;
  /** Wished life of the session in seconds, also when it is renewed; a day where it is left out. */
  expiresIn?: number;
  /**
   * Where the user has as many sessions as the app allows: `false` refuses the sign-in, otherwise the session that was
   * used least ends for this one.
   */
  force?: boolean;
  /** Where this session is kept; where the client's `sessionStore` says when it is left out. */
  store?: StoreChoice;
}

/** What {@link SessionKeeper} tells. */
export interface SessionKeeperEvents {
  /** Another tab renewed this session, or signed the same user in again. */
  taken: { isSameSession: boolean };
  /** The store failed; the session is kept in memory. */
  warning: { error: CallboxError };
}

/** Who is signed in: opens, resumes, renews and ends sessions, and keeps them in the store. @internal */
export class SessionKeeper extends Island<SessionKeeperEvents> {
  readonly #http: Http;
  readonly #appKey: string;
  readonly #choice: StoreChoice;
  #used: StoreChoice;
  #store: SharedStore;
  #current: StoredSession | null = null;
  #channel: Channel | null = null;

  constructor(world: World, http: Http, options: { appKey: string; store: StoreChoice }) {
    super(world);
    this.#http = http;
    this.#appKey = options.appKey;
    this.#choice = this.#used = options.store;
    this.#store = this.#open(options.store);
  }

  /** The session of now. */
  get current(): StoredSession | null {
    return this.#current;
  }

  /** Opens a session on the server. */
  async open(credential: Credential, options: SignInOptions): Promise<StoredSession> {
    const { device, expiresIn, force } = options;
    const body = { ...credential, device, expiresIn, force };
    const answer = await this.#http.postAsApp<SignInAnswer>('/v1/sessions', body, this.#appKey);
    return this.#received(answer, { cursor: null, ...(expiresIn !== undefined && { expiresIn }) });
  }

  /** Makes `stored`, which the server just gave, the session of now, and keeps it in this store from now on. */
  begin(stored: StoredSession, store: StoreChoice = this.#choice): void {
    this.#use(store);
    void this.replace(stored);
  }

  /** Makes `stored`, which the server just gave, the session of now, and tells the other tabs on the one of before. */
  replace(stored: StoredSession): Promise<void> {
    const kept = this.#store.replace(stored);
    if (this.#current) this.#channel?.post(stored);
    this.#become(stored);
    return kept;
  }

  /** Makes `stored`, which is in the store or with another tab, the session of now. */
  take(stored: StoredSession): void {
    // The place in the log is each tab's own, as long as it is the log of the same user.
    const isSameUser = this.#current?.user.id === stored.user.id;
    this.#become(isSameUser ? { ...stored, cursor: this.#current?.cursor ?? null } : stored);
  }

  /** The session that is in this store; requests are its own from now on. */
  async load(store: StoreChoice = this.#choice): Promise<StoredSession | null> {
    this.#use(store);
    const stored = await this.#store.load();
    if (stored) this.#http.setToken(stored.token);
    return stored;
  }

  /** The session of the same user that another tab put in the place of this one; `null` where none did. */
  async newer(): Promise<StoredSession | null> {
    const there = await this.#store.load();
    const { current } = this;
    if (!there || !current || there.token === current.token) return null;
    return there.user.id === current.user.id ? there : null;
  }

  /**
   * Asks the server whether a session is good. A server that cannot be reached is given the benefit of the doubt: the
   * socket finds out. Rejects with the error that says that the session is over.
   */
  async verify(stored: StoredSession): Promise<StoredSession> {
    try {
      return { ...stored, ...(await this.#http.get<SignedIn>('/v1/session', {}, noRetries)) };
    } catch (thrown) {
      const error = asCallboxError(thrown, 'network');
      if (endsSession(error)) throw error;
      return stored;
    }
  }

  /** Gives the session of now another token and another end. */
  async renew(fresh: Credential | null): Promise<void> {
    const before = this.#current;
    if (!before) return;
    const body = { ...fresh, expiresIn: before.expiresIn };
    const answer = await this.#http.post<SignInAnswer>('/v1/session/renew', body);
    const { current } = this;
    // Signed out meanwhile, or as someone else: what was renewed is of no use here.
    if (current?.token === before.token) await this.replace(this.#received(answer, current));
  }

  /** Runs `work` while no other tab on the session of now renews it or goes on without it. */
  async exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.world.exclusively(channelName(this.#current), work);
  }

  /** Remembers how far the events were handled; `null` where another store does. */
  saveCursor(cursor: string | null): void {
    if (!this.#current || this.#current.cursor === cursor) return;
    this.#current = { ...this.#current, cursor };
    void this.#store.update(this.#current);
  }

  /** Ends the session on the server; it is forgotten here whether or not the server could be told. */
  async end(): Promise<void> {
    const ended = this.#http.delete('/v1/session');
    const forgotten = this.forget();
    try {
      await ended;
    } catch (thrown) {
      const error = asCallboxError(thrown, 'network');
      if (!endsSession(error)) throw error;
    } finally {
      await forgotten;
    }
  }

  /** Forgets the session here. */
  async forget(): Promise<void> {
    const { current } = this;
    this.#current = null;
    this.#http.setToken(null);
    this.#leaveChannel();
    if (current) await this.#store.remove(current.token);
  }

  #use(choice: StoreChoice): void {
    if (choice === this.#used) return;
    this.#used = choice;
    this.#store = this.#open(choice);
  }

  #open(choice: StoreChoice): SharedStore {
    const store = new SharedStore(this.world, choice);
    store.on('warning', (warning) => this.emit('warning', warning));
    return store;
  }

  #become(stored: StoredSession): void {
    const before = this.#current;
    this.#current = stored;
    this.#http.setToken(stored.token);
    if (before?.session.id === stored.session.id && this.#channel) return;
    this.#leaveChannel();
    // What is only in memory is nobody else's.
    if (!this.#store.isShared) return;
    this.#channel = this.world.channel(channelName(stored), (data) => this.#hear(data));
  }

  /** Tabs that were duplicated have the same session in stores of their own: they go on with what the message says. */
  #hear(data: unknown): void {
    const before = this.#current;
    if (!before || !isStored(data) || data.user.id !== before.user.id) return;
    if (data.token === before.token) return;
    const stored = { ...data, cursor: before.cursor };
    void this.#store.replace(stored);
    this.#become(stored);
    this.emit('taken', { isSameSession: data.session.id === before.session.id });
  }

  #leaveChannel(): void {
    this.#channel?.close();
    this.#channel = null;
  }

  /** Times are those of the server; the wait is the same on a clock that is wrong. */
  #received(
    { token, session, user }: SignInAnswer,
    more: Pick<StoredSession, 'cursor' | 'expiresIn'>,
  ): StoredSession {
    const { cursor, expiresIn } = more;
    const life = Date.parse(session.expiresAt) - Date.parse(session.lastUsedAt);
    const part = RENEWAL_PART_MIN + this.world.random() * RENEWAL_PART_SPREAD;
    const renewAt = this.world.now() + (Math.round(life * part) || 0);
    return { token, session, user, cursor, renewAt, ...(expiresIn !== undefined && { expiresIn }) };
  }
}

function channelName(stored: StoredSession | null): string {
  return `callbox ${stored?.session.id ?? ''}`;
}

/** How much of its life is over when a session is renewed; spread, so that not all do it at once. */
const RENEWAL_PART_MIN = 0.8;
const RENEWAL_PART_SPREAD = 0.05;
