/**
 * The smallest typed emitter: listeners in the order in which they came, and one that throws does
 * not keep the others from hearing.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();
  readonly #report: (error: unknown) => void;

  /**
   * `report` hears what listeners throw.
   *
   * @internal
   */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Calls `listener` at every `event` until the function that this returns is called. */
  on<Name extends keyof Events>(
    event: Name,
    listener: (payload: Events[Name]) => void,
  ): () => void {
    const entry = (payload: Events[Name]): void => listener(payload);
    let listeners = this.#listeners.get(event);
    if (!listeners) {
      listeners = new Set();
      this.#listeners.set(event, listeners);
    }
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  /** @internal */
  emit<Name extends keyof Events>(event: Name, payload: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        (listener as (payload: Events[Name]) => void)(payload);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
