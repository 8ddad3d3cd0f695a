import { asCallboxError, clientError } from '../errors.js';
import type { Candidate, Description } from '../frames.js';
import { fullJitter } from '../retry-policy.js';
import { Island, type Timer, type World } from '../world.js';
import { type Ice, iceNameOf } from './ice.js';
import { type CallPath, PathWatch } from './path.js';

/** What {@link Peer} tells. */
export interface PeerEvents {
  /** A description for the other side. */
  describe: Described;
  /** A candidate for the other side; `null` after the last. */
  candidate: { generation: number; candidate: Candidate | null };
  /** Media flows, or no longer does. */
  media: 'connected' | 'interrupted';
  /** Tracks of the other side are there. */
  stream: MediaStream;
  /** Media goes another way, or its first. */
  path: CallPath;
}

/** How a leg is set up. */
export interface PeerOptions {
  /** The callee gives way where both sides make an offer at once. */
  polite: boolean;
  /** Whether pictures were asked for: keeps a place for them even without a camera. */
  video: boolean;
  /** What is sent. */
  stream: MediaStream;
  /** STUN and TURN. */
  ice: Ice;
}

/**
 * One leg of a call between two browsers: perfect negotiation over signals that may come late, twice, or not at all.
 * Each offer begins a new generation; its answer and the candidates of both carry the same number.
 */
export class Peer extends Island<PeerEvents> {
  readonly #options: PeerOptions;
  readonly #connection: RTCPeerConnection;
  readonly #path: PathWatch;
  /** Steps run one after another: a remote description never meets a half-made local one. */
  #steps: Promise<void> = Promise.resolve();
  #closed = false;
  #localGeneration = 0;
  #remoteGeneration = 0;
  #remoteSdp = '';
  #isDescribing = false;
  /** The candidates of the last description. */
  #sentCandidates: (Candidate | null)[] = [];
  /** The last description that was told, as it was told. */
  #sent: Described | null = null;
  /** The last of them that was an answer. */
  #answer: Described | null = null;
  #early: { generation: number; candidate: Candidate | null }[] = [];
  #remote: MediaStream | null = null;
  #media: 'new' | 'connected' | 'interrupted' = 'new';
  #restartTimer: Timer | null = null;
  #restarts = 0;
  #isRestarting = false;

  constructor(world: World, options: PeerOptions) {
    super(world);
    const { RTCPeerConnection } = world;
    if (!RTCPeerConnection) throw clientError('media_failed');
    this.#options = options;
    this.#connection = new RTCPeerConnection(options.ice.configuration);
    this.#path = new PathWatch(world, this.#connection);
    this.#path.on('change', (path) => this.emit('path', path));
    this.#listen(this.#connection);
    // The callee's tracks go where the caller's offer has places for them.
    if (!options.polite) this.#addTransceivers();
  }

  /** Whether media flows. */
  get connected(): boolean {
    return this.#media === 'connected';
  }

