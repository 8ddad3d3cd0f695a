/** One connection through a line: its two sockets, the two ways between them, and what becomes of it. */
import { type Socket, connect } from 'node:net';
import type { Direction, Fate } from './fate.js';
import type { Part } from './pieces.js';
import { Way } from './way.js';

export class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #port: number;
  readonly #fate: Fate;
  readonly #up: Way;
  readonly #down: Way;
  /** Connections on which a request is said once more. */
  readonly #repeats = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;

  /** `over` is called when both sockets are closed. */
  constructor(client: Socket, port: number, fate: Fate, over: () => void) {
    this.#client = client;
    this.#port = port;
    this.#fate = fate;
    this.#server = connect({ port, host: HOST, allowHalfOpen: true });
    this.#up = this.#way('up', client, this.#server);
    this.#down = this.#way('down', this.#server, client);
    for (const socket of [client, this.#server]) {
      socket.once('close', () => {
        if (!client.destroyed || !this.#server.destroyed) return;
        this.#stop();
        over();
      });
    }
  }

  /** Ends it. What was carried before still arrives, as in a network; after it nothing does. */
  cut(): void {
    this.#stop();
    for (const socket of [this.#client, this.#server]) socket.destroySoon();
  }

  pause(): void {
    for (const socket of [this.#client, this.#server]) socket.pause();
  }

  resume(): void {
    for (const socket of [this.#client, this.#server]) socket.resume();
  }

  #way(direction: Direction, from: Socket, to: Socket): Way {
    const { break: breaks, pace, repeats, tell } = this.#fate;
    return new Way({
      from,
      to,
      break: breaks?.direction === direction ? breaks : null,
      pace: pace?.[direction],
      repeats,
      broken: (place) => this.#handleBroken(direction, place),
      frameRepeated: () => tell?.(`frame repeated ${direction}`),
      requestRepeated: (request) => this.#repeatRequest(request),
    });
  }

  #handleBroken(direction: Direction, place: Part | 'close'): void {
    const { how, pauseMs } = this.#fate.break!;
    this.#fate.tell?.(`cut in ${place}`);
    this.#fate.tell?.(`as ${how}`);
    switch (how) {
      case 'end':
        this.cut();
        break;
      case 'reset':
        this.#reset();
        break;
      case 'deaf':
        (direction === 'up' ? this.#up : this.#down).mute();
        this.#timer = setTimeout(() => this.#reset(), pauseMs);
        break;
      case 'silence':
        this.#up.mute();
        this.#down.mute();
        this.#timer = setTimeout(() => this.#reset(), pauseMs);
        break;
      case 'late':
        // The client is gone; its way up ends by itself when what waits in it is delivered.
        this.#down.mute();
        this.#up.hold(pauseMs);
        this.#client.resetAndDestroy();
        break;
    }
  }

  /** Says a request to the server on a connection of its own; nobody hears the answer. */
  #repeatRequest(request: Buffer): void {
    this.#fate.tell?.('request repeated');
    const socket = connect({ port: this.#port, host: HOST });
    this.#repeats.add(socket);
    socket.write(request);
    socket.once('data', () => socket.destroy());
    socket.once('error', () => socket.destroy());
    socket.once('close', () => this.#repeats.delete(socket));
  }

  #reset(): void {
    this.#stop();
    for (const socket of [this.#client, this.#server]) socket.resetAndDestroy();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#up.stop();
    this.#down.stop();
    for (const socket of this.#repeats) socket.destroy();
  }
}

const HOST = '127.0.0.1';
