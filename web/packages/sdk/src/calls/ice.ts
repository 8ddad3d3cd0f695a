import { clientError } from '../errors.js';
import type { IceConfiguration } from '../frames.js';
import type { World } from '../world.js';

/** How the STUN and TURN servers of a leg are kept. */
export interface IceOptions {
  /** What the server told when the leg began. */
  configuration: IceConfiguration;
  /** Only through a relay, whatever the server allows. */
  relayOnly: boolean;
  /** Asks the server for fresh credentials. */
  ask: () => Promise<IceConfiguration>;
}

/** The STUN and TURN servers of one leg: as fresh as they are to be had, and never less strict than they were. */
export class Ice {
  readonly #world: World;
  readonly #ask: IceOptions['ask'];
  #configuration: IceConfiguration;
  #relayOnly: boolean;
  #toldAt: number;
  #asking: Promise<void> | null = null;

  /** Throws where the leg may only be relayed, and there is no relay. */
  constructor(world: World, { configuration, relayOnly, ask }: IceOptions) {
    this.#world = world;
    this.#ask = ask;
    this.#configuration = configuration;
    this.#relayOnly = relayOnly || isStrict(configuration);
    this.#toldAt = world.now();
    if (this.#relayOnly && !hasRelay(configuration)) throw clientError('relay_unavailable');
  }

  /** As browsers want it: `null` is what travels, and they want such fields left out. */
  get configuration(): RTCConfiguration {
    const iceServers = this.#configuration.iceServers.map(({ urls, username, credential }) => ({
      urls,
      ...(username !== null && { username }),
      ...(credential !== null && { credential }),
    }));
    return { iceServers, iceTransportPolicy: this.#relayOnly ? 'relay' : 'all' };
  }

  /** The server told other ones: the next restart uses them. */
  take(configuration: IceConfiguration): void {
    this.#configuration = configuration;
    this.#relayOnly ||= isStrict(configuration);
    this.#toldAt = this.#world.now();
  }

  /**
   * Asks for fresh credentials, unless they came only just now; resolves when they are there, or when it is no use to wait
   * any longer: then what was told before has to do. Only their age here counts: clocks of devices go wrong.
   */
  async renew(): Promise<void> {
    const age = this.#world.now() - this.#toldAt;
    if (age >= 0 && age < FRESH_MS) return;
    this.#asking ??= this.#ask()
      .then((configuration) => this.take(configuration))
      .finally(() => (this.#asking = null));
    await inTime(this.#world, this.#asking);
  }

  /**
   * A description or a candidate as the other side may see it: where only relays may be used, without any candidate that
   * is not one, and without the addresses behind those that are. Browsers leave them out too; this does not rely on it.
   */
  conceal(text: string): string {
    if (!this.#relayOnly) return text;
    const lines = text.split('\n').filter((line) => !CANDIDATE.test(line) || RELAYED.test(line));
    // As RFC 8839, section 5.1, has it for an address that is not to be told.
    return lines.map((line) => line.replace(BEHIND, ' raddr 0.0.0.0 rport 9')).join('\n');
  }
}

/**
 * Refuses what may only be relayed before anybody is asked or rung; where the server does not answer, its next word
 * decides. @internal
 */
export async function requireRelay(world: World, ask: IceOptions['ask']): Promise<void> {
  const configuration = await inTime(world, ask());
  if (configuration && !hasRelay(configuration)) throw clientError('relay_unavailable');
}

/** Who restarts ICE has another name, and so has whoever answers that. @internal */
export function iceNameOf(sdp: string): string | undefined {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}

function hasRelay({ iceServers }: IceConfiguration): boolean {
  return iceServers.some(({ urls }) => urls.some((url) => /^turns?:/.test(url)));
}

function isStrict({ iceTransportPolicy }: IceConfiguration): boolean {
  return iceTransportPolicy === 'relay';
}

/** What comes, or `null` where it fails or takes too long. */
function inTime<Value>(world: World, promise: Promise<Value>): Promise<Value | null> {
  return new Promise((resolve) => {
    const timer = world.setTimeout(() => resolve(null), PATIENCE_MS);
    const settle = (value: Value | null): void => {
      world.clearTimeout(timer);
      resolve(value);
    };
    promise.then(settle, () => settle(null));
  });
}

const CANDIDATE = /^(a=)?candidate:/;
const RELAYED = / typ relay\b/;
const BEHIND = / raddr \S+ rport \d+/;
const FRESH_MS = 10_000;
const PATIENCE_MS = 5_000;
