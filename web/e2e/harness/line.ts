/** The line between clients and the server, as a TCP proxy: it can be cut, go dead, or lie in a storm. */
import { once } from 'node:events';
import { type Server, type Socket, createServer } from 'node:net';
import { Link } from './link.js';
import type { Storm } from './storm.js';

export class Line {
  /** Where clients find the server at the other end. */
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  readonly #links = new Set<Link>();
  #state: 'up' | 'down' | 'dead' = 'up';
  #storm: Storm | null = null;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    this.url = `http://localhost:${(server.address() as { port: number }).port}`;
    server.on('connection', (client) => this.#join(client));
  }

  static async to(serverUrl: string): Promise<Line> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Line(server, Number(new URL(serverUrl).port));
  }

  /** Breaks all connections; new ones are possible at once. */
  cut(): void {
    for (const link of [...this.#links]) link.cut();
  }

  /** Breaks all connections and lets none through until `up`. */
  down(): void {
    this.#state = 'down';
    this.cut();
  }

  /** Carries nothing any more and tells nobody, as a radio network that is gone. */
  dead(): void {
    this.#state = 'dead';
    for (const link of this.#links) link.pause();
  }

  /** Works again; what a dead line held is delivered. */
  up(): void {
    this.#state = 'up';
    for (const link of this.#links) link.resume();
  }

  /** Breaks all connections; each new one meets what the storm has for it, until the line is `calm`. */
  rage(storm: Storm): void {
    this.#storm = storm;
    this.cut();
  }

  /** Breaks what is left of the storm; new connections are carried as they are. */
  calm(): void {
    this.#storm = null;
    this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const fate = this.#storm ? this.#storm.next() : {};
    if (this.#state === 'down' || fate === 'refused') {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, this.#port, fate, () => this.#links.delete(link));
    this.#links.add(link);
    if (this.#state === 'dead') link.pause();
  }
}
