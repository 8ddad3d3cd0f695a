/**
 * Weather for a line: draws from a seed what each connection meets. It is TCP's own weather and that of the machines
 * between a client and a server, and no worse:
 *
 * - A connection breaks after any byte, of either direction: in the upgrade, in a frame's header, in what it carries, in the
 *   middle of a close. What each end notices of it differs; `How` lists it. Silence always ends in a reset, because the
 *   heartbeats that find a silent line take longer than a test should.
 * - Bytes are late, in pieces of any size.
 * - Connections are refused, some in a row.
 * - TCP never doubles a byte, but whoever sits on it may say something twice, and clients do when they had no answer:
 *   - a break of the kind `late` delivers what the client sent after the client was told that it is lost, so that the
 *     client's own repeat, on its next connection, meets the first;
 *   - a whole text frame comes a second time, in either direction, right behind itself or behind the one that follows. Only
 *     `hello` does not: two of them are an offence by the protocol, and no honest client, and no network, makes them.
 *   - a request without a body is sent a second time on a connection of its own, whose answer nobody hears. Those with a body
 *     are sign-ins here, which no storm meets: they are not repeated by anyone, and each makes a session.
 *
 * A seed fixes what the connections meet, in their order. Which bytes flow in them when is up to the machine, so the same
 * seed tells nearly the same story again, not exactly.
 */
import type { Break, Direction, Fate, How, Stride, StormEvent } from './fate.js';
import { Random } from './random.js';

export class Storm {
  /** How often it did what. */
  readonly done = new Map<StormEvent, number>();
  readonly #random: Random;
  /** How many connections it is still going to refuse in a row. */
  #refusals = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** How many connections it broke. */
  get breaks(): number {
    const broken = [...this.done].filter(([event]) => event.startsWith('as '));
    return broken.reduce((sum, [, count]) => sum + count, 0);
  }

  /** What the next connection meets. */
  next(): Fate | 'refused' {
    const random = this.#random.fork();
    if (this.#refusals === 0 && random.chance(REFUSED)) this.#refusals = random.between(1, 4);
    if (this.#refusals > 0) {
      this.#refusals -= 1;
      this.#tell('refused');
      return 'refused';
    }
    const repeats = random.fork();
    return {
      break: drawBreak(random),
      pace: { up: drawPace(random.fork()), down: drawPace(random.fork()) },
      repeats: () => repeats.chance(REPEATED),
      tell: (event) => this.#tell(event),
    };
  }

  #tell(event: StormEvent): void {
    this.done.set(event, (this.done.get(event) ?? 0) + 1);
  }
}

function drawBreak(random: Random): Break {
  const place = random.pick(PLACES);
  const direction: Direction = random.pick({ up: 4, down: 6 });
  const [from, to] = place === 'handshake' ? HANDSHAKE_BYTES : BYTES[direction];
  return {
    direction,
    bytes: random.between(from, to),
    ...((place === 'header' || place === 'close') && { inside: place }),
    frames: place === 'header' ? random.between(0, 12) : 0,
    how: random.pick(HOW),
    pauseMs: random.between(1, PAUSE_MS_MAX),
  };
}

/** Half of all directions are slow. */
function drawPace(random: Random): () => Stride {
  if (random.chance(0.5)) return () => ({ bytes: Infinity, pauseMs: 0 });
  const bytesMax = Number(random.pick({ 10: 1, 100: 2, 1400: 2 }));
  const pauseMsMax = bytesMax / 10;
  return () => ({
    bytes: random.between(1, bytesMax),
    pauseMs: random.chance(0.1) ? random.between(1, Math.min(pauseMsMax, STRIDE_MS_MAX)) : 0,
  });
}

const REFUSED = 0.05;
const REPEATED = 0.15;
const PLACES = { anywhere: 12, handshake: 4, header: 3, close: 3 };
const HOW: Record<How, number> = { end: 4, reset: 2, silence: 1, deaf: 1, late: 2 };
/** The upgrade, and hello or welcome behind it. */
const HANDSHAKE_BYTES = [0, 600] as const;
/** What follows; enough for most connections to get a little further. */
const BYTES: Record<Direction, readonly [number, number]> = {
  up: [500, 4000],
  down: [500, 12_000],
};
const PAUSE_MS_MAX = 300;
const STRIDE_MS_MAX = 20;
