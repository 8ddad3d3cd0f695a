/** Browsers' WebRTC as far as the SDK needs it: signalling states, rollback, negotiation needed, ICE by user fragments. */

interface FakeSdp {
  ufrag: string;
  lines: { kind: string; direction: RTCRtpTransceiverDirection }[];
  serial: number;
}

let serial = 0;

export class FakeTrack extends EventTarget {
  enabled = true;
  readyState: 'live' | 'ended' = 'live';
  readonly id: string;
  readonly kind: string;

  constructor(kind: string) {
    super();
    this.kind = kind;
    this.id = `${kind}_${(serial += 1)}`;
  }

  stop(): void {
    this.readyState = 'ended';
  }

  /** The device is gone. */
  unplug(): void {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

export class FakeStream {
  readonly tracks: FakeTrack[];

  constructor(tracks: FakeTrack[] = []) {
    this.tracks = [...tracks];
  }

  getTracks(): FakeTrack[] {
    return [...this.tracks];
  }

  getAudioTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === 'audio');
  }

  getVideoTracks(): FakeTrack[] {
    return this.tracks.filter(({ kind }) => kind === 'video');
  }

  addTrack(track: FakeTrack): void {
    this.tracks.push(track);
  }
}

interface FakeTransceiver {
  kind: string;
  direction: RTCRtpTransceiverDirection;
  /** Its place in the descriptions, once there is one. */
  negotiated: RTCRtpTransceiverDirection | null;
  told: boolean;
  sender: { track: FakeTrack | null; replaceTrack(track: FakeTrack | null): Promise<void> };
  receiver: { track: FakeTrack };
}

