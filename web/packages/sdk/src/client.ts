import type { ErrorInfo } from '@callbox/wire';
import { Calls } from './calls/calls.js';
import { Connection } from './connection.js';
import { Directory } from './directory.js';
import { type CallboxError, clientError } from './errors.js';
import { EventLog } from './event-log.js';
import type { ReplyFrame, ServerFrame, UnknownFrame, Welcome } from './frames.js';
import { Http } from './http.js';
import { Messages } from './messages.js';
import { Outbox } from './outbox.js';
import { Presence } from './presence.js';
import {
  SessionKeeper,
  type SessionStore,
  type SignInOptions,
  type StoredSession,
  memorySessionStore,
} from './session.js';
import type { ConnectionChange, ConnectionState, Credential, SignedIn } from './types.js';
import { Island, type World, createWorld, randomId } from './world.js';

/** How a client is set up. */
export interface ClientOptions {
  /** Where the server is; the page's own origin where it is left out. */
  url?: string;
  /** Which app. */
  appKey: string;
  /** Where the session is kept between page loads; in memory where it is left out. */
  sessionStore?: SessionStore;
  /** Parts of the environment to use instead of its own. */
  world?: Partial<World>;
}

/** What {@link CallboxClient} tells. */
export interface ClientEvents {
  /** The connection changed. */
  connection: ConnectionChange;
  /** The session is over without `signOut`: it expired, or was ended elsewhere. Sign in again. */
  sessionEnded: { error: CallboxError };
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

  readonly #http: Http;
  readonly #keeper: SessionKeeper;
  readonly #connection: Connection;
  readonly #log: EventLog;
  readonly #outbox: Outbox;
  readonly #connectionId: string;
  /** Counts sign-ins, so that one that was overtaken by another is noticed. */
  #turn = 0;

  constructor(options: ClientOptions) {
    const world = createWorld(options.world);
    super(world);
    const baseUrl = (options.url ?? world.origin ?? '').replace(/\/+$/, '');
    if (!/^https?:\/\//.test(baseUrl)) throw new TypeError(BAD_URL);
    const { appKey, sessionStore: store = memorySessionStore() } = options;
    this.#connectionId = randomId(world);
    this.#http = new Http(world, baseUrl);
    this.#keeper = new SessionKeeper(this.#http, { appKey, store, report: world.report });
    this.#log = new EventLog(world);
    const identity = { baseUrl, connectionId: this.#connectionId, cursor: () => this.#log.cursor };
    this.#connection = new Connection(world, identity);
    this.#outbox = new Outbox(world, (frame) => this.#connection.send(frame));

    const requests = this.#outbox;
    const get = <Answer>(path: string, query?: Parameters<Http['get']>[1]): Promise<Answer> =>
      this.#http.get<Answer>(path, query);
    const userId = (): string | null => this.user?.id ?? null;
    this.messages = new Messages(world, { requests, get, userId });
    this.presence = new Presence(world, requests);
    this.directory = new Directory(world, get);
    this.calls = new Calls(world, {
      requests,
      postKeepalive: (path, body) => this.#http.postKeepalive(path, body),
      identity: () => this.user && { userId: this.user.id, connectionId: this.#connectionId },
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
    return this.#begin(stored);
  }

  /** Goes on with the session of the last page load; `null` where there is none, or where it is over. */
  async resume(): Promise<SignedIn | null> {
    const turn = (this.#turn += 1);
    const stored = await this.#keeper.resume();
    if (turn !== this.#turn) throw clientError('closed');
    return stored && this.#begin(stored);
  }

  /**
   * Ends the session on the server and forgets it. Rejects with `network` where the server could not be told; it is
   * forgotten here all the same.
   */
  async signOut(): Promise<void> {
    this.#turn += 1;
    if (!this.user) return;
    this.calls.hangUpAll();
    this.#log.flush();
    const ended = this.#keeper.end();
    this.#leave(clientError('closed'));
    await ended;
  }

  /** Connects at once: after `close()`, after the server stopped the connection, or instead of waiting any longer. */
  connect(): void {
    const { current } = this.#keeper;
    if (!current) throw clientError('not_signed_in');
    if (this.connection === 'waiting') this.#connection.hurry();
    if (this.connection !== 'stopped') return;
    this.#outbox.open();
    this.#connection.start(current.token);
  }

  /** Disconnects without signing out, and hangs up. Messages that wait go on waiting. */
  close(): void {
    this.#turn += 1;
    if (!this.user) return;
    this.calls.hangUpAll();
    this.#log.flush();
    this.#connection.stop('stopped');
  }

  #begin(stored: StoredSession): SignedIn {
    this.#keeper.begin(stored);
    this.#log.reset(stored.cursor);
    this.#outbox.open();
    this.#connection.start(stored.token);
    return { user: stored.user, session: stored.session };
  }

  /** Nobody is signed in any more. */
  #leave(error: CallboxError, shown?: CallboxError): void {
    this.#outbox.close(error);
    this.messages.handleSignedOut(error);
    this.presence.handleSignedOut(error);
    this.calls.handleSignedOut();
    this.#connection.stop('signed-out', shown);
    this.#log.reset(null);
  }

  #handleSessionEnded(error: CallboxError): void {
    if (!this.user) return;
    this.#turn += 1;
    this.#keeper.forget();
    this.#leave(error, error);
    this.emit('sessionEnded', { error });
  }

  /** The wiring: who hears whom. The parts meet nowhere else: each takes frames and tells events. */
  #connect(): void {
    this.#connection.on('change', (change) => this.emit('connection', change));
    this.#connection.on('sessionEnded', (error) => this.#handleSessionEnded(error));
    this.#connection.on('lost', () => {
      this.#log.handleLost();
      this.#outbox.handleLost();
    });
    this.#connection.on('welcome', (welcome) => this.#handleWelcome(welcome));
    this.#connection.on('frame', (frame) => this.#handleFrame(frame));
    this.#outbox.on('silent', (error) => this.#connection.restart(error));
    this.#log.on('ack', ({ seq }) => this.#connection.send({ type: 'ack', seq }));
    this.#log.on('cursor', ({ cursor }) => this.#keeper.saveCursor(cursor));
    this.#log.on('stale', () => this.messages.handleStale());
    this.#http.on('sessionEnded', ({ token, error }) => {
      if (token === this.#keeper.current?.token) this.#handleSessionEnded(error);
    });
  }

  #handleWelcome(welcome: Welcome): void {
    this.#log.handleWelcome(welcome);
    this.#outbox.handleWelcome();
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
      case 'welcome':
      case 'pong':
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
const BAD_URL =
  'CallboxClient needs the address of the server, such as { url: "https://chat.example.com" }.';
