import { expect, test } from 'vitest';
import { accept, created, signedIn, setUp, welcome } from '../test/signed-in.js';
import { memorySessionStore } from './session-store.js';

test('events that were seen are dropped', async () => {
  const { fake, client } = await signedIn();
  const seen: string[] = [];
  client.messages.on('message', ({ message }) => seen.push(message.id));
  fake.socket.receive(created(11));
  fake.socket.receive(created(11));
  fake.socket.receive(created(9));
  fake.socket.receive(created(12));
  expect(seen).toEqual(['msg_11', 'msg_12']);
});

test('a gap closes the socket, and the next one asks from before it', async () => {
  const { fake, client } = await signedIn();
  const seen: string[] = [];
  client.messages.on('message', ({ message }) => seen.push(message.id));
  fake.socket.receive(created(11));
  await fake.advance(0);
  const first = fake.socket;
  first.receive(created(13));
  first.receive(created(14));
  expect(first.closedByClient).toBe(true);
  await fake.advance(500);
  welcome(fake.socket, { resumed: true });
  expect(fake.socket.of('hello')[0]?.cursor).toBe('k3.11');
  for (const seq of [12, 13, 14]) fake.socket.receive(created(seq));
  expect(seen).toEqual(['msg_11', 'msg_12', 'msg_13', 'msg_14']);
});

test('a server that always leaves a gap is asked ever more slowly', async () => {
  const { fake } = await signedIn();
  fake.onSocket = (socket) =>
    void Promise.resolve().then(() => {
      welcome(socket, { resumed: true });
      socket.receive(created(20));
    });
  fake.socket.receive(created(20));
  await fake.advance(60_000);
  expect(fake.sockets.length).toBeLessThan(12);
});

test('acknowledgements are cumulative, after the handlers, at most every 250 ms', async () => {
  const { fake, client } = await signedIn();
  client.messages.on('message', ({ message }) => {
    const acked = fake.socket.of('ack').map(({ seq }) => seq);
    expect(acked).not.toContain(message.position);
  });
  const acks = (): number[] => fake.socket.of('ack').map(({ seq }) => seq);
  fake.socket.receive(created(11));
  fake.socket.receive(created(12));
  expect(acks()).toEqual([]);
  await fake.advance(0);
  expect(acks()).toEqual([12]);
  for (let seq = 13; seq < 113; seq += 1) {
    fake.socket.receive(created(seq));
    await fake.advance(10);
  }
  await fake.advance(250);
  expect(acks().length).toBeLessThanOrEqual(6);
  expect(acks().at(-1)).toBe(112);
});

test('an acknowledgement that is lost with its socket is said again', async () => {
  const { fake, client } = await signedIn();
  const heard: string[] = [];
  client.messages.on('message', ({ message }) => heard.push(message.id));
  fake.socket.receive(created(11));
  await fake.advance(0);
  fake.socket.takesAcks = false;
  fake.socket.receive(created(12));
  await fake.advance(2_000);
  expect(fake.socket.of('ack').map(({ seq }) => seq)).toEqual([11, 12]);
  expect(fake.socket.of('ping').map(({ id }) => id)).toEqual(['ack-11', 'ack-12']);
  fake.socket.serverCloses(1006);
  await fake.advance(500);
  welcome(fake.socket, { resumed: true });
  expect(fake.socket.of('hello')[0]?.cursor).toBe('k3.11');
  fake.socket.receive(created(12));
  await fake.advance(2_000);
  expect(fake.socket.of('ack').map(({ seq }) => seq)).toEqual([12]);
  expect(heard).toEqual(['msg_11', 'msg_12']);
});

test('acknowledgements are asked after once in two seconds at most', async () => {
  const { fake } = await signedIn();
  for (let seq = 11; seq <= 50; seq += 1) {
    fake.socket.receive(created(seq));
    await fake.advance(100);
  }
  await fake.advance(10_000);
  const pings = fake.socket.of('ping').map(({ id }) => id);
  expect([pings.length, pings[0], pings.at(-1)]).toEqual([4, 'ack-11', 'ack-50']);
});

