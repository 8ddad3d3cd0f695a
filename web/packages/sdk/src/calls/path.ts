import { Island, type Timer, type World } from '../world.js';

/** Which way a call's media goes. */
export interface CallPath {
  /** From device to device, or through a relay on either side. */
  kind: 'direct' | 'relayed';
  /** How this device reaches its relay; `null` where it sends to the other side itself, which may use a relay of its own. */
  relay: 'udp' | 'tcp' | 'tls' | null;
}

/** What {@link PathWatch} tells. */
export interface PathWatchEvents {
  /** Media goes another way, or its first. */
  change: CallPath;
}

/** Knows which way the media of one connection goes. */
export class PathWatch extends Island<PathWatchEvents> {
  readonly #connection: RTCPeerConnection;
  #path: CallPath | null = null;
  #timer: Timer | null = null;

  constructor(world: World, connection: RTCPeerConnection) {
    super(world);
    this.#connection = connection;
  }

  /** Media flows: looks which way, and again whenever the browser takes another one. */
  look(): void {
    for (const { transport } of this.#connection.getReceivers()) {
      if (transport) transport.iceTransport.onselectedcandidatepairchange = () => this.#lookTwice();
    }
    this.#lookTwice();
  }

  /** Looks no more. */
  stop(): void {
    this.world.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Browsers may answer from what they counted a moment ago, and learn late that an address of the other is a relay's. */
  #lookTwice(): void {
    this.stop();
    if (this.#connection.connectionState === 'closed') return;
    void this.#read();
    this.#timer = this.world.setTimeout(() => void this.#read(), SETTLE_MS);
  }

  async #read(): Promise<void> {
    const path = await this.#connection.getStats().then(pathOf, () => null);
    const same = path?.kind === this.#path?.kind && path?.relay === this.#path?.relay;
    if (!path || same || this.#connection.connectionState === 'closed') return;
    this.#path = path;
    this.emit('change', path);
  }
}

/** The way of the pair of candidates that is in use; `null` where none is. @internal */
export function pathOf(report: RTCStatsReport): CallPath | null {
  const stats = report as ReadonlyMap<string, Stats>;
  const pair = selectedPair(stats);
  const local = stats.get(pair?.localCandidateId ?? '');
  const remote = stats.get(pair?.remoteCandidateId ?? '');
  if (!local || !remote) return null;
  const relay = local.candidateType === 'relay' ? transportOf(local) : null;
  const direct = relay === null && remote.candidateType !== 'relay';
  return { kind: direct ? 'direct' : 'relayed', relay };
}

/** Not every browser has the transport's word: Firefox marks the pair itself. */
function selectedPair(stats: ReadonlyMap<string, Stats>): Stats | undefined {
  const all = [...stats.values()];
  const transport = all.find((one) => one.type === 'transport' && one.selectedCandidatePairId);
  if (transport) return stats.get(transport.selectedCandidatePairId ?? '');
  const pairs = all.filter(({ type }) => type === 'candidate-pair');
  return (
    pairs.find(({ selected }) => selected) ??
    pairs.find(({ nominated, state }) => nominated && state === 'succeeded')
  );
}

/** Where the browser does not name it, the relay's address does. */
function transportOf({ relayProtocol, url = '' }: Stats): 'udp' | 'tcp' | 'tls' {
  if (relayProtocol === 'tls' || url.startsWith('turns:')) return 'tls';
  return relayProtocol === 'tcp' || url.endsWith('?transport=tcp') ? 'tcp' : 'udp';
}

/** What browsers tell of transports, pairs and candidates, as far as it is needed; any of it may be missing. */
interface Stats {
  type: string;
  selectedCandidatePairId?: string;
  localCandidateId?: string;
  remoteCandidateId?: string;
  selected?: boolean;
  nominated?: boolean;
  state?: string;
  candidateType?: string;
  relayProtocol?: string;
  url?: string;
}

const SETTLE_MS = 1_000;
