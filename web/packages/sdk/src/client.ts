import type { ErrorInfo } from '@callbox/wire';
import { Calls } from './calls/calls.js';
import { Connection } from './connection.js';
import { Directory } from './directory.js';
import { type CallboxError, asCallboxError, clientError } from './errors.js';
import { EventLog } from './event-log.js';
import type { ReplyFrame, ServerFrame, UnknownFrame, Welcome } from './frames.js';
import { Http } from './http.js';
import { type LocalStoreChoice, ReliableStore } from './local-store.js';
import { type LocalState, Messages } from './messages.js';
import { Outbox } from './outbox.js';
import { Presence } from './presence.js';
import { type Outcome, Recovery, inWords, meansToLeave, reasonOf } from './recovery.js';
import { Renewal, oneQuestion } from './renewal.js';
import { SessionKeeper, type SignInOptions } from './session.js';
import type { StoreChoice, StoredSession } from './session-store.js';
import { Sessions } from './sessions.js';
import type {
  ConnectionChange,
  ConnectionState,
  Credential,
  CredentialsReason,
  SessionEndReason,
  SignedIn,
} from './types.js';
import { Island, type World, createWorld, delay, randomId } from './world.js';

/** How a client is set up. */
export interface ClientOptions {
  /** Where the server is; the page's own origin where it is left out. */
  url?: string;
  /** Which app. */
  appKey: string;
  /** Where the session is kept between page loads; in memory where it is left out. */
  sessionStore?: StoreChoice;
  /**
   * Where messages are kept between page loads, those that were seen and those that wait to be sent, until the user signs
   * out; in memory where it is left out.
   */
  localStore?: LocalStoreChoice;
  /**
   * Gives a credential when the session needs one: a fresh ticket or JWT of the same user for its `renewal`, any credential
   * when it is over. Rejects where there is none: then whoever is signed in stays so until the session ends. It is never
   * asked twice at a time, and not after somebody signed out.
   */
  onCredentialsNeeded?: (reason: CredentialsReason) => Promise<Credential> | Credential;
  /**
   * Only lets calls go through a relay, so that the other side does not learn this device's addresses. Where it is left out,
   * each call says it for itself; where the app's settings say it, it holds in any case.
   */
  relayOnly?: boolean;
  /** Parts of the environment to use instead of its own. */
  world?: Partial<World>;
}

/** What {@link CallboxClient} tells. */
export interface ClientEvents {
  /** The connection changed. */
  connection: ConnectionChange;
  /** The session changed without `signIn`: it was renewed, or another took its place, perhaps of another user. */
  session: SignedIn;
  /**
   * The session is over without `signOut`, and no credential was to be had: sign in again. The message of `error` says why
   * in words.
   */
  sessionEnded: { error: CallboxError; reason: SessionEndReason };
  /** Something does not work as it was asked for, and the client goes on without: the store, or the renewal. */
  warning: { error: CallboxError };
  /** A frame that this version does not know, or an error that belongs to no request. */
  unknown: UnknownFrame;
}

/**
 * One user of one app on one device: signs in, stays connected, and has messages, presence, the directory and calls.
 */
export class CallboxClient extends Island<ClientEvents> {
  /** Messages, conversations, receipts, and who writes. */
  readonly messages: Messages;
  /** Who is there. */
  readonly presence: Presence;
  /** The users of the app. */
  readonly directory: Directory;
  /** Calls. */
  readonly calls: Calls;
  /** Where the user is signed in. */
  readonly sessions: Sessions;

  readonly #http: Http;
  readonly #keeper: SessionKeeper;
  readonly #renewal: Renewal;
  readonly #recovery: Recovery;
  readonly #connection: Connection;
  readonly #log: EventLog;
  readonly #outbox: Outbox;
  readonly #connectionId: string;
  readonly #appKey: string;
  readonly #store: ReliableStore;
  /** Counts sign-ins, so that one that was overtaken by another is noticed. */
  #turn = 0;
  /** The turn in which a session is looked for in the place of the one that is over. */
  #recovering = -1;

