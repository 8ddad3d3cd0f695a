/** A world without a browser: time stands still until a test moves it, and sockets end in the test. */
import type { ClientFrame, ServerFrame } from '../src/frames.js';
import {
  type SocketLike,
  type Timer,
  type World,
  type WorldEvent,
  createWorld,
} from '../src/world.js';

interface FakeTimer {
  at: number;
  order: number;
  run: () => void;
}

export interface HttpRequest {
  method: string;
  path: string;
  body: unknown;
  authorization: string;
  keepalive: boolean;
}

/** What the test's server answers; `throw` for a network that fails. */
export interface HttpAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export class FakeWorld {
  readonly world: World;
  readonly sockets: FakeSocket[] = [];
  readonly requests: HttpRequest[] = [];
  readonly reported: unknown[] = [];
  answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer> = () => ({ status: 404 });
  /** Called for each new socket, before it opens. */
  onSocket: (socket: FakeSocket) => void = () => undefined;
  random = 0.5;
  #now = Date.parse('2026-11-21T10:00:00.000Z');
  #order = 0;
  #bytes = 0;
  readonly #timers = new Map<FakeTimer, FakeTimer>();
  readonly #events = new Map<WorldEvent, Set<() => void>>();

  constructor(parts: Partial<World> = {}) {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the class below is the world's own
    const outer = this;
    class Socket extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        outer.sockets.push(this);
        outer.onSocket(this);
      }
    }
    this.world = createWorld({
      origin: 'https://callbox.test',
      fetch: (url, init) => this.#fetch(url, init),
      WebSocket: Socket,
      setTimeout: (run, ms) => this.#setTimeout(run, ms),
      clearTimeout: (timer) => void this.#timers.delete(timer as FakeTimer),
      now: () => this.#now,
      random: () => this.random,
      randomBytes: (length) => Uint8Array.from({ length }, () => this.#randomByte()),
      RTCPeerConnection: null,
      MediaStream: null,
      mediaDevices: null,
      indexedDB: null,
      onEvent: (event, handler) => this.#onEvent(event, handler),
      report: (error) => void this.reported.push(error),
      ...parts,
    });
  }

  /** The newest socket. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no socket was opened');
    return socket;
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Moves time, running what is due in its order, with the promises in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = [...this.#timers.values()].sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next || next.at > end) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = end;
  }

  /** Something happens to the page. */
  async happen(event: WorldEvent): Promise<void> {
    for (const handler of [...(this.#events.get(event) ?? [])]) handler();
    await settle();
  }

  /** Always the same ones, and no two ids alike. */
  #randomByte(): number {
    this.#bytes = (Math.imul(this.#bytes, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#bytes >>> 24;
  }

  #setTimeout(run: () => void, ms: number): Timer {
    const timer = { at: this.#now + Math.max(0, ms), order: (this.#order += 1), run };
    this.#timers.set(timer, timer);
    return timer;
  }

  #onEvent(event: WorldEvent, handler: () => void): () => void {
    const handlers = this.#events.get(event) ?? new Set();
    this.#events.set(event, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const headers = init.headers as Record<string, string>;
    const request: HttpRequest = {
      method: init.method ?? 'GET',
      path: url.replace('https://callbox.test', ''),
      body: typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
      authorization: headers['authorization'] ?? '',
      keepalive: init.keepalive ?? false,
    };
    this.requests.push(request);
    const aborted = new Promise<never>((_resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError')));
    });
    const answer = await Promise.race([this.answer(request), aborted]);
    const { status, body, headers: answerHeaders = {} } = answer;
    const text = typeof body === 'string' ? body : body === undefined ? null : JSON.stringify(body);
    return new Response(text, { status, headers: answerHeaders });
  }
}

/** The browser's end of a socket, and the test's hand on it. */
export class FakeSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: ClientFrame[] = [];
  /** Hears each frame as it is sent. */
  onSent: (frame: ClientFrame) => void = () => undefined;
  closedByClient = false;
  /** Whether what the client acknowledges arrives, as its pings after that show. */
  takesAcks = true;
  readonly url: string;
  readonly protocols: string[];

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    if (this.closedByClient) throw new Error('sent on a closed socket');
    const frame = JSON.parse(text) as ClientFrame;
    this.sent.push(frame);
    this.onSent(frame);
    if (this.takesAcks && frame.type === 'ping' && frame.id.startsWith('ack-')) {
      this.receive({ type: 'pong', re: frame.id });
    }
  }

  close(): void {
    this.closedByClient = true;
  }

  open(): void {
    this.#fire(this.onopen, {});
  }

  receive(frame: ServerFrame | Record<string, unknown>): void {
    this.receiveText(JSON.stringify(frame));
  }

  receiveText(data: unknown): void {
    this.#fire(this.onmessage, { data });
  }

  serverCloses(code: number, reason = ''): void {
    this.#fire(this.onclose, { code, reason });
  }

  /** The frames of one type, as they were sent. */
  of<Type extends ClientFrame['type']>(type: Type): Extract<ClientFrame, { type: Type }>[] {
    return this.sent.filter(
      (frame): frame is Extract<ClientFrame, { type: Type }> => frame.type === type,
    );
  }

  #fire(handler: ((event: never) => void) | null, event: unknown): void {
    (handler as ((event: unknown) => void) | null)?.(event);
  }
}

/** Lets all promises that can go on go on. */
export async function settle(turns = 40): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('it did not reject');
}
