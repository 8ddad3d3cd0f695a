import { Emitter } from './emitter.js';

/** What the SDK needs of a WebSocket: the browser's own and that of the package `ws` both fit. */
export interface SocketLike {
  /** It is open. */
  onopen: ((event: never) => void) | null;
  /** A frame arrived. */
  onmessage: ((event: never) => void) | null;
  /** It is closed. */
  onclose: ((event: never) => void) | null;
  /** Something went wrong; a close follows. */
  onerror: ((event: never) => void) | null;
  /** Sends one text frame. */
  send(text: string): void;
  /** Begins to close. */
  close(code?: number, reason?: string): void;
}

/** What happens to the page or the device that the SDK wants to hear of. */
export type WorldEvent = 'online' | 'offline' | 'visible' | 'networkchange' | 'pagehide';

/** A line between the pages of this browser. */
export interface Channel {
  /** Tells all the others. */
  post(data: unknown): void;
  /** Hears and tells nothing any more. */
  close(): void;
}

/** A timer as `setTimeout` returns it; only handed back to `clearTimeout`. */
export type Timer = number | object;

/**
 * Everything outside of the SDK that it touches. Each part defaults to the browser's or Node's own;
 * tests bring doubles. Node 20 has no WebSocket: pass the one of the package `ws`.
 */
export interface World {
  /** The page's origin, where the server is looked for by default; `null` outside of browsers. */
  origin: string | null;
  /** Whether the browser gives devices to this page. */
  secureContext: boolean;
  /** HTTP. */
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Sockets; `null` where there are none. */
  WebSocket: (new (url: string, protocols: string[]) => SocketLike) | null;
  /** Calls `handler` once, later. */
  setTimeout: (handler: () => void, ms: number) => Timer;
  /** Forgets what `setTimeout` began. */
  clearTimeout: (timer: Timer | null | undefined) => void;
  /** Milliseconds since 1970. */
  now: () => number;
  /** From 0 up to but not including 1; for jitter. */
  random: () => number;
  /** Unpredictable bytes; for ids. */
  randomBytes: (length: number) => Uint8Array;
  /** WebRTC; `null` where there is none. */
  RTCPeerConnection: (new (configuration: RTCConfiguration) => RTCPeerConnection) | null;
  /** For putting remote tracks together; `null` where there is none. */
  MediaStream: (new (tracks: MediaStreamTrack[]) => MediaStream) | null;
  /** Microphones and cameras; `null` where there are none. */
  mediaDevices: Pick<MediaDevices, 'getUserMedia'> | null;
  /** Calls `handler` at every event of this name until the function that it returns is called. */
  onEvent: (event: WorldEvent, handler: () => void) => () => void;
  /** Databases that outlive the page; `null` where there are none. */
  indexedDB: IDBFactory | null;
  /** Runs `work` while no other page of this browser runs any under the same name. */
  exclusively: <Result>(name: string, work: () => Promise<Result>) => Promise<Result>;
  /** Joins the line of this name; `hear` gets what other pages post there. */
  channel: (name: string, hear: (data: unknown) => void) => Channel;
  /** Hears what the app's own listeners throw, so that one of them cannot stop the SDK. */
  report: (error: unknown) => void;
}

/** The world as this environment has it, with `parts` in place of its own. @internal */
export function createWorld(parts: Partial<World> = {}): World {
  return { ...environment(), ...parts };
}

/** A new unpredictable id: 22 of A–Z a–z 0–9 _ -, 128 bits and a bit. @internal */
export function randomId(world: World): string {
  let id = '';
  for (const byte of world.randomBytes(22)) id += ID_ALPHABET.charAt(byte & 63);
  return id;
}

/**
 * A new unpredictable id that begins with its time, so that a database appends it to an index instead of scattering it:
 * 10 digits of milliseconds and 16 random ones, 80 bits, in base32hex (RFC 4648, section 7), whose texts sort as their
 * numbers do. @internal
 */
