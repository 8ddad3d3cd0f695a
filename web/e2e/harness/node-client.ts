/** The SDK in Node, with the sockets of the package `ws`. */
import { CallboxClient, type SessionStore, type World } from '@callbox/sdk';
import { WebSocket } from 'ws';
import { keepSecretsOf } from './secrets.js';
import { within } from './wait.js';

/** A `ws` socket that notes the secrets that go through it. */
class NotingSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    this.on('message', (data) => keepSecretsOf(data as Buffer));
  }

  override send(data: string): void {
    keepSecretsOf(data);
    super.send(data);
  }
}

export interface NodeClientOptions {
  url: string;
  appKey: string;
  world?: Partial<World>;
  sessionStore?: SessionStore;
}

export function nodeClient({ world, ...options }: NodeClientOptions): CallboxClient {
  const WebSocket = NotingSocket as unknown as NonNullable<World['WebSocket']>;
  return new CallboxClient({ ...options, world: { WebSocket, ...world } });
}

/** Resolves when the client is connected. */
export function online(client: CallboxClient): Promise<void> {
  const connected = new Promise<void>((resolve) => {
    if (client.connection === 'online') resolve();
    client.on('connection', ({ state }) => {
      if (state === 'online') resolve();
    });
  });
  return within(connected, 'the client to be online');
}