export class FakePeerConnection {
  static readonly all: FakePeerConnection[] = [];
  signalingState: RTCSignalingState = 'stable';
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { type: RTCSdpType; sdp: string } | null = null;
  remoteDescription: { type: RTCSdpType; sdp: string } | null = null;
  configuration: RTCConfiguration;
  onnegotiationneeded: (() => void) | null = null;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  ontrack: ((event: { track: FakeTrack; streams: FakeStream[] }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly transceivers: FakeTransceiver[] = [];
  readonly rejected: string[] = [];
  rollbacks = 0;
  /** What `getStats` answers; `null` where it fails. */
  stats: Record<string, unknown>[] | null = [];
  /** The part of it that tells when another pair of candidates is taken. */
  readonly iceTransport = { onselectedcandidatepairchange: null as (() => void) | null };
  #ufrag = this.#newUfrag();
  #restart = false;
  #stableLocal: FakePeerConnection['localDescription'] = null;
  #checking = false;
  readonly #heardUfrags = new Set<string>();

  constructor(configuration: RTCConfiguration) {
    this.configuration = configuration;
    FakePeerConnection.all.push(this);
  }

  addTransceiver(
    trackOrKind: FakeTrack | string,
    init: { direction?: RTCRtpTransceiverDirection } = {},
  ): void {
    const track = typeof trackOrKind === 'string' ? null : trackOrKind;
    const kind = typeof trackOrKind === 'string' ? trackOrKind : trackOrKind.kind;
    this.transceivers.push(transceiver(kind, init.direction ?? 'sendrecv', track));
    this.#checkNeeded();
  }

  addTrack(track: FakeTrack): void {
    const free = this.transceivers.find(({ kind, sender }) => kind === track.kind && !sender.track);
    if (!free) {
      this.addTransceiver(track);
      return;
    }
    free.sender.track = track;
    free.direction = 'sendrecv';
    this.#checkNeeded();
  }

  getTransceivers(): FakeTransceiver[] {
    // Directions are set on the objects themselves: look at them at the end of the turn.
    this.#checkNeeded();
    return this.transceivers;
  }

  getReceivers(): { transport: { iceTransport: FakePeerConnection['iceTransport'] } | null }[] {
    return [{ transport: { iceTransport: this.iceTransport } }, { transport: null }];
  }

  getStats(): Promise<Map<string, unknown>> {
    if (!this.stats) return Promise.reject(new DOMException('no', 'InvalidAccessError'));
    return Promise.resolve(new Map(this.stats.map((one) => [one['id'] as string, one])));
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.#refuseClosed();
    this.configuration = configuration;
  }

  restartIce(): void {
    this.#restart = true;
    this.#checkNeeded();
  }

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    this.#refuseClosed();
    const isOffer = this.signalingState !== 'have-remote-offer';
    if (isOffer && this.#restart) this.#ufrag = this.#newUfrag();
    if (!isOffer && this.#remote()?.ufrag !== this.#answeredUfrag) this.#renewForAnswer();
    const sdp = this.#describe();
    this.localDescription = { type: isOffer ? 'offer' : 'answer', sdp };
    this.signalingState = isOffer ? 'have-local-offer' : 'stable';
    if (!isOffer) this.#settle();
    this.#gather();
  }

  async setRemoteDescription(description: { type: RTCSdpType; sdp: string }): Promise<void> {
    await Promise.resolve();
    this.#refuseClosed();
    if (description.type === 'offer') {
      if (this.signalingState === 'have-local-offer') this.#rollBack();
      if (this.signalingState !== 'stable')
        throw new DOMException('wrong state', 'InvalidStateError');
      this.signalingState = 'have-remote-offer';
    } else if (this.signalingState !== 'have-local-offer') {
      throw new DOMException('wrong state', 'InvalidStateError');
    }
    this.remoteDescription = description;
    this.#takeLines();
    if (description.type === 'answer') {
      this.signalingState = 'stable';
      this.#settle();
    }
  }

  async addIceCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    await Promise.resolve();
    const remote = this.#remote();
    if (!remote) throw new DOMException('no remote description', 'InvalidStateError');
    if (candidate === null) return;
    const ufrag = candidate.usernameFragment ?? '';
    if (ufrag !== remote.ufrag) {
      this.rejected.push(ufrag);
      throw new DOMException('unknown ufrag', 'OperationError');
    }
    this.#heardUfrags.add(ufrag);
    this.#checkConnected();
  }

  close(): void {
    this.signalingState = 'closed';
    this.connectionState = 'closed';
  }

  /** The way between the two is lost. */
  lose(state: 'disconnected' | 'failed'): void {
    this.#heardUfrags.clear();
    this.#setState(state);
  }

  /** The way is there again without a restart. */
  recover(): void {
    this.#setState('connected');
  }

  #answeredUfrag: string | undefined;

  #renewForAnswer(): void {
    if (this.#answeredUfrag !== undefined) this.#ufrag = this.#newUfrag();
    this.#answeredUfrag = this.#remote()?.ufrag;
  }

  #rollBack(): void {
    this.rollbacks += 1;
    this.localDescription = this.#stableLocal;
    this.signalingState = 'stable';
  }

  #settle(): void {
    this.#stableLocal = this.localDescription;
    this.#answeredUfrag = this.#remote()?.ufrag;
    if (this.localDescription?.type === 'offer' || this.#restart) this.#restart = false;
    for (const line of this.transceivers) line.negotiated = line.direction;
    this.#checkConnected();
    this.#checkNeeded();
  }

  #takeLines(): void {
    this.#remote()?.lines.forEach((line, index) => {
      const existing = this.transceivers[index];
      const place = existing ?? transceiver(line.kind, 'recvonly', null);
      if (!existing) this.transceivers.push(place);
      if (place.told || !line.direction.startsWith('send')) return;
      place.told = true;
      this.ontrack?.({ track: place.receiver.track, streams: [] });
    });
  }

  #describe(): string {
    const lines = this.transceivers.map(({ kind, direction }) => ({ kind, direction }));
    const described: FakeSdp = { ufrag: this.#ufrag, lines, serial: (serial += 1) };
    const candidates = this.#candidates().map((candidate) => `a=${candidate}`);
    return [JSON.stringify(described), `a=ice-ufrag:${this.#ufrag}`, ...candidates, ''].join(
      '\r\n',
    );
  }

  #remote(): FakeSdp | null {
    const [described] = this.remoteDescription?.sdp.split('\r\n') ?? [];
    return described === undefined ? null : (JSON.parse(described) as FakeSdp);
  }

  /** A browser that cares for no policy: it tells all that it finds. */
  #candidates(): string[] {
    const relays = (this.configuration.iceServers ?? []).some(({ urls }) =>
      [urls].flat().some((url) => url.startsWith('turn')),
    );
    return relays ? [HOST, REFLEXIVE, RELAYED] : [HOST, REFLEXIVE];
  }

  #gather(): void {
    const usernameFragment = this.#ufrag;
    const tell = (candidate: unknown): void => {
      queueMicrotask(() => {
        if (this.signalingState !== 'closed') this.onicecandidate?.({ candidate });
      });
    };
    for (const candidate of this.#candidates()) {
      tell({ candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment });
    }
    tell(null);
  }

  /** Both ends must know each other, and one of them a way to the other. */
  #checkConnected(): void {
    const other = this.#other();
    if (!other || other.#other() !== this || this.#checking) return;
    if (this.signalingState !== 'stable' || other.signalingState !== 'stable') return;
    if (!this.#heardUfrags.has(other.#ufrag) && !other.#heardUfrags.has(this.#ufrag)) return;
    this.#checking = true;
    queueMicrotask(() => {
      this.#checking = false;
      this.#setState('connected');
      other.#setState('connected');
    });
  }

  #other(): FakePeerConnection | undefined {
    const ufrag = this.#remote()?.ufrag;
    return FakePeerConnection.all.find((connection) => connection.#ufrag === ufrag);
  }

  #setState(state: RTCPeerConnectionState): void {
    if (this.connectionState === state || this.connectionState === 'closed') return;
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  #checkNeeded(): void {
    queueMicrotask(() => {
      if (this.signalingState === 'stable' && this.#isNeeded()) this.onnegotiationneeded?.();
    });
  }

  #isNeeded(): boolean {
    return this.#restart || this.transceivers.some((line) => line.negotiated !== line.direction);
  }

  #refuseClosed(): void {
    if (this.signalingState === 'closed') throw new DOMException('closed', 'InvalidStateError');
  }

  #newUfrag(): string {
    return `u${(serial += 1)}`;
  }
}

