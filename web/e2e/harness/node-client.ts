/** The SDK in Node, with the sockets of the package `ws`. */
import { CallboxClient, type SessionStore, type UnknownFrame, type World } from '@callbox/sdk';
import { WebSocket } from 'ws';
import { keepSecretsOf } from './secrets.js';
import { within } from './wait.js';

/** A `ws` socket that notes the secrets that go through it. */
class NotingSocket extends WebSocket {
  constructor(url: string, protocols: string[], heard?: (frame: UnknownFrame) => void) {
    super(url, protocols);
    this.on('message', (data: Buffer) => {
      keepSecretsOf(data);
      heard?.(JSON.parse(data.toString()) as UnknownFrame);
    });
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
  /** Hears every frame of the server before the SDK does. */
  heard?: (frame: UnknownFrame) => void;
}

export function nodeClient({ world, heard, ...options }: NodeClientOptions): CallboxClient {
  const Socket = class extends NotingSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, heard);
    }
  };
  const WebSocket = Socket as unknown as NonNullable<World['WebSocket']>;
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
