import { type CallboxError, asCallboxError, clientError } from '../errors.js';
import type {
  CallMedia,
  CallSummary,
  IceConfiguration,
  LiveCall,
  ReplyFrame,
  ServerFrameOf,
} from '../frames.js';
import type { Requests, Sending } from '../outbox.js';
import { Island, type World } from '../world.js';
import type { CallEvents, CallState, Muted } from './call-events.js';
import { type CallEnd, type CallEndCause, endOf, sentenceOf } from './ends.js';
import { type LocalMedia, foreignMedia, openCamera, openMedia, release } from './media.js';
import { Ice, requireRelay } from './ice.js';
import type { CallPath } from './path.js';
import { Peer } from './peer.js';

/** How an incoming call is answered. */
export interface AcceptOptions {
  /** With a picture; as the caller asked where it is left out. */
  video?: boolean;
  /** A stream of the app's own, instead of the microphone and camera. The app closes it. */
  stream?: MediaStream;
  /** Only through a relay, so that the other side does not learn this device's addresses. */
  relayOnly?: boolean;
}

/** Where a call's requests go. @internal */
export interface CallPorts {
  /** Over the socket. */
  requests: Requests;
  /** Over HTTP: STUN and TURN servers with fresh credentials, for a call where one is named. */
  ice: (callId?: string) => Promise<IceConfiguration>;
  /** Who and where this client is. */
  identity: () => { userId: string; connectionId: string };
}

/** How a call begins. @internal */
export interface CallInit {
  id: string;
  peerId: string;
  direction: 'outgoing' | 'incoming';
  media: CallMedia;
  relayOnly: boolean;
}

/** One call, on this device. */
export class Call extends Island<CallEvents> {
  readonly #ports: CallPorts;
  #id: string;
  readonly #peerId: string;
  #direction: 'outgoing' | 'incoming';
  #media: CallMedia;
  #state: CallState;
  #end: CallEnd | null = null;
  #local: LocalMedia | null = null;
  #remoteStream: MediaStream | null = null;
  #mediaError: CallboxError | null = null;
  #muted: Muted = { audio: false, video: false };
  #peerMuted: Muted;
  #connectedAt: string | null = null;
  #peer: Peer | null = null;
  #ice: Ice | null = null;
  #relayOnly: boolean;
  #path: CallPath | null = null;
  #reported: 'connected' | 'interrupted' | null = null;
  #accepting: Promise<void> | null = null;
  #opening: Promise<void> | null = null;
  readonly #signals = new Set<number>();
  /** Signals that came before the leg was set up. */
  #early: SignalFrame[] = [];

  /** @internal */
  constructor(world: World, ports: CallPorts, init: CallInit) {
    super(world);
    this.#ports = ports;
    this.#id = init.id;
    this.#peerId = init.peerId;
    this.#direction = init.direction;
    this.#media = init.media;
    this.#relayOnly = init.relayOnly;
    this.#state = init.direction === 'outgoing' ? 'starting' : 'ringing';
    this.#peerMuted = { audio: false, video: init.media === 'audio' };
  }

  /** The call's id, the same on both sides. */
  get id(): string {
    return this.#id;
  }

  /** The other user. */
  get peerId(): string {
    return this.#peerId;
  }

  /** Who called. */
  get direction(): 'outgoing' | 'incoming' {
    return this.#direction;
  }

  /** What the caller asked for. */
  get media(): CallMedia {
    return this.#media;
  }

  /** Where the call is. */
  get state(): CallState {
    return this.#state;
  }

  /** How the call ended; `null` while it has not. */
  get end(): CallEnd | null {
    return this.#end;
  }

  /** What is sent. */
  get localStream(): MediaStream | null {
    return this.#local?.stream ?? null;
  }

  /** What is received. */
  get remoteStream(): MediaStream | null {
    return this.#remoteStream;
  }

