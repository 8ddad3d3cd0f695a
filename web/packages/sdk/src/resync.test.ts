import type { Message } from '@callbox/wire';
import { describe, expect, test } from 'vitest';
import type { HttpAnswer } from '../test/fake-world.js';
import {
  type Setup,
  answerAsServer,
  created,
  errorBody,
  messageOf,
  setUp,
  signedIn,
  welcome,
} from '../test/signed-in.js';
import type { ClientOptions } from './client.js';
import type { Conversation } from './frames.js';
import { memoryLocalStore } from './local-store.js';
import { memorySessionStore } from './session-store.js';
import type { StaleEvent } from './resync.js';

interface Scene extends Setup {
  stale: StaleEvent[];
  /** What was asked for over HTTP since the last welcome. */
  paths: () => string[];
  /** The conversations and messages that the server has. */
  server: { conversations: Conversation[]; messages: Message[]; outage: HttpAnswer | null };
}

/** Ann has messages 1 and 2 of `cnv_1`, at the events 11 and 12. */
async function scene(options: Partial<ClientOptions> = {}): Promise<Scene> {
  const setup = await signedIn(options);
  const { fake, client } = setup;
  const stale: StaleEvent[] = [];
  client.messages.on('stale', (event) => stale.push(event));
  const server: Scene['server'] = { conversations: [], messages: [], outage: null };
  fake.answer = (request) => {
    if (!request.path.startsWith('/v1/conversations')) return answerAsServer(request);
    if (server.outage) return server.outage;
    const isHistory = request.path.includes('/messages');
    const items = isHistory ? server.messages : server.conversations;
    return { status: 200, body: { items, nextCursor: null } };
  };
  for (const position of [1, 2]) {
    fake.socket.receive(created(10 + position, { position, createdAt: at(position) }));
  }
  await fake.advance(300);
  let seen = 0;
  const paths = () => fake.requests.slice(seen).map(({ path }) => path);
  fake.onSocket = () => (seen = fake.requests.length);
  return { ...setup, stale, paths, server };
}

async function comeBack({ fake }: Scene, cursor: string): Promise<void> {
  fake.socket.serverCloses(1006);
  await fake.advance(500);
  welcome(fake.socket, { cursor, resumed: false });
  await fake.advance(0);
}

