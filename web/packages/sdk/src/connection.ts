import { CallboxError, clientError } from './errors.js';
import {
  type ClientFrame,
  SUBPROTOCOL,
  type UnknownFrame,
  type Welcome,
  encodeFrame,
  parseFrame,
} from './frames.js';
import { fullJitter } from './retry-policy.js';
import type { ConnectionChange, ConnectionState } from './types.js';
import { Island, type SocketLike, type Timer, type World, type WorldEvent } from './world.js';

/** What {@link Connection} tells. */
export interface ConnectionEvents {
  /** The state changed. */
  change: ConnectionChange;
  /** The server welcomed this connection: frames may be sent. */
  welcome: Welcome;
  /** A frame arrived, other than those of the handshake and the heartbeat. */
  frame: UnknownFrame;
  /** The socket is gone; what was not answered may or may not have reached the server. */
  lost: Record<string, never>;
  /** The server says that the session is over. */
  sessionEnded: CallboxError;
}

/** What a hello says. */
export interface ConnectionIdentity {
  /** Where the server is, with http or https. */
  baseUrl: string;
  /** Names this page load. */
  connectionId: string;
  /** The cursor of the moment, asked at each hello. */
  cursor: () => string | null;
}

/** One page load's line to the server: opens a socket, keeps it alive, and opens the next one when it is lost. */
export class Connection extends Island<ConnectionEvents> {
  readonly #identity: ConnectionIdentity;
  readonly #socketUrl: string;
  #token: string | null = null;
  #state: ConnectionState = 'signed-out';
  #socket: SocketLike | null = null;
  /** One timer serves all: there is never more than one thing to wait for. */
  #timer: Timer | null = null;
  #attempt = 0;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #heardAt = 0;
  #welcomedAt = 0;
  #pings = 0;
  #probing = false;
  #helloError: CallboxError | undefined;
  #forgetEvents: (() => void)[] = [];

  constructor(world: World, identity: ConnectionIdentity) {
    super(world);
    this.#identity = identity;
    this.#socketUrl = `${identity.baseUrl.replace(/^http/, 'ws')}/v1/socket`;
  }

