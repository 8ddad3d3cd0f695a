import { describe, expect, test } from 'vitest';
import { rejection, settle } from '../test/fake-world.js';
import { accept, created, refuse, setUp, signedIn, welcome } from '../test/signed-in.js';

describe('sending', () => {
  test('returns at once with an id, and is accepted later', async () => {
    const { fake, client } = await signedIn();
    const outgoing = client.messages.send('bob', 'hello');
    expect(outgoing).toMatchObject({ text: 'hello', status: 'pending', to: { userId: 'bob' } });
    expect(outgoing.id).toMatch(/^[\w-]{8,64}$/);
    const [frame] = fake.socket.of('message.send');
    expect(frame?.message).toEqual({
      messageId: outgoing.id,
      to: { userId: 'bob' },
      text: 'hello',
    });
    accept(fake.socket, frame!);
    expect((await outgoing.accepted).id).toBe(outgoing.id);
    expect(outgoing.status).toBe('accepted');
    expect(client.messages.pending).toEqual([]);
  });

  test('what is sent while away waits, and goes in order', async () => {
    const { fake, client } = await signedIn();
    fake.socket.serverCloses(1006);
    const ids = ['one', 'two', 'three'].map((text) => client.messages.send('bob', text).id);
    expect(client.messages.pending.map(({ status }) => status)).toEqual(Array(3).fill('pending'));
    await fake.advance(250);
    welcome(fake.socket, { resumed: true });
    for (let index = 0; index < 3; index += 1) {
      expect(fake.socket.of('message.send')).toHaveLength(index + 1);
      accept(fake.socket, fake.socket.of('message.send')[index]!);
      await settle();
    }
    expect(fake.socket.of('message.send').map(({ message }) => message.messageId)).toEqual(ids);
  });

  test('what was on its way when the socket went is sent again with the same id', async () => {
    const { fake, client } = await signedIn();
    const { id } = client.messages.send('bob', 'hello');
    for (let round = 0; round < 3; round += 1) {
      fake.socket.serverCloses(1006);
      await fake.advance(4_000);
      welcome(fake.socket, { resumed: true });
      expect(fake.socket.of('message.send').map(({ message }) => message.messageId)).toEqual([id]);
    }
  });

  test('a refusal fails that message and lets the next one go', async () => {
    const { fake, client } = await signedIn();
    const failed: unknown[] = [];
    client.messages.on('status', ({ status, error }) => failed.push([status, error?.code]));
    const { accepted } = client.messages.send('zoe', 'hello');
    client.messages.send('bob', 'hello');
    refuse(fake.socket, fake.socket.of('message.send')[0]!.id, 'user_not_found');
    const error = await rejection(accepted);
    expect(error).toMatchObject({ code: 'user_not_found', retry: 'never', requestId: 'req_1' });
    expect(failed).toEqual([['failed', 'user_not_found']]);
    expect(fake.socket.of('message.send')[1]?.message.to).toEqual({ userId: 'bob' });
  });

  test('"not now" is no refusal: the same message goes again, and none overtakes it', async () => {
    const { fake, client } = await signedIn();
    const { id } = client.messages.send('bob', 'one');
    client.messages.send('bob', 'two');
    const more = { retry: 'after', details: { retryAfterSeconds: 3 } };
    refuse(fake.socket, fake.socket.of('message.send')[0]!.id, 'rate_limited', more);
    await fake.advance(2_999);
    expect(fake.socket.of('message.send')).toHaveLength(1);
    await fake.advance(1);
    expect(fake.socket.of('message.send')[1]?.message.messageId).toBe(id);
    accept(fake.socket, fake.socket.of('message.send')[1]!);
    await settle();
    expect(fake.socket.of('message.send')[2]?.message.text).toBe('two');
  });

  test('an answer that never comes, on a socket that lives, brings another socket', async () => {
    const { fake, client } = await signedIn();
    client.messages.send('bob', 'hello');
    await fake.advance(19_999);
    expect(client.connection).toBe('online');
    await fake.advance(1);
    expect(client.connection).toBe('waiting');
  });

  test('a frame that is too large fails here, instead of ending the connection', async () => {
    const { fake, client } = await signedIn();
    const { accepted } = client.messages.send('bob', 'ü'.repeat(40_000));
    expect(await rejection(accepted)).toMatchObject({ code: 'payload_too_large' });
    expect(fake.socket.of('message.send')).toEqual([]);
  });

  test('half a surrogate pair becomes a replacement character', async () => {
    const { fake, client } = await signedIn();
    client.messages.send('bob', `${'😀'.slice(0, 1)} and 😀`);
    expect(fake.socket.of('message.send')[0]?.message.text).toBe('\uFFFD and 😀');
  });

  test('signing out fails what waits; sending then is an error', async () => {
    const { client } = await signedIn();
    const { accepted } = client.messages.send('bob', 'hello');
    await client.signOut();
    expect(await rejection(accepted)).toMatchObject({ code: 'closed' });
    expect(() => client.messages.send('bob', 'hello')).toThrow('Sign in first');
  });

  test('a conversation can be written to', async () => {
    const { fake, client } = await signedIn();
    client.messages.send({ conversationId: 'cnv_1' }, 'hello');
    expect(fake.socket.of('message.send')[0]?.message.to).toEqual({ conversationId: 'cnv_1' });
  });
});