describe('after events were missed', () => {
  test('what changed since is fetched, then the messages after those that are held', async () => {
    const ann = await scene();
    ann.server.conversations = [conversation({ lastPosition: 4 })];
    ann.server.messages = [3, 4].map((position) => messageOf({ id: `new_${position}`, position }));
    await comeBack(ann, 'k3.40');
    expect(ann.paths()).toEqual([
      '/v1/conversations?limit=100&updatedAfter=2026-11-21T09%3A59%3A02.000Z',
      '/v1/conversations/cnv_1/messages?limit=50&after=2',
    ]);
    const { local } = ann.client.messages;
    expect(local.history('cnv_1').map(({ id }) => id)).toEqual([
      'msg_11',
      'msg_12',
      'new_3',
      'new_4',
    ]);
    expect(ann.stale).toMatchObject([{ restored: false, conversations: [{ id: 'cnv_1' }] }]);
  });

  test('watermarks of conversations that did not change are fetched too', async () => {
    const ann = await scene();
    ann.server.conversations = [];
    await comeBack(ann, 'k3.40');
    expect(ann.paths()).toEqual([
      expect.stringContaining('updatedAfter='),
      '/v1/conversations?limit=100',
    ]);
    expect(ann.stale).toEqual([{ restored: false, conversations: [] }]);
  });

  test('more than is held of a conversation is not fetched message by message', async () => {
    const ann = await scene();
    ann.server.conversations = [conversation({ lastPosition: 500 })];
    ann.server.messages = [499, 500].map((position) =>
      messageOf({ id: `new_${position}`, position }),
    );
    await comeBack(ann, 'k3.900');
    expect(ann.paths()[1]).toBe('/v1/conversations/cnv_1/messages?limit=50');
    expect(positions(ann)).toEqual([499, 500]);
  });

  test.each([
    ['of another epoch', 'q9.5'],
    ['that is shorter than what was seen', 'k3.11'],
  ])('a log %s replaces what is held, and no message of before is left', async (_name, cursor) => {
    const ann = await scene();
    ann.server.conversations = [conversation({ lastPosition: 2 })];
    ann.server.messages = [1, 2].map((position) =>
      messageOf({ id: `other_${position}`, position }),
    );
    await comeBack(ann, cursor);
    expect(ann.paths()).toEqual([
      '/v1/conversations?limit=100',
      '/v1/conversations/cnv_1/messages?limit=50',
    ]);
    const ids = ann.client.messages.local.history('cnv_1').map(({ id }) => id);
    expect(ids).toEqual(['other_1', 'other_2']);
    expect(ann.stale).toMatchObject([{ restored: true, conversations: [{ id: 'cnv_1' }] }]);
  });

  test('a conversation that is gone from the server is let go', async () => {
    const ann = await scene();
    await comeBack(ann, 'q9.5');
    expect(ann.client.messages.local.conversations()).toEqual([]);
    expect(positions(ann)).toEqual([]);
  });

  test('it is tried until it succeeds, and the app is told once', async () => {
    const ann = await scene();
    ann.server.outage = { status: 503, body: errorBody('overloaded', { retry: 'after' }) };
    await comeBack(ann, 'k3.40');
    await ann.fake.advance(60_000);
    expect(ann.stale).toEqual([]);
    ann.server.outage = null;
    await ann.fake.advance(300_000);
    expect(ann.stale).toHaveLength(1);
  });

  test('the place in the log is kept only with what was missed', async () => {
    const localStore = memoryLocalStore();
    const sessionStore = memorySessionStore();
    const ann = await scene({ localStore, sessionStore });
    const kept = () => new Map(localStore.load('app ann seen') as []).get('cursor');
    ann.server.outage = { status: 503, body: errorBody('overloaded', { retry: 'after' }) };
    await comeBack(ann, 'k3.40');
    ann.fake.socket.receive(created(41, { position: 30 }));
    await ann.fake.advance(300);
    expect(kept()).toMatchObject({ cursor: 'k3.12' });

    // The next page load begins where the last whole was.
    ann.client.close();
    const next = setUp({ localStore, sessionStore });
    await next.client.resume();
    next.fake.socket.open();
    expect(next.fake.socket.of('hello')[0]?.cursor).toBe('k3.12');
    expect(next.client.messages.local.history('cnv_1').map(({ position }) => position)).toEqual([
      1, 2,
    ]);
  });

  test('nothing more is fetched once the user has signed out', async () => {
    const ann = await scene();
    ann.server.outage = { status: 503, body: errorBody('overloaded', { retry: 'after' }) };
    await comeBack(ann, 'k3.40');
    await ann.client.signOut();
    await ann.fake.advance(30_000);
    const before = ann.fake.requests.length;
    await ann.fake.advance(600_000);
    expect(ann.fake.requests).toHaveLength(before);
    expect(ann.fake.timers).toBe(0);
  });
});

function at(seconds: number): string {
  return new Date(Date.parse('2026-11-21T10:00:00.000Z') + seconds * 1_000).toISOString();
}

function conversation(more: Partial<Conversation>): Conversation {
  const members = ['ann', 'bob'].map((userId) => {
    return { conversationId: 'cnv_1', userId, deliveredUpTo: 0, readUpTo: 0 };
  });
  const times = { createdAt: at(0), updatedAt: at(60) };
  const counts = { lastPosition: 0, unreadCount: 0 };
  return { id: 'cnv_1', ...times, ...counts, lastMessage: null, members, ...more };
}

function positions({ client }: Setup): number[] {
  return client.messages.local.history('cnv_1').map(({ position }) => position);
}