test('what was not acknowledged before a cut is asked for again, dropped, and acknowledged', async () => {
  const { fake, client } = await signedIn();
  const heard: string[] = [];
  client.messages.on('message', ({ message }) => heard.push(message.id));
  fake.socket.receive(created(11));
  await fake.advance(0);
  fake.socket.receive(created(12));
  fake.socket.receive(created(13));
  fake.socket.serverCloses(1006);
  await fake.advance(250);
  welcome(fake.socket, { resumed: true });
  expect(fake.socket.of('hello')[0]?.cursor).toBe('k3.11');
  await fake.advance(250);
  // A server takes no acknowledgement of what it has not sent over this socket.
  expect(fake.socket.of('ack')).toEqual([]);
  fake.socket.receive(created(12));
  await fake.advance(250);
  fake.socket.receive(created(13));
  await fake.advance(250);
  expect(fake.socket.of('ack').map(({ seq }) => seq)).toEqual([12, 13]);
  expect(heard).toEqual(['msg_11', 'msg_12', 'msg_13']);
});

test('the store keeps the cursor, and the next page load goes on from it', async () => {
  const sessionStore = memorySessionStore();
  const first = await signedIn({ sessionStore });
  expect((await sessionStore.load())?.cursor).toBe('k3.10');
  first.fake.socket.receive(created(11));
  await first.fake.advance(0);
  expect((await sessionStore.load())?.cursor).toBe('k3.11');

  const second = setUp({ sessionStore });
  const seen: string[] = [];
  second.client.messages.on('message', ({ message }) => seen.push(message.id));
  let stale = 0;
  second.client.messages.on('stale', () => (stale += 1));
  await second.client.resume();
  welcome(second.fake.socket, { resumed: true, cursor: 'k3.11' });
  expect(second.fake.socket.of('hello')[0]?.cursor).toBe('k3.11');
  second.fake.socket.receive(created(11));
  second.fake.socket.receive(created(12));
  expect(seen).toEqual(['msg_12']);
  expect(stale).toBe(0);
});

test("a cursor without a number at its end counts as none, and the server's next one is taken", async () => {
  const { fake, client } = setUp();
  await client.signIn({ userId: 'ann' });
  welcome(fake.socket, { cursor: 'opaque' });
  const seen: string[] = [];
  client.messages.on('message', ({ message }) => seen.push(message.id));
  fake.socket.receive(created(5));
  expect(seen).toEqual(['msg_5']);
  fake.socket.serverCloses(1006);
  await fake.advance(500);
  fake.socket.open();
  expect(fake.socket.of('hello')[0]).not.toHaveProperty('cursor');
});

test('big numbers stay exact', async () => {
  const { fake, client } = setUp();
  await client.signIn({ userId: 'ann' });
  welcome(fake.socket, { cursor: 'a.b.9007199254740989' });
  let heard = 0;
  client.messages.on('message', () => (heard += 1));
  fake.socket.receive(created(9_007_199_254_740_990));
  await fake.advance(0);
  fake.socket.serverCloses(1006);
  await fake.advance(500);
  fake.socket.open();
  expect(heard).toBe(1);
  expect(fake.socket.of('hello')[0]?.cursor).toBe('a.b.9007199254740990');
});

test('an event of the own message settles it, whichever comes first', async () => {
  const { fake, client } = await signedIn();
  const statuses: string[] = [];
  const heard: string[] = [];
  client.messages.on('status', ({ id, status }) => statuses.push(`${id} ${status}`));
  client.messages.on('message', ({ message, mine }) => heard.push(`${message.id} ${mine}`));
  const one = client.messages.send('bob', 'one');
  const [frame] = fake.socket.of('message.send');
  fake.socket.receive(created(11, { id: one.id, senderId: 'ann', text: 'one' }));
  accept(fake.socket, frame!);
  const two = client.messages.send('bob', 'two');
  accept(fake.socket, fake.socket.of('message.send')[1]!);
  await fake.advance(0);
  fake.socket.receive(created(12, { id: two.id, senderId: 'ann', text: 'two' }));
  await fake.advance(0);
  expect(statuses).toEqual([`${one.id} accepted`, `${two.id} accepted`]);
  expect(heard).toEqual([`${one.id} true`, `${two.id} true`]);
  await expect(one.accepted).resolves.toMatchObject({ id: one.id });
});
