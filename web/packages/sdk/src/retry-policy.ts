import { type CallboxError, retryAfterMs } from './errors.js';

/**
 * When to try again. A policy knows nothing of what is tried: given how often it was tried, it says how
 * long to wait, or `null` for "no more".
 */
export interface RetryPolicy {
  /** Milliseconds to wait after the `attempt`th failure (the first is 0), or `null` to give up. */
  delayMs(attempt: number, error: CallboxError): number | null;
}

/** Exponential growth with full jitter: anywhere between nothing and the bound of this attempt. */
export function fullJitter(attempt: number, random: () => number, bounds = RECONNECT): number {
  const bound = Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * bound);
}

/** Exponential growth that never comes near nothing: the upper half of what the bound of this attempt allows. */
export function risingPause(attempt: number, random: () => number, bounds: JitterBounds): number {
  const half = Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(attempt, 30)) / 2;
  return Math.floor(half + random() * half);
}

/** For reading: some more attempts, unless the server says that a repeat does not help. */
export function readPolicy(random: () => number, attemptsMax = READ_ATTEMPTS_MAX): RetryPolicy {
  return {
    delayMs(attempt, error) {
      if (error.retry === 'never' || attempt + 1 >= attemptsMax) return null;
      const jitter = fullJitter(attempt, random, READ);
      const told = 'retryAfterSeconds' in error.details ? retryAfterMs(error) : 0;
      return told > READ_WAIT_MAX_MS ? null : told + jitter;
    },
  };
}

/** For what must not be repeated by itself. */
export const noRetries: RetryPolicy = { delayMs: () => null };

/** How the waiting grows. */
export interface JitterBounds {
  /** The bound of the first attempt, in milliseconds. */
  minMs: number;
  /** The bound that it never exceeds. */
  maxMs: number;
}

const RECONNECT: JitterBounds = { minMs: 500, maxMs: 30_000 };
const READ: JitterBounds = { minMs: 400, maxMs: 5_000 };
const READ_ATTEMPTS_MAX = 4;
const READ_WAIT_MAX_MS = 10_000;
