import { clientError } from '../errors.js';
import type {
  CallSummary,
  IceConfiguration,
  LiveCall,
  LiveCallFrame,
  ServerFrameOf,
  Welcome,
} from '../frames.js';
import type { Requests } from '../outbox.js';
import { Island, type Timer, type World, randomId } from '../world.js';
import { Call, requireWebRtc } from './call.js';
import { requireRelay } from './ice.js';
import { type LocalMedia, foreignMedia, openMedia, release } from './media.js';

/** What {@link Calls} tells. */
export interface CallsEvents {
  /** Someone calls. */
  incoming: Call;
  /** A call of the user is over, on whichever device it was: a line for the call log. */
  ended: CallSummary;
}

/** How a call is begun. */
export interface StartOptions {
  /** With pictures. */
  video?: boolean;
  /** How long it rings at most, within the app's bounds. */
  ringSeconds?: number;
  /** A stream of the app's own, instead of the microphone and camera. The app closes it. */
  stream?: MediaStream;
  /** Only through a relay, so that the other side does not learn this device's addresses. */
  relayOnly?: boolean;
}

/** Where the island's requests go. @internal */
export interface CallsPorts {
  /** Over the socket. */
  requests: Requests;
  /** Over HTTP, outliving the page. */
  postKeepalive: (path: string, body: unknown) => void;
  /** Over HTTP: STUN and TURN servers with fresh credentials, for a call where one is named. */
  ice: (callId?: string) => Promise<IceConfiguration>;
  /** All calls of this client only through a relay. */
  relayOnly: boolean;
  /** Who and where this client is; `null` when nobody is signed in. */
  identity: () => { userId: string; connectionId: string } | null;
}

/** Calls with other users: begins them, lets them ring, and knows those that are going on. */
export class Calls extends Island<CallsEvents> {
  readonly #ports: CallsPorts;
  #calls: Call[] = [];
  /** Frames of calls that may turn out to be the one that is being started. */
  #held: LiveCallFrame[] = [];
  /** Calls that ended here, the latest last: the server may not know it yet and tell them as live. */
  readonly #over = new Set<string>();
  #networkTimer: Timer | null = null;