  /** What is not sent. */
  get muted(): Readonly<Muted> {
    return this.#muted;
  }

  /** What the other side does not send. */
  get peerMuted(): Readonly<Muted> {
    return this.#peerMuted;
  }

  /** When both sides were connected; `null` before that. */
  get connectedAt(): string | null {
    return this.#connectedAt;
  }

  /** Whether media flowed and stopped. */
  get interrupted(): boolean {
    return this.#reported === 'interrupted';
  }

  /** Which way media goes, or last went; `null` before that is known. */
  get path(): Readonly<CallPath> | null {
    return this.#path;
  }

  /** Why there is no picture although one was wanted, or why a device stopped. */
  get mediaError(): CallboxError | null {
    return this.#mediaError;
  }

  /**
   * Answers: asks for the devices, then for the call. Rejects with what to do where either is not to be had; the call
   * rings on then. A call that is over before it is answered ends like any other, and this resolves: see `state`.
   */
  accept(options: AcceptOptions = {}): Promise<void> {
    const { video = this.#media === 'video', stream, relayOnly = false } = options;
    return this.answer(
      () => (stream ? Promise.resolve(foreignMedia(stream)) : openMedia(this.world, video)),
      relayOnly,
    );
  }

  /** Answers with what `open` brings. @internal */
  answer(open: () => Promise<LocalMedia>, relayOnly: boolean): Promise<void> {
    this.#relayOnly ||= relayOnly;
    this.#accepting ??= this.#answer(open).finally(() => (this.#accepting = null));
    return this.#accepting;
  }

  /** Refuses an incoming call, on all devices. */
  decline(): void {
    this.hangUp();
  }

  /** Ends the call; before it is answered, takes it back or refuses it. */
  hangUp(): void {
    if (this.#end) return;
    this.#tellEnd('hang_up');
    this.#finish(this.#ownCause(), this.#ports.identity().userId);
  }

  /** Switches the microphone. */
  setMicrophone(on: boolean): void {
    this.#setMuted({ ...this.#muted, audio: !on });
  }

  /** Switches the camera; opens it where the call had none. Rejects with what to do where it cannot be opened. */
  async setCamera(on: boolean): Promise<void> {
    if (on && this.#local && !this.#hasCamera() && !this.#end) {
      this.#opening ??= this.#openCamera().finally(() => (this.#opening = null));
      await this.#opening;
    }
    this.#setMuted({ ...this.#muted, video: !on });
  }

  /** Calls: resolves when the server has begun to reach the other side. @internal */
  async begin(local: LocalMedia, ringSeconds: number | undefined): Promise<void> {
    this.#useMedia(local);
    const frame = {
      type: 'call.start',
      callId: this.#id,
      calleeId: this.#peerId,
      media: this.#media,
      ...(ringSeconds !== undefined && { ringSeconds }),
    } as const;
    const options = { keep: true, timeoutMs: ANSWER_TIMEOUT_MS };
    try {
      const sending = this.#ports.requests.request(frame, 'call.started', options);
      const { call, ice } = await this.#unlessEnded(sending);
      if (call.id !== this.#id) this.#becomeCallee(call);
      this.#join(ice);
      this.handleState(call);
    } catch (thrown) {
      const error = asCallboxError(thrown, 'media_failed');
      this.#handleRefusal(error);
      // Nobody answered: the server may have begun it all the same.
      if (error.retry !== 'never' || isOwnFailure(error)) this.#tellEnd('failed');
      this.#finish('failed', null, error.message);
      throw error;
    }
  }

  /** This device rings. @internal */
  confirmRinging(): void {
    this.#ports.requests.tell({ type: 'call.ring', callId: this.#id });
  }

  /** A call that is known here is told afresh, with the STUN and TURN servers of now. @internal */
  handleLive(frame: ServerFrameOf<'call.incoming'> | ServerFrameOf<'call.live'>): void {
    if (frame.type === 'call.live') this.#ice?.take(frame.ice);
    this.handleState(frame.call);
  }

  /** The server tells where the call is. @internal */
  handleState(call: LiveCall): void {
    if (this.#end) return;
    const { userId, connectionId } = this.#ports.identity();
    const { acceptedBy } = call;
    const elsewhere = acceptedBy?.userId === userId && acceptedBy.connectionId !== connectionId;
    if (elsewhere && this.#direction === 'incoming') {
      this.#finish('answered_elsewhere', userId);
      return;
    }
    const peer = call.muted.find((muted) => muted.userId === this.#peerId);
    if (peer) this.#setPeerMuted(peer);
    this.#connectedAt ??= call.connectedAt;
    this.#advance(call.state);
  }

  /** A device of the other side rings. @internal */
  handleRinging(): void {
    this.#advance('ringing');
  }

  /** Both sides have media. @internal */
  handleConnected(frame: ServerFrameOf<'call.connected'>): void {
    this.#connectedAt ??= frame.connectedAt;
    this.#advance('connected');
  }

  /** The other side switched something. @internal */
  handleMuted(frame: ServerFrameOf<'call.muted'>): void {
    if (frame.userId === this.#peerId) this.#setPeerMuted(frame);
  }

  /** A description or candidate of the other side, each acted on once. @internal */
  handleSignal(frame: SignalFrame): void {
    if (this.#end || frame.userId !== this.#peerId || this.#signals.has(frame.signal)) return;
    this.#signals.add(frame.signal);
    if (!this.#peer) this.#early.push(frame);
    else if (frame.type === 'call.described') {
      this.#peer.handleDescription(frame.generation, frame.description);
    } else {
      this.#peer.handleCandidate(frame.generation, frame.candidate);
    }
  }

  /** The server wrote down the end. @internal */
  handleEnded(summary: CallSummary): void {
    const ringing = this.#direction === 'incoming' && this.#state === 'ringing';
    if (ringing && summary.acceptedAt !== null && !this.#accepting) {
      this.#finish('answered_elsewhere', this.#ports.identity().userId);
    } else {
      this.#close(endOf(summary));
    }
  }

  /** The end is known on this side only. @internal */
  handleLoss(cause: CallEndCause): void {
    this.#finish(cause, null);
  }

  /** The page goes away: tells over HTTP, which outlives it. @internal */
  handlePageHide(tell: (callId: string) => void): void {
    const joined = this.#direction === 'outgoing' || this.#peer !== null;
    if (this.#end || !joined) return;
    tell(this.#id);
    this.#finish(this.#ownCause(), this.#ports.identity().userId);
  }

  /** The socket is back: what was told while it was away is told again. @internal */
  resync(): void {
    if (this.#state === 'starting' || this.#end) return;
    if (!this.#peer) {
      this.confirmRinging();
      return;
    }
    this.#peer.resend();
    if (this.#reported) this.#report(this.#reported);
    this.#tellMuted();
  }

  /** The device is on another network. @internal */
  handleNetworkChange(): void {
    this.#peer?.restart();
  }

  async #answer(open: () => Promise<LocalMedia>): Promise<void> {
    if (this.#direction !== 'incoming' || this.#peer) throw clientError('closed', ANSWERED);
    if (this.#end) return;
    requireWebRtc(this.world);
    if (this.#relayOnly) await requireRelay(this.world, () => this.#ports.ice(this.#id));
    const local = await open();
    try {
      this.#refuseIfEnded();
      this.#useMedia(local);
      const frame = { type: 'call.accept', callId: this.#id } as const;
      const options = { keep: true, timeoutMs: ANSWER_TIMEOUT_MS };
      const sending = this.#ports.requests.request(frame, 'call.joined', options);
      const { call, ice } = await this.#unlessEnded(sending);
      this.#join(ice);
      this.handleState(call);
    } catch (thrown) {
      release(local);
      this.#local = null;
      const error = asCallboxError(thrown, 'media_failed');
      this.#handleRefusal(error);
      if (isOwnFailure(error) && !this.#hasEnded()) {
        this.#tellEnd('failed');
        this.#finish('failed', null, error.message);
      }
      if (!this.#hasEnded()) throw error;
    }
  }

  /** The server knows that there is nothing to answer any more; the event that says so may still be on its way. */
  #handleRefusal({ code, details, message }: CallboxError): void {
    if (code === 'call_answered_elsewhere') {
      this.#finish('answered_elsewhere', this.#ports.identity().userId);
    } else if (code === 'call_ended') {
      const cause = details['cause'] as CallEndCause | undefined;
      this.#finish(cause ?? 'completed', null);
    } else if (code === 'call_not_found') {
      this.#finish('failed', null, message);
    }
  }

  /** Both called each other, and the other's call was first: this one goes on as its answer. */
  #becomeCallee(call: LiveCall): void {
    this.#id = call.id;
    this.#direction = 'incoming';
    this.#media = call.media;
  }

  #join(configuration: IceConfiguration): void {
    const { stream } = this.#local ?? {};
    if (!stream || this.#peer) return;
    const ice = new Ice(this.world, {
      configuration,
      relayOnly: this.#relayOnly,
      ask: () => this.#ports.ice(this.#id),
    });
    const peer = new Peer(this.world, {
      polite: this.#direction === 'incoming',
      video: this.#media === 'video',
      stream,
      ice,
    });
    this.#peer = peer;
    this.#ice = ice;
    const { requests } = this.#ports;
    peer.on('describe', (signal) => {
      requests.tell({ type: 'call.describe', callId: this.#id, ...signal });
    });
    peer.on('candidate', (signal) => {
      requests.tell({ type: 'call.candidate', callId: this.#id, ...signal });
    });
    peer.on('media', (media) => this.#handleMedia(media));
    peer.on('stream', (remote) => {
      this.#remoteStream = remote;
      this.emit('stream', { remote });
    });
    peer.on('path', (path) => {
      this.#path = path;
      this.emit('path', path);
    });
    this.#tellMuted();
    for (const frame of this.#early.splice(0)) {
      this.#signals.delete(frame.signal);
      this.handleSignal(frame);
    }
  }

  #handleMedia(media: 'connected' | 'interrupted'): void {
    const first = this.#reported === null;
    this.#reported = media;
    this.#report(media);
    if (!first) this.emit('interrupted', media === 'interrupted');
  }

  #report(media: 'connected' | 'interrupted'): void {
    this.#ports.requests.tell({ type: 'call.report', callId: this.#id, media });
  }

  #useMedia(local: LocalMedia): void {
    this.#local = local;
    this.#mediaError = local.error;
    for (const track of local.stream.getTracks()) this.#watchTrack(track);
    if (!this.#hasCamera()) this.#muted = { ...this.#muted, video: true };
    this.#applyMuted();
    this.emit('stream', { local: local.stream });
  }

  /** A device can be unplugged, or taken away by the system. */
  #watchTrack(track: MediaStreamTrack): void {
    track.addEventListener('ended', () => {
      if (this.#end) return;
      this.#mediaError = clientError('no_device', { details: { kind: track.kind } });
      const { audio, video } = this.#muted;
      const isAudio = track.kind === 'audio';
      this.#setMuted({ audio: audio || isAudio, video: video || !isAudio });
    });
  }

  async #openCamera(): Promise<void> {
    const track = await openCamera(this.world);
    const local = this.#local;
    if (this.#end || !local) {
      track.stop();
      throw clientError('closed', OVER);
    }
    local.owned.push(track);
    local.stream.addTrack(track);
    this.#mediaError = null;
    this.#watchTrack(track);
    await this.#peer?.sendVideo(track);
    this.emit('stream', { local: local.stream });
  }

  #hasCamera(): boolean {
    const tracks = this.#local?.stream.getVideoTracks() ?? [];
    return tracks.some((track) => track.readyState === 'live');
  }

  #setMuted(muted: Muted): void {
    if (this.#end) return;
    const same = muted.audio === this.#muted.audio && muted.video === this.#muted.video;
    this.#muted = muted;
    this.#applyMuted();
    if (same) return;
    if (this.#peer) this.#sendMuted();
    this.emit('muted', muted);
  }

  #applyMuted(): void {
    const { audio, video } = this.#muted;
    for (const track of this.#local?.stream.getAudioTracks() ?? []) track.enabled = !audio;
    for (const track of this.#local?.stream.getVideoTracks() ?? []) track.enabled = !video;
  }

  /** Says what the other side would not expect of such a call. */
  #tellMuted(): void {
    const expected = this.#media === 'audio';
    if (this.#muted.audio || this.#muted.video !== expected) this.#sendMuted();
  }

  #sendMuted(): void {
    this.#ports.requests.tell({ type: 'call.mute', callId: this.#id, ...this.#muted });
  }

  #setPeerMuted({ audio, video }: Muted): void {
    if (this.#peerMuted.audio === audio && this.#peerMuted.video === video) return;
    this.#peerMuted = { audio, video };
    this.emit('peerMuted', this.#peerMuted);
  }

  #advance(state: CallState): void {
    if (this.#end || ORDER.indexOf(state) <= ORDER.indexOf(this.#state)) return;
    this.#state = state;
    this.emit('state', state);
  }

  /** What the user's own hanging up means at this moment. */
  #ownCause(): CallEndCause {
    if (this.#state === 'accepted' || this.#state === 'connected') return 'completed';
    return this.#direction === 'outgoing' ? 'canceled' : 'declined';
  }

  #tellEnd(reason: 'hang_up' | 'failed'): void {
    const frame = { type: 'call.end', callId: this.#id, reason } as const;
    const options = { keep: true, timeoutMs: END_TIMEOUT_MS };
    // Too late or over already: either way there is nothing left to end.
    this.#ports.requests.request(frame, 'call.left', options).answer.catch(() => undefined);
  }

  #finish(cause: CallEndCause, endedBy: string | null, sentence = sentenceOf(cause)): void {
    this.#close({ cause, sentence, endedBy, at: new Date(this.world.now()).toISOString() });
  }

  #close(end: CallEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#state = 'ended';
    this.#early = [];
    this.#peer?.close();
    if (this.#local) release(this.#local);
    this.emit('state', 'ended');
    this.emit('ended', end);
  }

  /** Asked again after waiting. */
  #hasEnded(): boolean {
    return this.#end !== null;
  }

  #refuseIfEnded(): void {
    if (this.#end) throw clientError('closed', OVER);
  }

  /** The answer, unless the call ends before it comes. */
  #unlessEnded<Answer extends ReplyFrame>(sending: Sending<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const forget = this.on('ended', (end) => {
        sending.cancel();
        reject(clientError('closed', { message: end.sentence }));
      });
      sending.answer.then(resolve, reject).finally(forget);
    });
  }
}

/** Says what to do where browsers' calls are not possible at all. @internal */
export function requireWebRtc(world: World): void {
  if (!world.RTCPeerConnection) throw clientError('media_failed');
}

/** What is wrong is on this side: the server knows of a call that goes on. */
function isOwnFailure({ code }: CallboxError): boolean {
  return code === 'media_failed' || code === 'relay_unavailable';
}

type SignalFrame = ServerFrameOf<'call.described'> | ServerFrameOf<'call.candidate_added'>;

const ORDER: readonly CallState[] = [
  'starting',
  'reaching',
  'ringing',
  'accepted',
  'connected',
  'ended',
];
const OVER = { message: 'This call is over.' };
const ANSWERED = { message: 'Only a call that rings here can be answered, and only once.' };
const ANSWER_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 60_000;
