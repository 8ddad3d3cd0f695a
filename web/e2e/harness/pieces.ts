/** Where in one direction of a connection a byte is: in HTTP's head, or in which part of which WebSocket frame. */

/**
 * - `head`: the first request or answer up to its empty line; the upgrade, where it becomes a WebSocket;
 * - `header`: opcode, length and mask of a frame;
 * - `payload`: what a frame carries;
 * - `plain`: what follows the head where there is no WebSocket.
 */
export type Part = 'head' | 'header' | 'payload' | 'plain';

/** Some bytes of one part. */
export interface Piece {
  part: Part;
  bytes: Buffer;
  /** Whether they belong to a frame that closes the WebSocket. */
  closes: boolean;
  /** The head or the frame as a whole, with the piece that completes it. */
  whole: Buffer | null;
}

/** Takes the bytes of one direction as they come and says what they are. */
export class PieceReader {
  #mode: 'head' | 'frames' | 'plain';
  /** What came of the head or the frame that is not complete yet. */
  #begun: Buffer = Buffer.alloc(0);

  constructor(mode: 'head' | 'frames' = 'head') {
    this.#mode = mode;
  }

  take(bytes: Buffer): Piece[] {
    const pieces = [];
    for (let rest = bytes; rest.length > 0;) {
      const piece = this.#next(rest);
      pieces.push(piece);
      rest = rest.subarray(piece.bytes.length);
    }
    return pieces;
  }

  #next(rest: Buffer): Piece {
    if (this.#mode === 'plain') return { part: 'plain', bytes: rest, closes: false, whole: null };
    const all = Buffer.concat([this.#begun, rest]);
    return this.#mode === 'head' ? this.#ofHead(all) : this.#ofFrame(all);
  }

  #ofHead(all: Buffer): Piece {
    const end = all.indexOf(HEAD_END);
    if (end < 0) return this.#piece('head', all, all.length, false);
    const length = end + HEAD_END.length;
    const isUpgrade = UPGRADE.test(all.subarray(0, length).toString('latin1'));
    this.#mode = isUpgrade ? 'frames' : 'plain';
    return this.#piece('head', all, length, true);
  }

  #ofFrame(all: Buffer): Piece {
    const header = headerLength(all);
    if (this.#begun.length < header) {
      const isWhole = all.length >= header && payloadLength(all) === 0;
      return this.#piece('header', all, Math.min(header, all.length), isWhole);
    }
    const length = header + payloadLength(all);
    return this.#piece('payload', all, Math.min(length, all.length), all.length >= length);
  }

  /** What of the first `length` bytes of all is new. */
  #piece(part: Part, all: Buffer, length: number, isWhole: boolean): Piece {
    const bytes = all.subarray(this.#begun.length, length);
    const whole = all.subarray(0, length);
    this.#begun = isWhole ? Buffer.alloc(0) : whole;
    const closes = part !== 'head' && (whole[0]! & OPCODE) === CLOSE;
    return { part, bytes, closes, whole: isWhole ? whole : null };
  }
}

/** What a whole text frame says; `null` for other frames. */
export function textOf(frame: Buffer): string | null {
  if ((frame[0]! & OPCODE) !== TEXT) return null;
  const header = headerLength(frame);
  const payload = Buffer.from(frame.subarray(header));
  if (isMasked(frame)) {
    const mask = frame.subarray(header - MASK_BYTES, header);
    for (let at = 0; at < payload.length; at += 1) payload[at]! ^= mask[at % MASK_BYTES]!;
  }
  return payload.toString();
}

/** At least two bytes tell it; before they are there it is these two. */
function headerLength(frame: Buffer): number {
  if (frame.length < 2) return 2;
  return 2 + extraLength(frame) + (isMasked(frame) ? MASK_BYTES : 0);
}

/** Of a frame whose header is there. */
function payloadLength(frame: Buffer): number {
  const extra = extraLength(frame);
  return extra === 0
    ? frame[1]! & LENGTH
    : frame.readUIntBE(extra === 2 ? 2 : 4, extra === 2 ? 2 : 6);
}

/** How many bytes more the length takes. */
function extraLength(frame: Buffer): number {
  const length = frame[1]! & LENGTH;
  if (length === LENGTH_IN_8) return 8;
  return length === LENGTH_IN_2 ? 2 : 0;
}

function isMasked(frame: Buffer): boolean {
  return (frame[1]! & MASKED) !== 0;
}

const HEAD_END = '\r\n\r\n';
const UPGRADE = /^upgrade: *websocket\r$/im;
const OPCODE = 0x0f;
const TEXT = 0x1;
const CLOSE = 0x8;
const MASKED = 0x80;
const MASK_BYTES = 4;
const LENGTH = 0x7f;
const LENGTH_IN_2 = 126;
const LENGTH_IN_8 = 127;