describe('lists and receipts', () => {
  test('conversations and history are read over HTTP', async () => {
    const { fake, client } = await signedIn();
    fake.answer = () => ({ status: 200, body: { items: [], nextCursor: null } });
    await client.messages.conversations({ limit: 10, updatedAfter: '2026-11-21T10:00:00.000Z' });
    await client.messages.history('cnv/1', { before: 12, limit: 5 });
    await client.directory.list({ limit: 3, cursor: 'x' });
    expect(fake.requests.slice(-3).map(({ path }) => path)).toEqual([
      '/v1/conversations?limit=10&updatedAfter=2026-11-21T10%3A00%3A00.000Z',
      '/v1/conversations/cnv%2F1/messages?before=12&limit=5',
      '/v1/users?limit=3&cursor=x',
    ]);
    expect(fake.requests.at(-1)?.authorization).toBe('Bearer cbs_1');
  });

  test('an answer whose connection broke is read again', async () => {
    const { fake, client } = await signedIn();
    const answers = [{ status: 200 }, { status: 200, body: '{"items":[' }];
    fake.answer = () =>
      answers.shift() ?? { status: 200, body: { items: [], nextCursor: 'there is more' } };
    const page = client.messages.conversations();
    await fake.advance(60_000);
    expect(await page).toEqual({ items: [], nextCursor: 'there is more' });
    expect(answers).toEqual([]);
  });

  test('reading is told and answered', async () => {
    const { fake, client } = await signedIn();
    const answer = client.messages.markRead('cnv_1', 12);
    const [frame] = fake.socket.of('receipt.read');
    expect(frame).toMatchObject({ conversationId: 'cnv_1', upTo: 12 });
    const receipt = { conversationId: 'cnv_1', userId: 'ann', deliveredUpTo: 12, readUpTo: 12 };
    fake.socket.receive({ type: 'receipt.recorded', re: frame!.id, receipt });
    expect(await answer).toEqual(receipt);
  });

  test('a request is rejected when its socket is lost, and when no socket comes', async () => {
    const { fake, client } = await signedIn();
    const lost = rejection(client.messages.markRead('cnv_1', 12));
    fake.socket.serverCloses(1006);
    expect(await lost).toMatchObject({ code: 'network', retry: 'after' });
    const waiting = rejection(client.messages.markRead('cnv_1', 12));
    await fake.advance(15_000);
    expect(await waiting).toMatchObject({ code: 'network' });
  });

  test('a request that waits for the connection is sent when it is there', async () => {
    const { fake, client } = setUp();
    await client.signIn({ userId: 'ann' });
    void client.messages.markRead('cnv_1', 3).catch(() => undefined);
    welcome(fake.socket);
    expect(fake.socket.of('receipt.read')).toHaveLength(1);
  });

  test("a request without an answer times out, and nobody's request says to sign in", async () => {
    const { fake, client } = await signedIn();
    const late = rejection(client.messages.markRead('cnv_1', 12));
    await fake.advance(15_000);
    expect(await late).toMatchObject({ code: 'timeout' });
    const nobody = setUp().client;
    expect(await rejection(nobody.messages.markRead('cnv_1', 1))).toMatchObject({
      code: 'not_signed_in',
    });
    expect(await rejection(nobody.messages.conversations())).toMatchObject({
      code: 'not_signed_in',
    });
  });

  test('receipts of others are told', async () => {
    const { fake, client } = await signedIn();
    const heard: unknown[] = [];
    client.messages.on('receipt', (receipt) => heard.push(receipt));
    const receipt = { conversationId: 'cnv_1', userId: 'bob', deliveredUpTo: 4, readUpTo: 2 };
    fake.socket.receive({ type: 'receipt.changed', seq: 11, receipt });
    expect(heard).toEqual([receipt]);
  });
});

describe('typing', () => {
  test('is told at once, repeated every 4 seconds while it holds, and ended', async () => {
    const { fake, client } = await signedIn();
    const told = (): boolean[] => fake.socket.of('typing.set').map(({ active }) => active);
    for (let key = 0; key < 20; key += 1) {
      client.messages.setTyping('bob', true);
      await fake.advance(450);
    }
    expect(told()).toEqual([true, true, true]);
    client.messages.setTyping('bob', false);
    client.messages.setTyping('bob', false);
    expect(told()).toEqual([true, true, true, false]);
    await fake.advance(20_000);
    expect(told()).toHaveLength(4);
  });

  test('stops by itself when the app forgets, and when the message is sent', async () => {
    const { fake, client } = await signedIn();
    fake.onSocket = () => undefined;
    client.messages.setTyping('bob', true);
    for (let second = 0; second < 60; second += 1) {
      fake.socket.receive({ type: 'pong', re: 'p' });
      await fake.advance(1_000);
    }
    expect(fake.socket.of('typing.set')).toHaveLength(8);
    client.messages.setTyping('bob', true);
    client.messages.send('bob', 'hello');
    await fake.advance(10_000);
    expect(fake.socket.of('typing.set')).toHaveLength(9);
  });

  test('of others expires after 6 seconds, and ends with their message', async () => {
    const { fake, client } = await signedIn();
    const heard: string[] = [];
    client.messages.on('typing', ({ userId, active }) => heard.push(`${userId} ${active}`));
    const typing = {
      type: 'typing',
      userId: 'bob',
      conversationId: 'cnv_1',
      active: true,
    } as const;
    fake.socket.receive(typing);
    await fake.advance(4_000);
    fake.socket.receive(typing);
    await fake.advance(5_999);
    expect(heard).toEqual(['bob true']);
    await fake.advance(1);
    expect(heard).toEqual(['bob true', 'bob false']);
    fake.socket.receive(typing);
    fake.socket.receive(created(11));
    expect(heard.slice(2)).toEqual(['bob true', 'bob false']);
    fake.socket.receive({ ...typing, active: false });
    expect(heard).toHaveLength(4);
  });
});
