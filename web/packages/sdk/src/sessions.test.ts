import { expect, test } from 'vitest';
import { settle } from '../test/fake-world.js';
import { SESSION, answerAsServer, signedIn } from '../test/signed-in.js';

const OTHER = { ...SESSION, id: 'ses_2' };

test("lists the user's sessions", async () => {
  const { fake, client } = await signedIn();
  const items = [
    { session: SESSION, connected: true, current: true },
    { session: OTHER, connected: false, current: false },
  ];
  fake.answer = () => ({ status: 200, body: { items, nextCursor: null } });
  expect((await client.sessions.list()).items).toEqual(items);
  expect(fake.requests.at(-1)).toMatchObject({ method: 'GET', path: '/v1/sessions' });
});

test('ends one, or all others', async () => {
  const { fake, client } = await signedIn();
  fake.answer = () => ({ status: 204 });
  await client.sessions.end('ses_2');
  await client.sessions.endOthers();
  const requests = fake.requests.slice(-2).map(({ method, path }) => `${method} ${path}`);
  expect(requests).toEqual(['DELETE /v1/sessions/ses_2', 'DELETE /v1/sessions']);
  expect(client.connection).toBe('online');
});

test('ending the own one is signing out', async () => {
  const { fake, client } = await signedIn();
  fake.answer = answerAsServer;
  const ended: string[] = [];
  client.on('sessionEnded', ({ reason }) => ended.push(reason));
  await client.sessions.end('ses_1');
  await settle();
  expect(fake.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/session' });
  expect(client.connection).toBe('signed-out');
  expect(ended).toEqual([]);
});
