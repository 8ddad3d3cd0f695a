/** A client that is signed in as Ann, on a socket that the test holds. */
import type { Message } from '@callbox/wire';
import { CallboxClient, type ClientOptions } from '../src/client.js';
import type { ClientFrame, ServerFrame } from '../src/frames.js';
import type { World } from '../src/world.js';
import { type FakeSocket, FakeWorld, type HttpRequest, settle } from './fake-world.js';

export const ANN = { id: 'ann', createdAt: '2026-11-21T09:00:00.000Z' };
export const SESSION = {
  id: 'ses_1',
  createdAt: '2026-11-21T09:00:00.000Z',
  expiresAt: '2026-11-22T09:00:00.000Z',
  lastUsedAt: '2026-11-21T09:00:00.000Z',
  credential: 'open',
  device: { id: null, name: null, platform: 'web', appVersion: null },
} as const;

export interface Setup {
  fake: FakeWorld;
  client: CallboxClient;
}

/** A world whose server signs Ann in, and a client that nobody has signed in yet. */
export function setUp(options: Partial<ClientOptions> = {}, parts: Partial<World> = {}): Setup {
  const fake = new FakeWorld(parts);
  fake.answer = answerAsServer;
  const client = new CallboxClient({ appKey: 'app', world: fake.world, ...options });
  return { fake, client };
}

/** Signed in and welcomed. */
export async function signedIn(
  options: Partial<ClientOptions> = {},
  parts: Partial<World> = {},
): Promise<Setup> {
  const setup = setUp(options, parts);
  await setup.client.signIn({ userId: 'ann' });
  welcome(setup.fake.socket);
  await settle();
  return setup;
}

export function answerAsServer({ method, path }: HttpRequest): { status: number; body?: unknown } {
  if (method === 'POST' && path === '/v1/sessions') {
    return { status: 201, body: { token: 'cbs_1', session: SESSION, user: ANN } };
  }
  if (method === 'GET' && path === '/v1/session') {
    return { status: 200, body: { session: SESSION, user: ANN } };
  }
  if (method === 'DELETE' && path === '/v1/session') return { status: 204 };
  if (method === 'GET' && path.startsWith('/v1/conversations')) {
    return { status: 200, body: { items: [], nextCursor: null } };
  }
  return { status: 404, body: errorBody('not_found') };
}

export function errorBody(code: string, more: Record<string, unknown> = {}): unknown {
  const message = `About ${code}.`;
  return { error: { code, message, retry: 'never', requestId: 'req_1', details: {}, ...more } };
}

/** Opens the socket and answers the hello. */
export function welcome(
  socket: FakeSocket,
  more: { cursor?: string; resumed?: boolean; liveCallIds?: string[] } = {},
): void {
  socket.open();
  socket.receive({
    type: 'welcome',
    re: 'hello',
    userId: 'ann',
    sessionId: 'ses_1',
    cursor: 'k3.10',
    resumed: false,
    heartbeatSeconds: 25,
    serverTime: '2026-11-21T10:00:00.000Z',
    liveCallIds: [],
    ...more,
  });
}

/** A frame that tells of a message. */
export function created(seq: number, more: Partial<Message> = {}): ServerFrame {
  const text = more.text ?? `text ${seq}`;
  const message = messageOf({ id: `msg_${seq}`, position: seq, text, ...more });
  const origin = message.senderId === 'ann' ? { sessionId: 'ses_1' } : null;
  return { type: 'message.created', seq, message, origin };
}

export function messageOf(more: Partial<Message>): Message {
  return {
    id: 'msg_x',
    conversationId: 'cnv_1',
    position: 1,
    senderId: 'bob',
    recipientId: 'ann',
    text: '',
    createdAt: '2026-11-21T10:00:00.000Z',
    ...more,
  };
}

/** The server keeps a message. */
export function accept(socket: FakeSocket, frame: ClientFrame): void {
  if (frame.type !== 'message.send') throw new Error(`not a message: ${frame.type}`);
  const { messageId: id, text } = frame.message;
  const message = messageOf({ id, text, senderId: 'ann', recipientId: 'bob' });
  socket.receive({ type: 'message.accepted', re: frame.id, message });
}

/** The server refuses a request. */
export function refuse(
  socket: FakeSocket,
  re: string,
  code: string,
  more: Record<string, unknown> = {},
): void {
  socket.receive({ type: 'error', re, ...(errorBody(code, more) as object) });
}
