/** Waiting: for a condition, never for a time. Whoever waits too long says for what. */

/** How long anything may take on a busy machine. */
export const PATIENCE_MS = 20_000;

/** The promise, or an error that names what did not come. */
export async function within<T>(promise: Promise<T>, what: string, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms / 1000} s for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Options of `expect.poll`. */
export const PATIENTLY = { timeout: PATIENCE_MS, interval: 50 };
