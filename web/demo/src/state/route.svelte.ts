/** Which conversation is on screen, kept in the address: `#bob`. So a reload stays there, and Back goes back. */

class Route {
  #peerId = $state(read());

  constructor() {
    window.addEventListener('popstate', () => (this.#peerId = read()));
    window.addEventListener('hashchange', () => (this.#peerId = read()));
  }

  /** Whose conversation; `null` shows the list. */
  get peerId(): string | null {
    return this.#peerId;
  }

  open(peerId: string): void {
    if (peerId !== this.#peerId) this.#go(`#${encodeURIComponent(peerId)}`, peerId);
  }

  close(): void {
    if (this.#peerId !== null) this.#go(location.pathname + location.search, null);
  }

  #go(address: string, peerId: string | null): void {
    history.pushState(null, '', address);
    this.#peerId = peerId;
  }
}

function read(): string | null {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null;
  }
}

export const route = new Route();