export function timeOrderedId(world: World, at: number): string {
  let id = at.toString(32).padStart(TIME_DIGITS, '0');
  for (const byte of world.randomBytes(16)) id += (byte & 31).toString(32);
  return id;
}

/** The time at which an id of {@link timeOrderedId} begins. @internal */
export function timeOfId(id: string): number {
  return parseInt(id.slice(0, TIME_DIGITS), 32) || 0;
}

/** Resolves after `ms`. @internal */
export function delay(world: World, ms: number): Promise<void> {
  return new Promise((resolve) => world.setTimeout(resolve, ms));
}

/** An emitter whose listeners' errors go to the world's `report`. */
export class Island<Events extends object> extends Emitter<Events> {
  /** @internal */
  protected readonly world: World;

  /** @internal */
  constructor(world: World) {
    super((error) => world.report(error));
    this.world = world;
  }
}

function environment(): World {
  const scope = globalThis as Partial<typeof globalThis>;
  return {
    origin: scope.location?.origin ?? null,
    secureContext: scope.isSecureContext ?? true,
    fetch: (url, init) => fetch(url, init),
    WebSocket: scope.WebSocket ?? null,
    setTimeout: (handler, ms) => setTimeout(handler, ms),
    clearTimeout: (timer) => clearTimeout(timer as number),
    now: () => Date.now(),
    random: () => Math.random(),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    RTCPeerConnection: scope.RTCPeerConnection ?? null,
    MediaStream: scope.MediaStream ?? null,
    mediaDevices: (scope.navigator as Partial<Navigator> | undefined)?.mediaDevices ?? null,
    onEvent: listenToPage,
    indexedDB: databases(scope),
    exclusively: inTurn,
    channel: joinChannel,
    report: (error) => {
      setTimeout(() => {
        throw error;
      });
    },
  };
}

/** Where a browser forbids them, even looking at them throws. */
function databases(scope: Partial<typeof globalThis>): IDBFactory | null {
  try {
    return scope.indexedDB ?? null;
  } catch {
    return null;
  }
}

/** Pages without locks (those that are not secure, or may not use them) and other environments do without. */
async function inTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  if (!locks || !('document' in globalThis)) return work();
  let begun: Promise<Result> | undefined;
  const locked = locks.request(name, () => (begun = work()));
  // A lock that is refused is refused before the work has begun.
  await locked.catch(() => undefined);
  return begun ?? work();
}

/** Only pages have others beside them: elsewhere, an open channel would keep the program from ending. */
function joinChannel(name: string, hear: (data: unknown) => void): Channel {
  if (!('document' in globalThis) || !('BroadcastChannel' in globalThis)) {
    return { post: () => undefined, close: () => undefined };
  }
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event) => hear(event.data);
  return { post: (data) => channel.postMessage(data), close: () => channel.close() };
}

function listenToPage(event: WorldEvent, handler: () => void): () => void {
  const [target, name] = pageEvent(event);
  if (!target) return () => undefined;
  // Browsers tell every change of the estimated speed too: only another kind of network counts.
  let networkType = (target as { type?: unknown }).type;
  const listener = (): void => {
    if (event === 'visible' && document.visibilityState !== 'visible') return;
    if (event === 'networkchange') {
      const earlier = networkType;
      networkType = (target as { type?: unknown }).type;
      if (earlier === networkType) return;
    }
    handler();
  };
  target.addEventListener(name, listener);
  return () => target.removeEventListener(name, listener);
}

function pageEvent(event: WorldEvent): [target: EventTarget | undefined, name: string] {
  const scope = globalThis as Partial<typeof globalThis>;
  switch (event) {
    case 'visible':
      return [scope.document, 'visibilitychange'];
    case 'networkchange':
      return [(scope.navigator as { connection?: EventTarget } | undefined)?.connection, 'change'];
    default:
      return [scope.window, event];
  }
}

const TIME_DIGITS = 10;
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