  /** How it is. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects with this session and stays connected until `stop`. */
  start(token: string): void {
    this.#leave();
    this.#token = token;
    this.#attempt = 0;
    const reactions: [WorldEvent, () => void][] = [
      ['online', () => this.#handleNetwork(true)],
      ['networkchange', () => this.#handleNetwork(true)],
      ['visible', () => this.#handleNetwork(false)],
      ['offline', () => this.#probe()],
    ];
    this.#forgetEvents = reactions.map(([event, react]) => this.world.onEvent(event, react));
    this.#open();
  }

  /** Does not wait any longer for the next attempt. */
  hurry(): void {
    if (this.#state === 'waiting' && this.#token !== null) this.#openAfresh();
  }

  /** The session has another token: for the next hello. */
  setToken(token: string): void {
    if (this.#token !== null) this.#token = token;
  }

  /** Closes, and waits until it is started with a session to go on with. */
  suspend(error: CallboxError): void {
    this.#leave();
    this.#change({ state: 'waiting', error });
  }

  /** Closes and does not come back by itself. */
  stop(state: 'signed-out' | 'stopped', error?: CallboxError): void {
    this.#leave();
    this.#change({ state, ...(error && { error }) });
  }

  /** Gives up this socket and opens another, after a moment that grows when it does not help. */
  restart(error?: CallboxError): void {
    if (this.#state === 'online' || this.#state === 'connecting') this.#lose(error);
  }

  /** Sends a frame if the server welcomed this connection. */
  send(frame: ClientFrame): boolean {
    if (this.#state !== 'online') return false;
    return this.#write(frame);
  }

  #leave(): void {
    this.#token = null;
    for (const forget of this.#forgetEvents.splice(0)) forget();
    this.#drop();
  }

  #open(): void {
    const { WebSocket } = this.world;
    if (!WebSocket) {
      this.stop('stopped', clientError('network', { message: NO_WEBSOCKET, retry: 'never' }));
      return;
    }
    this.#drop();
    this.#helloError = undefined;
    this.#change({ state: 'connecting' });
    this.#wait(HANDSHAKE_TIMEOUT_MS, () => this.#lose(clientError('timeout')));
    try {
      this.#listen(new WebSocket(this.#socketUrl, [SUBPROTOCOL]));
    } catch (cause) {
      this.#lose(clientError('network', { cause }));
    }
  }

  #openAfresh(): void {
    this.#attempt = 0;
    this.#open();
  }

  #listen(socket: SocketLike): void {
    this.#socket = socket;
    // A socket that was given up may still speak: only the current one is heard.
    const current = (): boolean => this.#socket === socket;
    socket.onopen = () => {
      if (current()) this.#hello();
    };
    socket.onmessage = (event: { data: unknown }) => {
      if (current()) this.#hear(parseFrame(event.data));
    };
    socket.onclose = (event: { code: number; reason: string }) => {
      if (current()) this.#handleClose(event.code, event.reason);
    };
    // A close follows, and says as much as browsers tell. Node wants a listener all the same.
    socket.onerror = () => undefined;
  }

  #hello(): void {
    const cursor = this.#identity.cursor();
    const { connectionId } = this.#identity;
    const token = this.#token ?? '';
    this.#write({ type: 'hello', id: HELLO_ID, token, connectionId, ...(cursor && { cursor }) });
  }

  #hear(frame: UnknownFrame): void {
    this.#heardAt = this.world.now();
    if (this.#probing) this.#beat();
    if (this.#state === 'online') this.emit('frame', frame);
    else if (frame.type === 'welcome') this.#handleWelcome(frame as unknown as Welcome);
    else if (frame.type === 'error') this.#handleHelloError(frame);
    else this.emit('frame', frame);
  }

  #handleWelcome(welcome: Welcome): void {
    this.#heartbeatMs = welcome.heartbeatSeconds * 1000 || DEFAULT_HEARTBEAT_MS;
    this.#welcomedAt = this.world.now();
    this.#beat();
    this.#change({ state: 'online' });
    this.emit('welcome', welcome);
  }

  /** A close with its code follows; this only says it in better words. */
  #handleHelloError(frame: UnknownFrame): void {
    const info = frame['error'] as { code?: unknown; message?: unknown } | undefined;
    if (typeof info?.code !== 'string' || typeof info.message !== 'string') return;
    this.#helloError = new CallboxError({ code: info.code, message: info.message });
  }

  #handleClose(code: number, reason: string): void {
    if (code < STOP_CODES.from || code > STOP_CODES.to || code === REPLACED) {
      this.#lose(clientError('network', { details: { closeCode: code } }));
      return;
    }
    const error = this.#helloError ?? closeError(code, reason);
    this.#socket = null;
    this.emit('lost', {});
    if (code === SESSION_ENDED) this.emit('sessionEnded', error);
    else this.stop('stopped', error);
  }

  /** The socket is of no use any more: wait, then open the next one. */
  #lose(error?: CallboxError): void {
    const stable = this.#state === 'online' && this.world.now() - this.#welcomedAt >= STABLE_MS;
    if (stable) this.#attempt = 0;
    this.#drop();
    if (this.#token === null) return;
    const wait = fullJitter(this.#attempt, () => this.world.random());
    this.#attempt += 1;
    this.#wait(wait, () => this.#open());
    this.#change({ state: 'waiting', retryInSeconds: wait / 1000, ...(error && { error }) });
  }

  /** The way to the server may be better now: do not wait any longer, and do not trust what is open. */
  #handleNetwork(isNew: boolean): void {
    if (this.#state === 'waiting' || (isNew && this.#state === 'connecting')) this.#openAfresh();
    else this.#probe();
  }

  /** Asks whether the other end is still there, with little patience. */
  #probe(): void {
    if (this.#state === 'online' && !this.#probing) this.#ping(PROBE_TIMEOUT_MS);
  }

  /** Waits until nothing was heard for one heartbeat. */
  #beat(): void {
    this.#probing = false;
    const silence = Math.max(0, this.world.now() - this.#heardAt);
    if (silence >= this.#heartbeatMs) this.#ping(PONG_TIMEOUT_MS);
    else this.#wait(this.#heartbeatMs - silence, () => this.#beat());
  }

  #ping(patienceMs: number): void {
    this.#probing = true;
    this.#pings += 1;
    this.#write({ type: 'ping', id: `p${this.#pings}` });
    this.#wait(patienceMs, () => this.#lose(clientError('timeout')));
  }

  #write(frame: ClientFrame): boolean {
    try {
      this.#socket?.send(encodeFrame(frame));
      return this.#socket !== null;
    } catch {
      // Closing already: its close event, or the silence, brings the next socket.
      return false;
    }
  }

  #drop(): void {
    if (this.#timer !== null) this.world.clearTimeout(this.#timer);
    this.#timer = null;
    this.#probing = false;
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    try {
      socket.close(NORMAL_CLOSE);
    } catch {
      // Some sockets refuse to be closed before they are open.
    }
    this.emit('lost', {});
  }

  #wait(ms: number, then: () => void): void {
    if (this.#timer !== null) this.world.clearTimeout(this.#timer);
    this.#timer = this.world.setTimeout(then, ms);
  }

  #change(change: ConnectionChange): void {
    const same = change.state === this.#state && change.state !== 'waiting' && !change.error;
    this.#state = change.state;
    if (!same) this.emit('change', change);
  }
}

/** The reason of a close frame reads `name: sentence`. */
function closeError(closeCode: number, reason: string): CallboxError {
  const [, name, sentence] = /^([a-z_]+): (.+)$/s.exec(reason) ?? [];
  return new CallboxError({
    code: name ?? (closeCode === SESSION_ENDED ? 'session_ended' : 'closed'),
    message: sentence ?? 'The server closed the connection for good. Connect or sign in again.',
    retry: 'never',
    details: { closeCode },
  });
}

const HELLO_ID = 'hello';
const NORMAL_CLOSE = 1000;
const SESSION_ENDED = 4401;
const STOP_CODES = { from: 4400, to: 4499 };
/**
 * The only other with this client's connection id is an earlier socket of its own whose hello was long on its way: nobody is
 * left at its end, and the client has to take its place back.
 */
const REPLACED = 4409;
const DEFAULT_HEARTBEAT_MS = 25_000;
const PONG_TIMEOUT_MS = 10_000;
const PROBE_TIMEOUT_MS = 4_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A connection that held this long starts its waiting anew. */
const STABLE_MS = 5_000;
const NO_WEBSOCKET =
  'This environment has no WebSocket. Pass one: new CallboxClient({ world: { WebSocket } }), with the package "ws" in Node.';
