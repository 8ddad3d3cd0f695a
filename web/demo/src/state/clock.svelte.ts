/** The time as state, so that what is written as "5 minutes ago" stays true. */

/** Ticks as long as the component that asked for it is on screen. */
export function ticking(everyMs: number): { readonly now: number } {
  let now = $state(Date.now());
  $effect(() => {
    const timer = setInterval(() => (now = Date.now()), everyMs);
    return () => clearInterval(timer);
  });
  return {
    get now() {
      return now;
    },
  };
}
