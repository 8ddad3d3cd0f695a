import { describe, expect, test } from 'vitest';
import { settle } from '../test/fake-world.js';
import { accept, created, errorBody, refuse, setUp, signedIn, welcome } from '../test/signed-in.js';
import { CallboxError } from './errors.js';
import { fullJitter } from './retry-policy.js';
import type { ConnectionChange } from './types.js';

describe('handshake', () => {
  test('opens the socket, says hello with the token, and is online after the welcome', async () => {
    const { fake, client } = setUp({ url: 'https://callbox.test/' });
    const states: string[] = [];
    client.on('connection', ({ state }) => states.push(state));
    expect(client.connection).toBe('signed-out');
    await client.signIn({ userId: 'ann' });
    expect(fake.socket.url).toBe('wss://callbox.test/v1/socket');
    expect(fake.socket.protocols).toEqual(['callbox.v1']);
    expect(fake.socket.sent).toEqual([]);
    welcome(fake.socket);
    const [hello] = fake.socket.of('hello');
    expect(hello).toMatchObject({
      token: 'cbs_1',
      connectionId: expect.stringMatching(/^[\w-]{22}$/) as unknown,
    });
    expect(hello).not.toHaveProperty('cursor');
    expect(states).toEqual(['connecting', 'online']);
  });

  test('a server that does not answer the hello is left after ten seconds', async () => {
    const { fake, client } = setUp();
    await client.signIn({ userId: 'ann' });
    fake.socket.open();
    await fake.advance(9_999);
    expect(client.connection).toBe('connecting');
    await fake.advance(1);
    expect(client.connection).toBe('waiting');
    expect(fake.socket.closedByClient).toBe(true);
  });

  test('the same connection id goes into every hello', async () => {
    const { fake } = await signedIn();
    fake.socket.serverCloses(1006);
    await fake.advance(500);
    welcome(fake.socket, { resumed: true });
    const ids = fake.sockets.map((socket) => socket.of('hello')[0]?.connectionId);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  test('without a WebSocket it says what to pass', async () => {
    const { client } = setUp({}, { WebSocket: null });
    const changes: ConnectionChange[] = [];
    client.on('connection', (change) => changes.push(change));
    await client.signIn({ userId: 'ann' });
    expect(changes.at(-1)?.state).toBe('stopped');
    expect(changes.at(-1)?.error?.message).toContain('"ws"');
  });
});

describe('coming back', () => {
  test('resumes with the cursor of the last event', async () => {
    const { fake } = await signedIn();
    fake.socket.receive(created(11));
    await fake.advance(0);
    fake.socket.serverCloses(1006);
    await fake.advance(250);
    fake.socket.open();
    expect(fake.socket.of('hello')[0]?.cursor).toBe('k3.11');
  });

  test('a server that cannot resume moves the cursor and says that lists are stale', async () => {
    const { fake, client } = await signedIn();
    const stale: unknown[] = [];
    client.messages.on('stale', (event) => stale.push(event));
    fake.socket.receive(created(11));
    fake.socket.serverCloses(1006);
    await fake.advance(500);
    welcome(fake.socket, { cursor: 'q9.400', resumed: false });
    await fake.advance(0);
    expect(stale).toEqual([{ conversations: [], restored: true }]);
    fake.socket.serverCloses(1006);
    await fake.advance(1_000);
    fake.socket.open();
    expect(fake.socket.of('hello')[0]?.cursor).toBe('q9.400');
  });

  test.each([1000, 1001, 1006, 1011, 4000, 4001, 4004, 4099])(
    'code %i comes back',
    async (code) => {
      const { fake, client } = await signedIn();
      fake.socket.serverCloses(code);
      expect(client.connection).toBe('waiting');
      await fake.advance(500);
      expect(fake.sockets).toHaveLength(2);
      expect(client.connection).toBe('connecting');
    },
  );

  test('takes its place back from an earlier socket whose hello arrives late', async () => {
    const { fake, client } = await signedIn();
    const { accepted } = client.messages.send('bob', 'hello');
    fake.socket.serverCloses(
      4409,
      'replaced: The same connection id said hello on another socket.',
    );
    expect(client.connection).toBe('waiting');
    await fake.advance(500);
    welcome(fake.socket, { resumed: true });
    expect(client.connection).toBe('online');
    accept(fake.socket, fake.socket.of('message.send')[0]!);
    await expect(accepted).resolves.toMatchObject({ text: 'hello' });
  });

  test.each([4400, 4402, 4403, 4413, 4429])('code %i stops and keeps the session', async (code) => {
    const { fake, client } = await signedIn();
    const changes: ConnectionChange[] = [];
    client.on('connection', (change) => changes.push(change));
    fake.socket.serverCloses(code, 'app_disabled: The operator has disabled this app.');
    await fake.advance(600_000);
    await fake.happen('online');
    expect(fake.sockets).toHaveLength(1);
    expect(client.connection).toBe('stopped');
    expect(client.user?.id).toBe('ann');
    expect(changes).toHaveLength(1);
    expect(changes[0]?.error).toBeInstanceOf(CallboxError);
    expect(changes[0]?.error).toMatchObject({
      code: 'app_disabled',
      message: 'The operator has disabled this app.',
      details: { closeCode: code },
    });
    client.connect();
    expect(fake.sockets).toHaveLength(2);
  });

  test('code 4401 ends the session here too', async () => {
    const { fake, client } = await signedIn();
    const ended: string[] = [];
    client.on('sessionEnded', ({ error }) => ended.push(error.code));
    const { accepted } = client.messages.send('bob', 'hello');
    fake.answer = () => ({ status: 401, body: errorBody('session_ended') });
    fake.socket.serverCloses(4401, 'session_ended: The session is over; sign in again.');
    expect(client.connection).toBe('waiting');
    await settle();
    expect(client.connection).toBe('signed-out');
    expect(client.user).toBeNull();
    expect(ended).toEqual(['session_ended']);
    await expect(accepted).rejects.toMatchObject({ code: 'session_ended' });
    await fake.advance(600_000);
    expect(fake.sockets).toHaveLength(1);
  });

  test("the hello's own error is told where the close says less", async () => {
    const { fake, client } = setUp();
    const errors: unknown[] = [];
    client.on('connection', ({ error }) => errors.push(error?.code));
    await client.signIn({ userId: 'ann' });
    fake.socket.open();
    refuse(fake.socket, 'hello', 'origin_not_allowed');
    fake.socket.serverCloses(4403);
    expect(errors.at(-1)).toBe('origin_not_allowed');
  });

  test('waits with full jitter that grows to 30 seconds, and never gives up', async () => {
    expect([0, 1, 2, 5, 6, 7, 1000].map((attempt) => fullJitter(attempt, () => 0.999_999))).toEqual(
      [499, 999, 1999, 15_999, 29_999, 29_999, 29_999],
    );
    expect(fullJitter(9, () => 0)).toBe(0);
    const { fake, client } = setUp();
    const waits: (number | undefined)[] = [];
    client.on('connection', ({ state, retryInSeconds }) => {
      if (state === 'waiting') waits.push(retryInSeconds);
    });
    fake.onSocket = (socket) => void Promise.resolve().then(() => socket.serverCloses(1006));
    await client.signIn({ userId: 'ann' });
    await fake.advance(3_600_000);
    expect(waits.slice(0, 8)).toEqual([0.25, 0.5, 1, 2, 4, 8, 15, 15]);
    expect(waits.length).toBeGreaterThan(200);
  });

  test('a connection that held starts the waiting anew; one that did not goes on growing', async () => {
    const { fake, client } = await signedIn();
    const waits: (number | undefined)[] = [];
    client.on('connection', ({ state, retryInSeconds }) => {
      if (state === 'waiting') waits.push(retryInSeconds);
    });
    for (let round = 0; round < 3; round += 1) {
      fake.socket.serverCloses(4000);
      await fake.advance(2_000);
      welcome(fake.socket, { resumed: true });
    }
    await fake.advance(5_000);
    fake.socket.serverCloses(4000);
    expect(waits).toEqual([0.25, 0.5, 1, 0.25]);
  });

  test.each(['online', 'visible', 'networkchange'] as const)(
    '%s comes back at once',
    async (event) => {
      const { fake, client } = await signedIn();
      fake.random = 0.999;
      fake.socket.serverCloses(1006);
      await fake.happen(event);
      expect(fake.sockets).toHaveLength(2);
      expect(client.connection).toBe('connecting');
      await fake.advance(400);
      expect(fake.sockets).toHaveLength(2);
    },
  );

  test('connect() comes back at once, and its next waiting starts anew', async () => {
    const { fake, client } = await signedIn();
    for (let loss = 0; loss < 6; loss += 1) {
      fake.socket.serverCloses(1006);
      await fake.advance(30_000);
    }
    fake.random = 0.999;
    const waits: number[] = [];
    client.on('connection', ({ retryInSeconds }) => {
      if (retryInSeconds !== undefined) waits.push(retryInSeconds);
    });
    fake.socket.serverCloses(1006);
    const sockets = fake.sockets.length;
    client.connect();
    client.connect();
    expect(client.connection).toBe('connecting');
    expect(fake.sockets).toHaveLength(sockets + 1);
    fake.socket.serverCloses(1006);
    expect(waits[0]).toBeGreaterThan(20);
    expect(waits[1]).toBeLessThanOrEqual(0.5);
    await fake.advance(500);
    welcome(fake.socket);
    client.connect();
    expect(client.connection).toBe('online');
    expect(fake.sockets).toHaveLength(sockets + 2);
  });

  test('a socket that opens on the old network is given up for one on the new', async () => {
    const { fake, client } = setUp();
    await client.signIn({ userId: 'ann' });
    await fake.happen('online');
    expect(fake.sockets).toHaveLength(2);
    expect(fake.sockets[0]?.closedByClient).toBe(true);
    // The one that was given up is not heard any more.
    welcome(fake.sockets[0]!);
    expect(client.connection).toBe('connecting');
  });
});

describe('heartbeat', () => {
  test('pings when nothing was heard, and is content with any frame', async () => {
    const { fake, client } = await signedIn();
    await fake.advance(24_999);
    expect(fake.socket.of('ping')).toHaveLength(0);
    await fake.advance(1);
    const pings = (): string[] => fake.socket.of('ping').map(({ id }) => id);
    expect(pings()).toEqual(['p1']);
    fake.socket.receive({ type: 'pong', re: 'p1' });
    await fake.advance(20_000);
    fake.socket.receive(created(11));
    await fake.advance(20_000);
    expect(pings()).toEqual(['p1', 'ack-11']);
    expect(client.connection).toBe('online');
  });

  test('a dead socket is noticed ten seconds after the ping', async () => {
    const { fake, client } = await signedIn();
    await fake.advance(34_999);
    expect(client.connection).toBe('online');
    await fake.advance(1);
    expect(client.connection).toBe('waiting');
    expect(fake.sockets[0]?.closedByClient).toBe(true);
    await fake.advance(500);
    expect(fake.sockets).toHaveLength(2);
  });

  test.each(['visible', 'offline', 'networkchange', 'online'] as const)(
    '%s asks at once whether the socket is alive',
    async (event) => {
      const { fake, client } = await signedIn();
      await fake.happen(event);
      await fake.happen(event);
      expect(fake.socket.of('ping')).toHaveLength(1);
      await fake.advance(4_000);
      expect(client.connection).not.toBe('online');
    },
  );
});

describe('what is not a frame', () => {
  test('reaches the app and stops nothing', async () => {
    const { fake, client } = await signedIn();
    const unknown: string[] = [];
    const texts: string[] = [];
    client.on('unknown', ({ type }) => unknown.push(type));
    client.messages.on('message', ({ message }) => texts.push(message.text));
    for (const text of ['{', '[]', 'null', '{"type":7}', '{"type":"warp"}', '"x"']) {
      fake.socket.receiveText(text);
    }
    fake.socket.receiveText(new Uint8Array([1]));
    fake.socket.receive({ type: 'warped', seq: 11 });
    fake.socket.receive({ type: 'message.created', seq: 12 });
    fake.socket.receive({ type: 'error', re: null, error: {} });
    fake.socket.receive(created(13, { text: 'still here' }));
    expect(unknown).toEqual(['', '', '', '', 'warp', '', '', 'warped', 'message.created', 'error']);
    expect(texts).toEqual(['still here']);
    expect(client.connection).toBe('online');
    await fake.advance(250);
    expect(fake.socket.of('ack').at(-1)?.seq).toBe(13);
  });

  test("an app's listener that throws stops nobody", async () => {
    const { fake, client } = await signedIn();
    const texts: string[] = [];
    client.messages.on('message', () => {
      throw new Error('in the app');
    });
    client.messages.on('message', ({ message }) => texts.push(message.text));
    fake.socket.receive(created(11, { text: 'one' }));
    fake.socket.receive(created(12, { text: 'two' }));
    await settle();
    expect(texts).toEqual(['one', 'two']);
    expect(fake.reported).toHaveLength(2);
  });
});

test('close() disconnects and keeps the session; connect() goes on', async () => {
  const { fake, client } = await signedIn();
  fake.socket.receive(created(11));
  client.close();
  expect(client.connection).toBe('stopped');
  expect(fake.socket.of('ack').at(-1)?.seq).toBe(11);
  expect(client.user?.id).toBe('ann');
  await fake.advance(60_000);
  expect(fake.sockets).toHaveLength(1);
  client.connect();
  fake.socket.open();
  // Nobody knows whether the last acknowledgement arrived.
  expect(fake.socket.of('hello')[0]?.cursor).toBe('k3.10');
});