function transceiver(
  kind: string,
  direction: RTCRtpTransceiverDirection,
  track: FakeTrack | null,
): FakeTransceiver {
  const sender: FakeTransceiver['sender'] = {
    track,
    replaceTrack(next) {
      sender.track = next;
      return Promise.resolve();
    },
  };
  const receiver = { track: new FakeTrack(kind) };
  return { kind, direction, negotiated: null, told: false, sender, receiver };
}

const HOST = 'candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host generation 0';
const REFLEXIVE =
  'candidate:2 1 udp 1677729535 203.0.113.1 50001 typ srflx raddr 192.0.2.1 rport 50000 generation 0';
const RELAYED =
  'candidate:3 1 udp 33562367 198.51.100.1 49200 typ relay raddr 203.0.113.1 rport 50001 generation 0';

/** Devices as a test wants them: what is asked for, and what comes of it. */
export class FakeDevices {
  readonly asked: MediaStreamConstraints[] = [];
  readonly opened: FakeTrack[] = [];
  /** The name of the error to fail with, by device. */
  audioError: string | null = null;
  videoError: string | null = null;

  getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
    this.asked.push(constraints);
    const { audio, video } = constraints;
    const problem = (audio ? this.audioError : null) ?? (video ? this.videoError : null);
    if (problem) return Promise.reject(new DOMException('no', problem));
    const kinds = [...(audio ? ['audio'] : []), ...(video ? ['video'] : [])];
    const tracks = kinds.map((kind) => new FakeTrack(kind));
    this.opened.push(...tracks);
    return Promise.resolve(new FakeStream(tracks) as unknown as MediaStream);
  }
}

/** The parts of a world in which calls are possible. */
export function rtcParts(devices = new FakeDevices()) {
  return {
    mediaDevices: devices,
    RTCPeerConnection: FakePeerConnection as unknown as new (
      configuration: RTCConfiguration,
    ) => RTCPeerConnection,
    MediaStream: FakeStream as unknown as new (tracks: MediaStreamTrack[]) => MediaStream,
  };
}
