/** What a connection through a line meets. */

/** One of the two directions of a connection. */
export type Direction = 'up' | 'down';

export interface Fate {
  /** Where the connection breaks; never, where this is left out. */
  break?: Break;
  /** How the bytes of each direction travel; as they come, where this is left out. */
  pace?: Record<Direction, () => Stride>;
  /** Whether what just came whole is said a second time: a request to the server, a frame to either side. */
  repeats?: () => boolean;
  /** Hears what really happened. */
  tell?: (event: StormEvent) => void;
}

export interface Break {
  direction: Direction;
  /** After so many bytes at the latest. */
  bytes: number;
  /** Already inside of the first header or close frame after `frames` frames. */
  inside?: 'header' | 'close';
  frames: number;
  /**
   * What the two ends notice:
   * - `end`: what was carried so far, then the end;
   * - `reset`: an error, at once;
   * - `silence`: nothing in either direction, until after a pause the connection is reset;
   * - `deaf`: the same, but only in the direction that broke: the other goes on meanwhile;
   * - `late`: the client a reset at once; the server nothing, and after a pause the rest of what the client had sent.
   */
  how: How;
  pauseMs: number;
}

export type How = 'end' | 'reset' | 'silence' | 'deaf' | 'late';

/** How many bytes go in one go, and how long the others wait after them. */
export interface Stride {
  bytes: number;
  pauseMs: number;
}

/** All that a storm can do. */
export const STORM_EVENTS = [
  'refused',
  'cut in head',
  'cut in header',
  'cut in payload',
  'cut in plain',
  'cut in close',
  'as end',
  'as reset',
  'as silence',
  'as deaf',
  'as late',
  'frame repeated up',
  'frame repeated down',
  'request repeated',
] as const;

export type StormEvent = (typeof STORM_EVENTS)[number];
