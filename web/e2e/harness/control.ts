/** What a test does to a server whose clock it moves: `tests/clock-server`. */
export class ServerControl {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Reads where it is from the lines that a server printed, if it has one. */
  static of(printed: string): ServerControl | null {
    const url = /^ *Control +(\S+)$/m.exec(printed)?.[1];
    return url ? new ServerControl(url) : null;
  }

  /** Moves the server's wall clock ahead, not that of lifetimes. */
  advanceClock(seconds: number): Promise<void> {
    return this.#post('/clock/advance', { seconds });
  }

  /** Ends every allocation of the relay, as a restart of it would. */
  dropAllocations(): Promise<void> {
    return this.#post('/relay/drop', {});
  }

  async #post(path: string, body: object): Promise<void> {
    const answer = await fetch(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
  }
}
