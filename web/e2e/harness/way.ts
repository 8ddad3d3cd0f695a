/** One direction of a connection: carries bytes in strides, repeats frames, and breaks where it is told to. */
import type { Socket } from 'node:net';
import type { Break, Fate, Stride } from './fate.js';
import { type Part, type Piece, PieceReader, textOf } from './pieces.js';

/** What a way needs to know, and tells. */
export interface WayOptions {
  from: Socket;
  to: Socket;
  /** Where it breaks; not at all, where it is the other direction that does. */
  break: Break | null;
  pace: (() => Stride) | undefined;
  repeats: Fate['repeats'];
  /** It came to where it breaks: whoever hears this says how it goes on. */
  broken: (place: Part | 'close') => void;
  /** A frame is carried a second time. */
  frameRepeated: () => void;
  /** The whole first request, where it is worth to be sent a second time. */
  requestRepeated: (request: Buffer) => void;
}

export class Way {
  readonly #options: WayOptions;
  readonly #reader = new PieceReader();
  readonly #queue: Piece[] = [];
  /** Copies of frames that wait until another frame has passed. */
  readonly #copies: Buffer[] = [];
  #break: Break | null;
  #carried = 0;
  #frames = 0;
  #isMute = false;
  #ended: 'end' | 'close' | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WayOptions) {
    this.#options = options;
    this.#break = options.break;
    const { from } = options;
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    // An error is followed by a close.
    from.on('error', () => undefined);
    from.on('end', () => this.#end('end'));
    from.on('close', () => this.#end('close'));
  }

  /** From now on, what comes is lost, and what waits too. */
  mute(): void {
    this.#isMute = true;
    this.#queue.length = 0;
  }

  /** Carries nothing for a while, then what waited. */
  hold(pauseMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#carry();
    }, pauseMs);
  }

  /** Nothing happens here any more. */
  stop(): void {
    this.mute();
    clearTimeout(this.#timer);
  }

  #take(bytes: Buffer): void {
    if (this.#isMute) return;
    for (const piece of this.#reader.take(bytes)) {
      this.#queue.push(piece);
      if (piece.whole) this.#repeat(piece.part, piece.whole);
    }
    this.#carry();
  }

  /** Carries on until a pause, the break, or the end of what came. */
  #carry(): void {
    while (this.#timer === undefined && this.#queue.length > 0) {
      const piece = this.#queue[0]!;
      const { bytes, pauseMs } = this.#options.pace?.() ?? AS_IT_COMES;
      const left = this.#untilBreak(piece);
      const chunk = piece.bytes.subarray(0, Math.min(bytes, left));
      if (this.#options.to.writable) this.#options.to.write(chunk);
      this.#carried += chunk.length;
      piece.bytes = piece.bytes.subarray(chunk.length);
      if (piece.bytes.length === 0) {
        this.#queue.shift();
        if (piece.whole && piece.part !== 'head') this.#frames += 1;
      }
      if (chunk.length === left) {
        this.#break = null;
        this.#options.broken(piece.closes ? 'close' : piece.part);
      } else if (pauseMs > 0) {
        this.hold(pauseMs);
      }
    }
    if (this.#queue.length > 0 || this.#isMute) return;
    if (this.#ended === 'end') this.#options.to.end();
    if (this.#ended === 'close') this.#options.to.destroySoon();
  }

  /** How many bytes of this piece are carried before it breaks. */
  #untilBreak(piece: Piece): number {
    if (!this.#break) return Infinity;
    const { bytes, inside, frames } = this.#break;
    const isInside = inside === 'close' ? piece.closes : piece.part === inside;
    if (isInside && this.#frames >= frames && piece.bytes.length > 1) return 1;
    const left = bytes - this.#carried;
    return left <= piece.bytes.length ? left : Infinity;
  }

  #repeat(part: Part, whole: Buffer): void {
    const copies = this.#copies.splice(0);
    if (part === 'head') {
      const isAlone = whole.toString('latin1', 0, GET.length) === GET;
      if (isAlone && this.#options.repeats?.()) this.#options.requestRepeated(whole);
      return;
    }
    const text = textOf(whole);
    if (text !== null && !isHello(text) && this.#options.repeats?.()) {
      // Right behind itself, or behind the frame that follows.
      if (this.#options.repeats()) this.#copies.push(whole);
      else copies.push(whole);
    }
    for (const copy of copies) {
      this.#options.frameRepeated();
      // Read anew, so that a break may fall into each part of it.
      this.#queue.push(...new PieceReader('frames').take(copy));
    }
  }

  /** What waits still goes its way before the other end hears of it. */
  #end(how: 'end' | 'close'): void {
    this.#ended = how;
    this.#carry();
  }
}

/** The one frame that must not come twice: the second is an offence by the protocol. */
function isHello(text: string): boolean {
  return text.includes('"type":"hello"');
}

const AS_IT_COMES: Stride = { bytes: Infinity, pauseMs: 0 };
const GET = 'GET ';