  constructor(options: ClientOptions) {
    const world = createWorld(options.world);
    super(world);
    const baseUrl = (options.url ?? world.origin ?? '').replace(/\/+$/, '');
    if (!/^https?:\/\//.test(baseUrl)) throw new TypeError(BAD_URL);
    const { appKey, sessionStore: store = 'memory', onCredentialsNeeded } = options;
    this.#appKey = appKey;
    this.#store = new ReliableStore(world, options.localStore ?? 'memory');
    this.#connectionId = randomId(world);
    this.#http = new Http(world, baseUrl);
    this.#keeper = new SessionKeeper(world, this.#http, { appKey, store });
    const ask = onCredentialsNeeded ? oneQuestion(onCredentialsNeeded) : null;
    this.#renewal = new Renewal(world, this.#keeper, ask);
    this.#recovery = new Recovery(world, this.#keeper, ask);
    this.#log = new EventLog(world);
    const identity = { baseUrl, connectionId: this.#connectionId, cursor: () => this.#log.cursor };
    this.#connection = new Connection(world, identity);
    this.#outbox = new Outbox(world, (frame) => this.#connection.send(frame));

    const requests = this.#outbox;
    const get = <Answer>(path: string, query?: Parameters<Http['get']>[1]): Promise<Answer> =>
      this.#http.get<Answer>(path, query);
    const userId = (): string | null => this.user?.id ?? null;
    this.messages = new Messages(world, {
      requests,
      get,
      userId,
      store: this.#store,
      pageId: this.#connectionId,
      cursor: () => this.#log.handledCursor,
    });
    this.presence = new Presence(world, requests);
    this.directory = new Directory(world, get);
    this.calls = new Calls(world, {
      requests,
      postKeepalive: (path, body) => this.#http.postKeepalive(path, body),
      ice: (callId) => get('/v1/ice-servers', { callId }),
      relayOnly: options.relayOnly ?? false,
      identity: () => this.user && { userId: this.user.id, connectionId: this.#connectionId },
    });
    this.sessions = new Sessions({
      get,
      delete: (path) => this.#http.delete(path),
      sessionId: () => this.session?.id ?? null,
      signOut: () => this.signOut(),
    });
    this.#connect();
  }

  /** Who is signed in. */
  get user(): SignedIn['user'] | null {
    return this.#keeper.current?.user ?? null;
  }

  /** On which session. */
  get session(): SignedIn['session'] | null {
    return this.#keeper.current?.session ?? null;
  }

  /** How the connection is. */
  get connection(): ConnectionState {
    return this.#connection.state;
  }

  /** Signs in, then connects. Who was signed in here before is signed out. */
  async signIn(credential: Credential, options: SignInOptions = {}): Promise<SignedIn> {
    const turn = (this.#turn += 1);
    const stored = await this.#keeper.open(credential, options);
    if (turn !== this.#turn) throw clientError('closed');
    // The old session is ended as well as can be: its failing must not keep anyone out.
    if (this.user) await this.signOut().catch(() => undefined);
    this.#turn = turn;
    const local = await this.#read(stored);
    if (turn !== this.#turn) throw clientError('closed');
    this.#keeper.begin(stored, options.store);
    this.#use(stored, local);
    return this.#goOn(stored);
  }

  /**
   * Goes on with the session of the last page load; `null` where there is none, or where it is over. `store` says where to
   * look, if not where the client's `sessionStore` says.
   */
  async resume(options: Pick<SignInOptions, 'store'> = {}): Promise<SignedIn | null> {
    const turn = (this.#turn += 1);
    const stored = await this.#keeper.load(options.store);
    if (turn !== this.#turn) throw clientError('closed');
    if (!stored) return null;
    const verifying = this.#keeper.verify(stored).catch(asNetworkError);
    const local = await this.#read(stored);
    // With something to show, a network that keeps silent is not waited for: the socket finds out.
    const patience = local.seen.place && delay(this.world, VERIFY_PATIENCE_MS).then(() => stored);
    const found = await (patience ? Promise.race([verifying, patience]) : verifying);
    if (turn !== this.#turn) throw clientError('closed');
    const isGood = 'token' in found;
    this.#keeper.take(isGood ? found : stored);
    this.#use(stored, local);
    return isGood ? this.#goOn(found) : this.#recover(found);
  }

  /**
   * Ends the session on the server and forgets it. Rejects with `network` where the server could not be told; it is
   * forgotten here all the same.
   */
  async signOut(): Promise<void> {
    this.#turn += 1;
    const { current } = this.#keeper;
    if (!current) return;
    this.calls.hangUpAll();
    this.#log.flush();
    const ended = this.#keeper.end();
    this.#leave(clientError('closed'));
    await Promise.all([ended, this.#clear(current)]);
  }

  /** Connects at once: after `close()`, after the server stopped the connection, or instead of waiting any longer. */
  connect(): void {
    const { current } = this.#keeper;
    if (!current) throw clientError('not_signed_in');
    if (this.connection === 'waiting') this.#connection.hurry();
    if (this.connection === 'stopped') this.#goOn(current);
  }

  /** Disconnects without signing out, and hangs up. Messages that wait go on waiting. */
  close(): void {
    this.#turn += 1;
    if (!this.user) return;
    this.calls.hangUpAll();
    this.#log.flush();
    this.#renewal.stop();
    this.#connection.stop('stopped');
  }

  /** What is kept of the user of this session. */
  #read({ user }: StoredSession): Promise<LocalState> {
    return this.messages.read(this.#areaOf(user.id), user.id);
  }

  /** Goes on where the user was. Messages and the place in the log are kept together: where they are, that place counts. */
  #use(stored: StoredSession, local: LocalState): void {
    this.#log.reset(local.seen.place?.cursor ?? stored.cursor);
    this.#outbox.open();
    this.messages.use(local);
  }

  /** Nothing of the user of this session stays on this device. */
  #clear({ user }: StoredSession): Promise<void> {
    return this.messages.clear(this.#areaOf(user.id));
  }

  #areaOf(userId: string): string {
    return `${this.#appKey} ${userId}`;
  }

  #goOn({ token, user, session }: StoredSession): SignedIn {
    this.#connection.start(token);
    this.#renewal.start();
    return { user, session };
  }

  /** Nobody is signed in any more. */
  #leave(error: CallboxError, shown?: CallboxError): void {
    this.#renewal.stop();
    this.#outbox.close(error);
    this.messages.handleSignedOut(error);
    this.presence.handleSignedOut(error);
    this.calls.handleSignedOut();
    this.#connection.stop('signed-out', shown);
    this.#log.reset(null);
  }

  #handleSessionEnded(error: CallboxError): void {
    if (this.user && this.#recovering !== this.#turn) void this.#recover(error);
  }

  /** The session is over: goes on with another, or with nobody. What waits goes on waiting until that is known. */
  async #recover(error: CallboxError): Promise<SignedIn | null> {
    const turn = (this.#recovering = this.#turn += 1);
    this.#renewal.stop();
    this.calls.handleSignedOut();
    this.#connection.suspend(error);
    return this.#recovery.find(
      error,
      () => turn === this.#turn,
      async (outcome) => (turn === this.#turn ? this.#follow(outcome) : null),
    );
  }

  async #follow(outcome: Outcome): Promise<SignedIn | null> {
    if (outcome.origin === 'none') {
      this.#recovering = -1;
      await this.#end(outcome.error);
      return null;
    }
    const { origin, stored } = outcome;
    const turn = this.#turn;
    const isOther = this.user?.id !== stored.user.id;
    const local = isOther ? await this.#read(stored) : null;
    if (turn !== this.#turn) return null;
    this.#recovering = -1;
    if (origin === 'tab') this.#keeper.take(stored);
    const kept = origin === 'server' ? this.#replace(stored, local) : null;
    const signedIn = this.#goOn(stored);
    await kept;
    this.emit('session', signedIn);
    return signedIn;
  }

  /** The same user goes on where they were; with another one, nothing of the first is left. */
  async #replace(stored: StoredSession, local: LocalState | null): Promise<void> {
    const { current } = this.#keeper;
    if (!local || !current) {
      await this.#keeper.replace({ ...stored, cursor: current?.cursor ?? null });
      return;
    }
    this.#leave(clientError('closed'));
    const cleared = this.#clear(current);
    const kept = this.#keeper.replace(stored);
    this.#use(stored, local);
    await Promise.all([cleared, kept]);
  }

  async #end(over: CallboxError): Promise<void> {
    const error = inWords(over);
    const reason = reasonOf(error);
    const { current } = this.#keeper;
    const forgotten = this.#keeper.forget();
    this.#leave(error, error);
    // Whoever comes back after another end finds everything as it was.
    const cleared = current && meansToLeave(reason) ? this.#clear(current) : null;
    this.emit('sessionEnded', { error, reason });
    await Promise.all([forgotten, cleared]);
  }

  /** This session has another token, or another session of the user took its place; here or in another tab. */
  #handleRenewed(isSameSession: boolean): void {
    const { current } = this.#keeper;
    if (!current || this.#recovering === this.#turn) return;
    const { token, user, session } = current;
    if (isSameSession) this.#connection.setToken(token);
    else if (this.connection !== 'stopped') this.#connection.start(token);
    this.emit('session', { user, session });
  }

  /** The wiring: who hears whom. The parts meet nowhere else: each takes frames and tells events. */
  #connect(): void {
    this.#connection.on('change', (change) => this.emit('connection', change));
    this.#connection.on('sessionEnded', (error) => this.#handleSessionEnded(error));
    this.#keeper.on('warning', (warning) => this.emit('warning', warning));
    this.#keeper.on('taken', ({ isSameSession }) => {
      if (this.connection !== 'stopped' && this.#recovering !== this.#turn) this.#renewal.start();
      this.#handleRenewed(isSameSession);
    });
    this.#renewal.on('warning', (warning) => this.emit('warning', warning));
    this.#renewal.on('renewed', ({ isSameSession }) => this.#handleRenewed(isSameSession));
    this.#connection.on('lost', () => {
      this.#log.handleLost();
      this.#outbox.handleLost();
    });
    this.#connection.on('welcome', (welcome) => this.#handleWelcome(welcome));
    this.#connection.on('frame', (frame) => this.#handleFrame(frame));
    this.#outbox.on('silent', (error) => this.#connection.restart(error));
    this.#log.on('ack', ({ seq }) => this.#connection.send({ type: 'ack', seq }));
    this.#log.on('probe', ({ id }) => this.#connection.send({ type: 'ping', id }));
    this.#store.on('warning', (warning) => this.emit('warning', warning));
    this.#log.on('cursor', ({ cursor }) => {
      this.messages.handleCursor();
      // Only one store has the place in the log: the one that has the messages up to there, if it outlives the page.
      this.#keeper.saveCursor(this.#store.outlivesPage ? null : cursor);
    });
    this.world.onEvent('pagehide', () => this.#log.flush());
    this.#log.on('stale', ({ restored, serverTime }) => {
      this.messages.handleStale(restored, serverTime);
    });
    this.#http.on('sessionEnded', ({ token, error }) => {
      if (token === this.#keeper.current?.token) this.#handleSessionEnded(error);
    });
  }

  #handleWelcome(welcome: Welcome): void {
    if (this.#log.cursor === null) this.messages.handleFirstWelcome(welcome.serverTime);
    this.#log.handleWelcome(welcome);
    this.#outbox.handleWelcome();
    this.messages.handleWelcome();
    this.presence.handleWelcome();
    this.calls.handleWelcome(welcome);
  }

  /** Logged frames go by the log first: each is handled once, in order, and acknowledged after it was handled. */
  #handleFrame(frame: UnknownFrame): void {
    const { seq } = frame;
    if (typeof seq !== 'number') {
      this.#dispatchSafely(frame);
      return;
    }
    const verdict = this.#log.take(seq);
    if (verdict === 'gap') this.#connection.restart(clientError('network'));
    if (verdict !== 'next') return;
    this.#dispatchSafely(frame);
    this.#log.done(seq);
  }

  /** A frame that is not what it says must not stop those after it. */
  #dispatchSafely(frame: UnknownFrame): void {
    try {
      if (!this.#dispatch(frame as unknown as ServerFrame)) this.emit('unknown', frame);
    } catch (error) {
      this.world.report(error);
      this.emit('unknown', frame);
    }
  }

  /** Hands a frame to its island; `false` where there is none for it. */
  #dispatch(frame: ServerFrame): boolean {
    switch (frame.type) {
      case 'message.created':
        this.messages.handleCreated(frame);
        return true;
      case 'receipt.changed':
        this.messages.handleReceipt(frame);
        return true;
      case 'typing':
        this.messages.handleTyping(frame);
        return true;
      case 'presence.changed':
        this.presence.handleChanged(frame);
        return true;
      case 'directory.changed':
        this.directory.handleChanged(frame);
        return true;
      case 'call.ended':
        this.calls.handleEnded(frame);
        return true;
      case 'call.incoming':
      case 'call.live':
      case 'call.ringing':
      case 'call.accepted':
      case 'call.described':
      case 'call.candidate_added':
      case 'call.connected':
      case 'call.muted':
        this.calls.handleFrame(frame);
        return true;
      case 'error':
        return frame.re !== null && (this.#outbox.handleReply(frame) || isTooLate(frame.error));
      case 'pong':
        this.#log.handlePong(frame.re);
        return true;
      case 'welcome':
        return true;
      default:
        return this.#handleReply(frame);
    }
  }

  /** Everything else that this version knows answers a request; an answer that nobody waits for any more is no news. */
  #handleReply(frame: ReplyFrame): boolean {
    if (!REPLIES.has(frame.type)) return false;
    this.#outbox.handleReply(frame);
    return true;
  }
}

function asNetworkError(error: unknown): CallboxError {
  return asCallboxError(error, 'network');
}

/** What was told of a call that somebody ended or answered meanwhile: other frames tell that too. */
function isTooLate({ code }: ErrorInfo): boolean {
  return code === 'call_ended' || code === 'call_answered_elsewhere' || code === 'call_not_found';
}

/** One name for each type of reply: the compiler asks for those that are missing. */
const REPLY_NAMES: Record<Exclude<ReplyFrame['type'], 'error' | 'welcome' | 'pong'>, true> = {
  'message.accepted': true,
  'receipt.recorded': true,
  'presence.state': true,
  'call.started': true,
  'call.joined': true,
  'call.left': true,
};
const REPLIES: ReadonlySet<string> = new Set(Object.keys(REPLY_NAMES));
const VERIFY_PATIENCE_MS = 3_000;
const BAD_URL =
  'CallboxClient needs the address of the server, such as { url: "https://chat.example.com" }.';
