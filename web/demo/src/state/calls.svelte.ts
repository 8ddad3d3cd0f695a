/** The calls of this tab: those that ring here, the one that is on, and why the last one ended. */
import type { Call, CallboxClient, CallEnd, CallPath } from '@callbox/sdk';
import { duration } from '../lib/time.js';
import { privacy } from './privacy.svelte.js';
import { sentence } from './session.svelte.js';

/** What the screen says after a call, until the person dismisses it. */
export interface EndNotice {
  peerId: string;
  title: string;
  sentence: string;
  media: Call['media'];
}

/** One call, its events turned into state that the screen can follow. */
export class LiveCall {
  readonly call: Call;
  state = $state<Call['state']>('starting');
  local = $state.raw<MediaStream | null>(null);
  remote = $state.raw<MediaStream | null>(null);
  /** Whether the streams carry a picture. */
  localVideo = $state(false);
  remoteVideo = $state(false);
  muted = $state({ audio: false, video: false });
  peerMuted = $state({ audio: false, video: false });
  /** The line is broken at this moment; the SDK is mending it. */
  interrupted = $state(false);
  connectedAt = $state<number | null>(null);
  /** Which way its media goes, once that is known. */
  path = $state.raw<CallPath | null>(null);
  /** What the person should know: no camera, no answer from a device, … */
  problem = $state('');

  constructor(call: Call, ended: (live: LiveCall, end: CallEnd) => void) {
    this.call = call;
    this.#read();
    call.on('state', () => this.#read());
    call.on('stream', () => this.#read());
    call.on('muted', () => this.#read());
    call.on('peerMuted', () => this.#read());
    call.on('interrupted', (interrupted) => (this.interrupted = interrupted));
    call.on('path', (path) => (this.path = path));
    call.on('ended', (end) => {
      this.#read();
      ended(this, end);
    });
  }

  get peerId(): string {
    return this.call.peerId;
  }

  get video(): boolean {
    return this.call.media === 'video';
  }

  async setMicrophone(on: boolean): Promise<void> {
    await this.#attempt(() => this.call.setMicrophone(on));
  }

  async setCamera(on: boolean): Promise<void> {
    await this.#attempt(() => this.call.setCamera(on));
  }

  async accept(video: boolean): Promise<boolean> {
    return this.#attempt(() => this.call.accept({ video, relayOnly: privacy.hidesAddress }));
  }

  async #attempt(action: () => unknown): Promise<boolean> {
    this.problem = '';
    try {
      await action();
      return true;
    } catch (error) {
      this.problem = sentence(error);
      return false;
    } finally {
      this.#read();
    }
  }

  #read(): void {
    const { call } = this;
    this.state = call.state;
    this.local = call.localStream;
    this.remote = call.remoteStream;
    this.localVideo = hasPicture(call.localStream);
    this.remoteVideo = hasPicture(call.remoteStream);
    this.muted = { ...call.muted };
    this.peerMuted = { ...call.peerMuted };
    if (call.state === 'connected') this.connectedAt ??= Date.now();
    if (call.mediaError) this.problem = call.mediaError.message;
  }
}

export class Calls {
  /** Incoming calls that wait for an answer, the longest waiting first. */
  incoming = $state<LiveCall[]>([]);
  current = $state<LiveCall | null>(null);
  ended = $state<EndNotice | null>(null);
  /** A call was asked for, and the browser asks the person for microphone and camera. */
  asking = $state(false);

  readonly #client: CallboxClient;
  readonly #unsubscribe: () => void;

  constructor(client: CallboxClient) {
    this.#client = client;
    this.#unsubscribe = client.calls.on('incoming', (call) => {
      this.incoming.push(this.#follow(call));
    });
  }

  async start(peerId: string, media: Call['media']): Promise<void> {
    if (this.current || this.asking) return;
    this.ended = null;
    this.asking = true;
    try {
      const options = { video: media === 'video', relayOnly: privacy.hidesAddress };
      const call = await this.#client.calls.start(peerId, options);
      this.#begin(call);
    } catch (error) {
      this.ended = { peerId, media, title: 'The call did not start', sentence: sentence(error) };
    } finally {
      this.asking = false;
    }
  }

  /** Answers; a call that is on ends first. Without the devices it stays ringing and says what is wrong. */
  async accept(live: LiveCall, video: boolean): Promise<void> {
    this.current?.call.hangUp();
    this.ended = null;
    if (!(await live.accept(video))) return;
    this.#forget(live);
    if (live.state !== 'ended') this.current = live;
  }

  decline(live: LiveCall): void {
    live.call.decline();
  }

  hangUp(): void {
    this.current?.call.hangUp();
  }

  dispose(): void {
    this.#unsubscribe();
    this.hangUp();
    for (const live of this.incoming) live.call.decline();
  }

  /** The call that was asked for is on; it may be one that rang here already, when both called each other. */
  #begin(call: Call): void {
    const live = this.incoming.find((ringing) => ringing.call === call) ?? this.#follow(call);
    this.#forget(live);
    if (call.end) this.#over(live, call.end);
    else this.current = live;
  }

  #follow(call: Call): LiveCall {
    return new LiveCall(call, (live, end) => this.#over(live, end));
  }

  #over(live: LiveCall, end: CallEnd): void {
    this.#forget(live);
    if (this.current === live) this.current = null;
    this.ended = notice(live.call, end, live.connectedAt);
  }

  #forget(live: LiveCall): void {
    this.incoming = this.incoming.filter((other) => other !== live);
  }
}

function hasPicture(stream: MediaStream | null): boolean {
  return stream !== null && stream.getVideoTracks().length > 0;
}

function notice(call: Call, end: CallEnd, connectedAt: number | null): EndNotice {
  const { peerId, media } = call;
  return { peerId, media, title: title(call, end, connectedAt), sentence: end.sentence };
}

function title(call: Call, end: CallEnd, connectedAt: number | null): string {
  if (connectedAt !== null) return `Call ended · ${duration(Date.now() - connectedAt)}`;
  if (end.cause === 'answered_elsewhere') return 'Answered elsewhere';
  const missed = end.cause === 'no_answer' || end.cause === 'canceled';
  if (call.direction === 'incoming' && missed) return 'Missed call';
  if (end.cause === 'declined') return 'Call declined';
  if (end.cause === 'no_answer') return 'No answer';
  return 'Call ended';
}