  /** The other side described itself. */
  handleDescription(generation: number, description: Description): void {
    this.#step(() =>
      description.type === 'offer'
        ? this.#takeOffer(generation, description)
        : this.#takeAnswer(generation, description),
    );
  }

  /** The other side found a way to itself. */
  handleCandidate(generation: number, candidate: Candidate | null): void {
    this.#step(async () => {
      if (this.#remoteGeneration > 0 && generation <= this.#remoteGeneration) {
        await this.#addCandidate(candidate);
      } else {
        this.#early.push({ generation, candidate });
      }
    });
  }

  /** The socket was away: what was told meanwhile may be lost. The other side drops what it has. */
  resend(): void {
    this.#step(() => {
      if (!this.#sent) return;
      const unanswered = this.#connection.signalingState === 'have-local-offer';
      if (unanswered || (this.#sent === this.#answer && !this.#isAnswerKnown(this.#answer))) {
        this.emit('describe', this.#sent);
        this.#tellCandidates();
      } else if (!this.connected) {
        this.#tellCandidates();
      }
    });
  }

  /** The network changed or the media stopped: find another way, with fresh credentials. */
  restart(): void {
    this.#stopTimer();
    if (this.#closed || this.#remoteGeneration === 0 || this.#isRestarting) return;
    this.#restarts += 1;
    this.#isRestarting = true;
    // Signals of the other side do not wait for the server's answer.
    void this.#options.ice.renew().then(() => {
      this.#isRestarting = false;
      this.#step(() => {
        this.#useIce();
        this.#connection.restartIce();
      });
    });
  }

  /** Begins to send a picture, in the place that was kept for it or in a new one. */
  async sendVideo(track: MediaStreamTrack): Promise<void> {
    const place = this.#connection
      .getTransceivers()
      .find(({ receiver, sender }) => receiver.track.kind === 'video' && isIdle(sender));
    if (!place) {
      this.#connection.addTrack(track, this.#options.stream);
      return;
    }
    await place.sender.replaceTrack(track);
    place.direction = 'sendrecv';
  }

  /** Ends the leg. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTimer();
    this.#path.stop();
    this.#connection.close();
  }

  #listen(connection: RTCPeerConnection): void {
    connection.onnegotiationneeded = () => {
      // The callee has nothing to offer before it has heard the caller.
      if (!this.#options.polite || this.#remoteGeneration > 0) this.#step(() => this.#offer());
    };
    connection.onicecandidate = ({ candidate }) => {
      const told = candidate && this.#concealed(candidate);
      if (told === undefined) return;
      this.#sentCandidates.push(told);
      if (this.#isDescribing) return;
      this.emit('candidate', { generation: this.#localGeneration, candidate: told });
    };
    connection.ontrack = ({ track, streams }) => this.#takeTrack(track, streams[0]);
    connection.onconnectionstatechange = () => this.#handleState(connection.connectionState);
  }

  #addTransceivers(): void {
    const { stream, video } = this.#options;
    const streams = [stream];
    const audioTrack = stream.getAudioTracks()[0];
    const videoTrack = stream.getVideoTracks()[0];
    this.#connection.addTransceiver(audioTrack ?? 'audio', { streams });
    if (video || videoTrack) this.#connection.addTransceiver(videoTrack ?? 'video', { streams });
  }

  async #offer(): Promise<void> {
    // The browser asks again when the exchange that is going on is over.
    if (this.#connection.signalingState !== 'stable') return;
    await this.#describe(Math.max(this.#localGeneration, this.#remoteGeneration) + 1);
  }

  async #takeOffer(generation: number, description: Description): Promise<void> {
    // A new offer is of a newer generation than all that its maker knew.
    if (generation <= this.#remoteGeneration) {
      if (generation === this.#remoteGeneration && description.sdp === this.#remoteSdp)
        this.#repeat();
      return;
    }
    const collision = this.#connection.signalingState !== 'stable';
    if (collision && !this.#options.polite) return;
    const first = this.#remoteGeneration === 0;
    // Whoever answers a restart finds its own ways anew too.
    if (!first && iceNameOf(description.sdp) !== iceNameOf(this.#remoteSdp)) {
      await this.#options.ice.renew();
      this.#useIce();
    }
    // Where both made an offer, this takes back the own one.
    await this.#connection.setRemoteDescription(description);
    this.#remoteGeneration = generation;
    this.#remoteSdp = description.sdp;
    if (first) this.#fillPlaces();
    this.#answer = await this.#describe(generation);
    await this.#addEarlyCandidates();
  }

  async #takeAnswer(generation: number, description: Description): Promise<void> {
    if (this.#connection.signalingState !== 'have-local-offer') return;
    if (generation !== this.#localGeneration) return;
    await this.#connection.setRemoteDescription(description);
    this.#remoteGeneration = generation;
    this.#remoteSdp = description.sdp;
    await this.#addEarlyCandidates();
  }

  async #describe(generation: number): Promise<Described> {
    this.#localGeneration = generation;
    this.#sentCandidates = [];
    // Candidates may come before the browser says that the description is set: they are told after it.
    this.#isDescribing = true;
    await this.#connection.setLocalDescription().finally(() => (this.#isDescribing = false));
    const { localDescription } = this.#connection;
    if (!localDescription) throw clientError('media_failed');
    const described = { generation, description: this.#plain(localDescription) };
    this.#sent = described;
    this.emit('describe', described);
    this.#tellCandidates();
    return described;
  }

  /** Without the first answer there is no media; of the later ones media says nothing. */
  #isAnswerKnown({ generation }: Described): boolean {
    return generation === 1 && this.connected;
  }

  /** The other side told its offer twice: it may have missed the answer, and what was told after it. */
  #repeat(): void {
    if (this.#answer?.generation !== this.#remoteGeneration) return;
    this.emit('describe', this.#answer);
    if (this.#sent && this.#sent !== this.#answer) this.emit('describe', this.#sent);
    this.#tellCandidates();
  }

  /** The callee's own tracks go into the places that the caller's offer has made. */
  #fillPlaces(): void {
    const { stream } = this.#options;
    for (const track of stream.getTracks()) this.#connection.addTrack(track, stream);
    for (const place of this.#connection.getTransceivers()) {
      // A place without a track stays open in both directions, so that a camera can come later.
      if (place.receiver.track.kind === 'video' && this.#options.video)
        place.direction = 'sendrecv';
    }
  }

  async #addEarlyCandidates(): Promise<void> {
    const early = this.#early;
    this.#early = early.filter((signal) => signal.generation > this.#remoteGeneration);
    for (const signal of early) {
      if (signal.generation === this.#remoteGeneration) await this.#addCandidate(signal.candidate);
    }
  }

  async #addCandidate(candidate: Candidate | null): Promise<void> {
    try {
      await this.#connection.addIceCandidate(candidate);
    } catch {
      // Of an offer that was ignored or taken back: one way less to try.
    }
  }

  #takeTrack(track: MediaStreamTrack, stream: MediaStream | undefined): void {
    const { MediaStream } = this.world;
    this.#remote ??= MediaStream ? new MediaStream([]) : (stream ?? null);
    // An element that waits for a first picture plays no sound: a place for pictures counts once there is one.
    if (track.kind === 'video' && track.muted) {
      track.addEventListener('unmute', () => this.#addTrack(track), { once: true });
      if (this.#remote) this.emit('stream', this.#remote);
    } else {
      this.#addTrack(track);
    }
  }

  #addTrack(track: MediaStreamTrack): void {
    if (this.#closed || !this.#remote) return;
    if (!this.#remote.getTracks().includes(track)) this.#remote.addTrack(track);
    this.emit('stream', this.#remote);
  }

  #handleState(state: RTCPeerConnectionState): void {
    if (this.#closed) return;
    if (state === 'connected') {
      this.#stopTimer();
      this.#restarts = 0;
      this.#path.look();
      this.#setMedia('connected');
    } else if (state === 'disconnected') {
      // Often comes back by itself.
      this.#setMedia('interrupted');
      this.#restartIn(DISCONNECTED_PATIENCE_MS);
    } else if (state === 'failed') {
      this.#setMedia('interrupted');
      // One side is enough: the caller goes first.
      const turn = this.#options.polite ? POLITE_PATIENCE_MS : 0;
      const wait = this.#restarts && fullJitter(this.#restarts, () => this.world.random());
      this.#restartIn(turn + Math.min(wait, RESTART_WAIT_MAX_MS));
    }
  }

  #setMedia(media: 'connected' | 'interrupted'): void {
    if (this.#media === media || (media === 'interrupted' && this.#media === 'new')) return;
    this.#media = media;
    this.emit('media', media);
  }

  #restartIn(ms: number): void {
    this.#stopTimer();
    this.#restartTimer = this.world.setTimeout(() => this.restart(), ms);
  }

  #plain({ type, sdp }: RTCSessionDescription): Description {
    return { type: type === 'answer' ? 'answer' : 'offer', sdp: this.#options.ice.conceal(sdp) };
  }

  /** What of a candidate the other side is told; `undefined` where it must not know of it. */
  #concealed(own: RTCIceCandidate): Candidate | undefined {
    const { sdpMid, sdpMLineIndex, usernameFragment } = own;
    const candidate = this.#options.ice.conceal(own.candidate);
    // An empty one says that a part has no more of them.
    if (candidate === '' && own.candidate !== '') return undefined;
    return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
  }

  #tellCandidates(): void {
    for (const candidate of this.#sentCandidates) {
      this.emit('candidate', { generation: this.#localGeneration, candidate });
    }
  }

  /** Right before a restart: browsers take other servers for the wish to restart at the next offer, whatever it is for. */
  #useIce(): void {
    if (this.#closed) return;
    try {
      this.#connection.setConfiguration(this.#options.ice.configuration);
    } catch (error) {
      // What it has must do.
      this.world.report(asCallboxError(error, 'media_failed'));
    }
  }

  #step(action: () => void | Promise<void>): void {
    this.#steps = this.#steps.then(async () => {
      if (this.#closed) return;
      try {
        await action();
      } catch (error) {
        if (!this.#hasClosed()) this.world.report(asCallboxError(error, 'media_failed'));
      }
    });
  }

  /** Asked again after waiting. */
  #hasClosed(): boolean {
    return this.#closed;
  }

  #stopTimer(): void {
    this.world.clearTimeout(this.#restartTimer);
    this.#restartTimer = null;
  }
}

interface Described {
  generation: number;
  description: Description;
}

function isIdle({ track }: RTCRtpSender): boolean {
  return !track || track.readyState === 'ended';
}

const DISCONNECTED_PATIENCE_MS = 3_000;
const POLITE_PATIENCE_MS = 2_000;
const RESTART_WAIT_MAX_MS = 10_000;