  /** @internal */
  constructor(world: World, ports: CallsPorts) {
    super(world);
    this.#ports = ports;
    world.onEvent('pagehide', () => this.#handlePageHide());
    world.onEvent('online', () => this.#handleNetworkChange());
    world.onEvent('networkchange', () => this.#handleNetworkChange());
  }

  /** The calls on this device that have not ended. */
  get active(): Call[] {
    return [...this.#calls];
  }

  /**
   * Calls a user: asks for the devices first, then for the call. Resolves when the server begins to reach the other side;
   * rejects with what to do where the devices or the user are not to be had. Calling someone who is calling answers.
   */
  async start(userId: string, options: StartOptions = {}): Promise<Call> {
    if (!this.#ports.identity()) throw clientError('not_signed_in');
    requireWebRtc(this.world);
    const { video = false, ringSeconds, stream } = options;
    const relayOnly = this.#ports.relayOnly || (options.relayOnly ?? false);
    if (relayOnly) await requireRelay(this.world, () => this.#ports.ice());
    const local = stream ? foreignMedia(stream) : await openMedia(this.world, video);
    // Asked for after the devices, for which people take their time.
    const ringing = this.#calls.find(
      (call) => call.peerId === userId && call.direction === 'incoming' && call.state === 'ringing',
    );
    if (ringing) {
      await answerWith(ringing, local, relayOnly);
      return ringing;
    }
    const id = randomId(this.world);
    const call = this.#add({
      id,
      peerId: userId,
      direction: 'outgoing',
      media: video ? 'video' : 'audio',
      relayOnly,
    });
    try {
      await call.begin(local, ringSeconds);
    } finally {
      this.#handleStarted(call);
    }
    return call;
  }

  /** A frame about a call that is going on. @internal */
  handleFrame(frame: LiveCallFrame): void {
    const callId = 'call' in frame ? frame.call.id : frame.callId;
    const call = this.#find(callId);
    if (frame.type === 'call.incoming' || frame.type === 'call.live') {
      if (call) call.handleLive(frame);
      else this.#handleNew(frame);
    } else if (call) {
      applyFrame(call, frame);
    } else {
      this.#hold(frame);
    }
  }

  /** A call is over; told once, also when it ended while this client was away. @internal */
  handleEnded({ call: summary }: ServerFrameOf<'call.ended'>): void {
    this.#held = this.#held.filter((frame) => idOf(frame) !== summary.id);
    this.#find(summary.id)?.handleEnded(summary);
    this.emit('ended', summary);
  }

  /** The socket is back. @internal */
  handleWelcome({ liveCallIds, resumed }: Welcome): void {
    for (const call of this.active) {
      if (call.state === 'starting') continue;
      if (liveCallIds.includes(call.id)) call.resync();
      // It ended meanwhile. Where the log is replayed, it says why.
      else if (!resumed) call.handleLoss('connection_lost');
      else this.world.setTimeout(() => call.handleLoss('connection_lost'), REPLAY_PATIENCE_MS);
    }
  }

  /** Ends what is going on; for signing out and closing. @internal */
  hangUpAll(): void {
    this.#handlePageHide();
    for (const call of this.active) call.handleLoss('canceled');
  }

  /** The session is over, and with it its calls. @internal */
  handleSignedOut(): void {
    this.#held = [];
    for (const call of this.active) call.handleLoss('session_ended');
  }

  #handleNew(frame: ServerFrameOf<'call.incoming'> | ServerFrameOf<'call.live'>): void {
    const { call } = frame;
    const identity = this.#ports.identity();
    if (!identity) return;
    if (this.#calls.some((other) => other.state === 'starting' && other.peerId === call.callerId)) {
      // Both call each other: the answer to the own call tells which of the two goes on.
      this.#held.push(frame);
    } else if (
      call.calleeId === identity.userId &&
      isUnanswered(call) &&
      !this.#over.has(call.id)
    ) {
      const peerId = call.callerId;
      const { relayOnly } = this.#ports;
      const { id, media } = call;
      const ours = this.#add({ id, peerId, direction: 'incoming', media, relayOnly });
      ours.confirmRinging();
      this.emit('incoming', ours);
    } else if (isOwnLeg(call, identity.connectionId)) {
      // Given up here while the server did not hear: nobody is left to talk.
      const end = { type: 'call.end', callId: call.id, reason: 'failed' } as const;
      this.#ports.requests.request(end, 'call.left').answer.catch(() => undefined);
    }
  }

  /** Only a call that is being started can still turn out to be one that frames already speak of. */
  #hold(frame: LiveCallFrame): void {
    const starting = this.#calls.some((call) => call.state === 'starting');
    if (starting && this.#held.length < HELD_FRAMES_MAX) this.#held.push(frame);
  }

  /** A call's start was answered: what was held belongs to it, to another call, or to nobody. */
  #handleStarted(call: Call): void {
    for (const frame of this.#held.splice(0)) {
      const mine = idOf(frame) === call.id;
      const announced = frame.type === 'call.incoming' || frame.type === 'call.live';
      if (!(mine && announced)) this.handleFrame(frame);
    }
  }

  #add(init: ConstructorParameters<typeof Call>[2]): Call {
    const { requests, ice } = this.#ports;
    const identity = (): { userId: string; connectionId: string } =>
      this.#ports.identity() ?? { userId: '', connectionId: '' };
    const call = new Call(this.world, { requests, ice, identity }, init);
    this.#calls.push(call);
    call.on('ended', () => this.#handleOver(call));
    return call;
  }

  #handleOver(call: Call): void {
    this.#calls = this.#calls.filter((other) => other !== call);
    this.#over.add(call.id);
    const [oldest] = this.#over;
    if (this.#over.size > OVER_MAX && oldest !== undefined) this.#over.delete(oldest);
  }

  #find(callId: string): Call | undefined {
    return this.#calls.find((call) => call.id === callId);
  }

  #handlePageHide(): void {
    for (const call of this.active) {
      call.handlePageHide((callId) => {
        const path = `/v1/calls/${encodeURIComponent(callId)}/end`;
        this.#ports.postKeepalive(path, { reason: 'hang_up' });
      });
    }
  }

  /** Browsers tell one change by several events. */
  #handleNetworkChange(): void {
    this.world.clearTimeout(this.#networkTimer);
    this.#networkTimer = this.world.setTimeout(() => {
      for (const call of this.#calls) call.handleNetworkChange();
    }, NETWORK_SETTLE_MS);
  }
}

/** Answers, unless the person does so already, or the call is over. */
async function answerWith(call: Call, local: LocalMedia, relayOnly: boolean): Promise<void> {
  try {
    await call.answer(() => Promise.resolve(local), relayOnly);
  } finally {
    if (call.localStream !== local.stream) release(local);
  }
}

function applyFrame(
  call: Call,
  frame: Exclude<LiveCallFrame, { type: 'call.incoming' | 'call.live' }>,
): void {
  switch (frame.type) {
    case 'call.ringing':
      call.handleRinging();
      break;
    case 'call.accepted':
      call.handleState(frame.call);
      break;
    case 'call.connected':
      call.handleConnected(frame);
      break;
    case 'call.muted':
      call.handleMuted(frame);
      break;
    case 'call.described':
    case 'call.candidate_added':
      call.handleSignal(frame);
      break;
  }
}

function idOf(frame: LiveCallFrame): string {
  return 'call' in frame ? frame.call.id : frame.callId;
}

function isUnanswered(call: LiveCall): boolean {
  return call.state === 'reaching' || call.state === 'ringing';
}

function isOwnLeg(call: LiveCall, connectionId: string): boolean {
  return call.callerConnectionId === connectionId || call.acceptedBy?.connectionId === connectionId;
}

const HELD_FRAMES_MAX = 256;
const OVER_MAX = 64;
const REPLAY_PATIENCE_MS = 5_000;
const NETWORK_SETTLE_MS = 500;
