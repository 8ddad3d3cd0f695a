import type { Presence } from '@callbox/wire';
import { expect, test } from 'vitest';
import { rejection, settle } from '../test/fake-world.js';
import { refuse, setUp, signedIn, welcome } from '../test/signed-in.js';

const BOB: Presence = { userId: 'bob', status: 'online', lastSeenAt: null };
const BOB_GONE: Presence = {
  userId: 'bob',
  status: 'offline',
  lastSeenAt: '2026-11-21T10:00:00.000Z',
};

test('watching answers with what is known, and changes are told', async () => {
  const { fake, client } = await signedIn();
  const heard: string[] = [];
  client.presence.on('presence', ({ userId, status }) => heard.push(`${userId} ${status}`));
  const answer = client.presence.watch(['bob', 'bob', 'zoe']);
  const [frame] = fake.socket.of('presence.watch');
  expect(frame?.userIds).toEqual(['bob', 'zoe']);
  fake.socket.receive({ type: 'presence.state', re: frame!.id, presences: [BOB] });
  expect(await answer).toEqual([BOB]);
  fake.socket.receive({ type: 'presence.changed', presence: BOB_GONE });
  fake.socket.receive({ type: 'presence.changed', presence: BOB_GONE });
  expect(heard).toEqual(['bob online', 'bob offline']);
  expect(client.presence.get('bob')).toEqual(BOB_GONE);
  expect(client.presence.get('zoe')).toBeNull();
});

test('the watch is renewed on each new socket, and what changed meanwhile is told', async () => {
  const { fake, client } = await signedIn();
  const heard: string[] = [];
  client.presence.on('presence', ({ status }) => heard.push(status));
  void client.presence.watch(['bob']);
  const re = fake.socket.of('presence.watch')[0]!.id;
  fake.socket.receive({ type: 'presence.state', re, presences: [BOB] });
  await settle();
  fake.socket.serverCloses(1006);
  await fake.advance(250);
  welcome(fake.socket, { resumed: true });
  const again = fake.socket.of('presence.watch');
  expect(again).toMatchObject([{ userIds: ['bob'] }]);
  fake.socket.receive({ type: 'presence.state', re: again[0]!.id, presences: [BOB_GONE] });
  await settle();
  expect(heard).toEqual(['online', 'offline']);
});

test('a watch begun before the connection, or cut with it, is answered when it is there', async () => {
  const { fake, client } = setUp();
  await client.signIn({ userId: 'ann' });
  const answer = client.presence.watch(['bob']);
  welcome(fake.socket);
  expect(fake.socket.of('presence.watch')).toHaveLength(1);
  fake.socket.serverCloses(1006);
  await fake.advance(250);
  welcome(fake.socket, { resumed: true });
  const [frame] = fake.socket.of('presence.watch');
  fake.socket.receive({ type: 'presence.state', re: frame!.id, presences: [BOB] });
  expect(await answer).toEqual([BOB]);
});

test('a newer watch takes the place of the older one, and answers both', async () => {
  const { fake, client } = await signedIn();
  const first = client.presence.watch(['zoe']);
  const second = client.presence.watch(['bob']);
  const frames = fake.socket.of('presence.watch');
  fake.socket.receive({ type: 'presence.state', re: frames[0]!.id, presences: [] });
  fake.socket.receive({ type: 'presence.state', re: frames[1]!.id, presences: [BOB] });
  expect([await first, await second]).toEqual([[BOB], [BOB]]);
});

test('a refusal is told, and signing out ends the waiting', async () => {
  const { fake, client } = await signedIn();
  const refused = rejection(client.presence.watch(['bob']));
  refuse(fake.socket, fake.socket.of('presence.watch')[0]!.id, 'directory_closed');
  expect(await refused).toMatchObject({ code: 'directory_closed' });
  const waiting = rejection(client.presence.watch(['bob']));
  await client.signOut();
  expect(await waiting).toMatchObject({ code: 'closed' });
  expect(await rejection(client.presence.watch(['bob']))).toMatchObject({ code: 'not_signed_in' });
});

test('an overloaded server is asked again', async () => {
  const { fake, client } = await signedIn();
  void client.presence.watch(['bob']);
  refuse(fake.socket, fake.socket.of('presence.watch')[0]!.id, 'overloaded', { retry: 'after' });
  await fake.advance(1_000);
  expect(fake.socket.of('presence.watch')).toHaveLength(2);
});

test('a new user of the app is told', async () => {
  const { fake, client } = await signedIn();
  const added: string[] = [];
  client.directory.on('added', ({ user }) => added.push(user.id));
  const user = { id: 'cleo', createdAt: '2026-11-21T10:00:00.000Z' };
  const presence = { userId: 'cleo', status: 'online', lastSeenAt: null };
  fake.socket.receive({ type: 'directory.changed', entry: { user, presence } });
  expect(added).toEqual(['cleo']);
});
