/** The line between clients and the server, as a TCP proxy: it can be cut, go dead, or break after some bytes. */
import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';

export class Line {
  /** Where clients find the server at the other end. */
  readonly url: string;
  readonly #server: Server;
  readonly #pairs = new Set<[client: Socket, server: Socket]>();
  #state: 'up' | 'down' | 'dead' = 'up';
  /** How many bytes the next connection carries before it breaks; for ever without one. */
  breakAfter: (() => number) | null = null;
  /** How many connections were broken by this line. */
  breaks = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://localhost:${(server.address() as { port: number }).port}`;
  }

  static async to(serverUrl: string): Promise<Line> {
    const port = Number(new URL(serverUrl).port);
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = new Line(server);
    server.on('connection', (client) => line.#join(client, port));
    return line;
  }

  /** Breaks all connections; new ones are possible at once. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#break(pair);
  }

  /** Breaks all connections and lets none through until `up`. */
  down(): void {
    this.#state = 'down';
    this.cut();
  }

  /** Carries nothing any more and tells nobody, as a radio network that is gone. */
  dead(): void {
    this.#state = 'dead';
    for (const sockets of this.#pairs) for (const socket of sockets) socket.pause();
  }

  /** Works again; what a dead line held is delivered. */
  up(): void {
    this.#state = 'up';
    for (const sockets of this.#pairs) for (const socket of sockets) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, port: number): void {
    if (this.#state === 'down') {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    let left = this.breakAfter?.() ?? Infinity;
    const carry = (from: Socket, to: Socket) => {
      from.setNoDelay(true);
      from.on('data', (bytes: Buffer) => {
        to.write(bytes.subarray(0, left));
        left -= bytes.length;
        if (left <= 0) this.#break(pair);
      });
      from.on('end', () => to.end());
      from.on('error', () => this.#end(pair));
      from.on('close', () => this.#end(pair));
      if (this.#state === 'dead') from.pause();
    };
    carry(client, server);
    carry(server, client);
  }

  #break(pair: [Socket, Socket]): void {
    if (this.#end(pair)) this.breaks += 1;
  }

  #end(pair: [Socket, Socket]): boolean {
    if (!this.#pairs.delete(pair)) return false;
    // What was written before the break still arrives, as in a network; after it nothing does.
    for (const socket of pair) socket.destroySoon();
    return true;
  }
}
