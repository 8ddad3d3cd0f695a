import type { Welcome } from './frames.js';
import { Island, type Timer } from './world.js';

/** What {@link EventLog} tells. */
export interface EventLogEvents {
  /** Everything up to `seq` was handled: time to say so. */
  ack: { seq: number };
  /** Ask the server for a sign of life with this id: its pong says that the acknowledgements before it arrived. */
  probe: { id: string };
  /** Where to go on after the next page load. */
  cursor: { cursor: string };
  /**
   * Events were missed that the server does not replay: whatever is held must be fetched again. With `restored` the log is
   * another one than before: what is held may have never been, for this server.
   */
  stale: { restored: boolean; serverTime: string };
}

/** What to do with a logged frame: handle it, drop it, or connect again because some before it are missing. */
export type Verdict = 'next' | 'seen' | 'gap';

/** How far the user's event log was handled: drops repeats, notices gaps, acknowledges. */
export class EventLog extends Island<EventLogEvents> {
  /** The cursor without its number; `null` before the first welcome. */
  #epoch: string | null = null;
  /** The last event whose handlers ran. */
  #handled = 0;
  /** The last event that came over the socket of now: a server takes no acknowledgement of what it has not sent. */
  #heard = 0;
  /** The last event that was acknowledged. */
  #acked = 0;
  /** The last event whose acknowledgement is known to have arrived. */
  #confirmed = 0;
  #online = false;
  #ackTimer: Timer | null = null;
  #ackedAt = -Infinity;
  #probeTimer: Timer | null = null;
  #probedAt = -Infinity;

  /**
   * What the next hello says; `null` before the first welcome. Events that were handled, and whose acknowledgement may not
   * have arrived, are asked for once more, so that the server learns that they did.
   */
  get cursor(): string | null {
    return this.#epoch === null ? null : `${this.#epoch}${this.#acked}`;
  }

  /** Where to go on after the next page load; `null` before the first welcome. */
  get handledCursor(): string | null {
    return this.#epoch === null ? null : `${this.#epoch}${this.#handled}`;
  }

  /** Goes on from a kept cursor, or from nothing. */
  reset(cursor: string | null): void {
    this.handleLost();
    this.#epoch = null;
    if (cursor !== null) this.#moveTo(cursor);
  }

  /** The server says where it goes on. */
  handleWelcome(welcome: Pick<Welcome, 'cursor' | 'resumed' | 'serverTime'>): void {
    const [earlier, handled] = [this.#epoch, this.#handled];
    this.#online = true;
    this.#heard = this.#acked;
    if (welcome.resumed && earlier !== null) return;
    this.#moveTo(welcome.cursor);
    // Fewer events than this device has had: the log was put back without saying so.
    const restored = this.#epoch !== earlier || this.#handled < handled;
    if (earlier !== null) this.emit('stale', { restored, serverTime: welcome.serverTime });
    this.#keepCursor();
  }

  /** The socket is gone, with what was to be acknowledged there, and perhaps with acknowledgements under way. */
  handleLost(): void {
    this.#stopTimers();
    if (this.#online) this.#keepCursor();
    this.#online = false;
    this.#acked = this.#confirmed;
  }

  /** The answer to a ping: everything that was said before the ping arrived. */
  handlePong(re: string): void {
    if (!re.startsWith(PROBE)) return;
    this.#confirmed = Math.max(this.#confirmed, Number(re.slice(PROBE.length)));
    this.#probe();
  }

  /** Looks at a logged frame before it is handled. */
  take(seq: number): Verdict {
    if (this.#epoch === null) return 'next';
    if (seq > this.#handled) return seq === this.#handled + 1 ? 'next' : 'gap';
    this.#hear(seq);
    return 'seen';
  }

  /** The frame's handlers ran. */
  done(seq: number): void {
    this.#handled = seq;
    this.#hear(seq);
  }

  /** Acknowledges at once; for the moment before a socket is closed. */
  flush(): void {
    if (this.#ackTimer !== null) this.#ack();
  }

  #moveTo(cursor: string): void {
    const { epoch, seq } = parseCursor(cursor);
    this.#epoch = epoch;
    this.#handled = this.#heard = this.#acked = this.#confirmed = seq;
  }

  #hear(seq: number): void {
    this.#heard = Math.max(this.#heard, seq);
    if (this.#heard <= this.#acked || this.#ackTimer !== null) return;
    const wait = Math.max(0, this.#ackedAt + ACK_INTERVAL_MS - this.world.now());
    // Even the first of a burst waits for the end of the turn, so that one acknowledgement covers it.
    this.#ackTimer = this.world.setTimeout(() => this.#ack(), Math.min(wait, ACK_INTERVAL_MS));
  }

  #ack(): void {
    this.world.clearTimeout(this.#ackTimer);
    this.#ackTimer = null;
    if (!this.#online) return;
    this.#acked = this.#heard;
    this.#ackedAt = this.world.now();
    this.emit('ack', { seq: this.#acked });
    this.#probe();
    this.#keepCursor();
  }

  /** An acknowledgement that is lost with its socket would be missed until the next event: one in a while is asked after. */
  #probe(): void {
    if (this.#probeTimer !== null || this.#confirmed >= this.#acked) return;
    const wait = Math.max(0, this.#probedAt + PROBE_INTERVAL_MS - this.world.now());
    this.#probeTimer = this.world.setTimeout(
      () => {
        this.#probeTimer = null;
        this.#probedAt = this.world.now();
        this.emit('probe', { id: `${PROBE}${this.#acked}` });
      },
      Math.min(wait, PROBE_INTERVAL_MS),
    );
  }

  #keepCursor(): void {
    const { handledCursor: cursor } = this;
    if (cursor !== null) this.emit('cursor', { cursor });
  }

  #stopTimers(): void {
    this.world.clearTimeout(this.#ackTimer);
    this.world.clearTimeout(this.#probeTimer);
    this.#ackTimer = this.#probeTimer = null;
  }
}

/**
 * The two parts of a cursor. Without digits at its end it is nothing that this version understands: its epoch is `null`,
 * and the next connection starts at the newest event. @internal
 */
export function parseCursor(cursor: string): { epoch: string | null; seq: number } {
  const digits = /\d+$/.exec(cursor);
  if (!digits) return { epoch: null, seq: 0 };
  return { epoch: cursor.slice(0, digits.index), seq: Number(digits[0]) };
}

const ACK_INTERVAL_MS = 250;
const PROBE_INTERVAL_MS = 2_000;
/** What the ids of pings after acknowledgements begin with. */
const PROBE = 'ack-';
