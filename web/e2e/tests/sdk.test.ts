import { CallboxError, memorySessionStore, type CallboxClient } from '@callbox/sdk';
import { describe, expect } from 'vitest';
import { nodeClient, online } from '../harness/node-client.js';
import { test, type Loading } from '../harness/plain.js';
import { PATIENTLY, within } from '../harness/wait.js';

describe("in a page of another origin, the server's own SDK", () => {
  test.for<Loading>(['script', 'module'])(
    'is loaded as a %s and signs in, writes and hears',
    async (loading, { app }) => {
      const ann = await app.person('ann', loading);
      const bob = await app.person('bob', loading);
      const accepted = await ann.page.evaluate(async () => {
        const message = await window.client.messages.send('bob', 'Hello from a plain page.')
          .accepted;
        return { text: message.text, position: message.position };
      });
      expect(accepted).toEqual({ text: 'Hello from a plain page.', position: 1 });
      await expect
        .poll(() => bob.page.evaluate(() => window.messages), PATIENTLY)
        .toEqual(['Hello from a plain page.']);
      expect(
        await bob.page.evaluate(async () => {
          const { items } = await window.client.messages.conversations();
          return items.map((item) => [item.lastMessage?.text, item.unreadCount]);
        }),
      ).toEqual([['Hello from a plain page.', 1]]);
    },
  );

  test('writes to someone who uses the demo, and back', async ({ app, stage }) => {
    const ann = await app.person('ann');
    const bob = await stage.person('bob');
    await bob.openChat('ann');
    await bob.send('From the demo to the plain page.');
    await expect
      .poll(() => ann.page.evaluate(() => window.messages), PATIENTLY)
      .toEqual(['From the demo to the plain page.']);
    await bob.ticks('From the demo to the plain page.', 'delivered');
    await ann.page.evaluate(() => {
      window.client.messages.send('bob', 'From the plain page to the demo.');
    });
    await bob.received('From the plain page to the demo.');
  });
});

describe('in Node, the SDK', () => {
  test('signs in, writes and hears', async ({ stage }) => {
    const [ann, bob] = await Promise.all(
      ['ann', 'bob'].map((name) => signedIn(stage.server, name)),
    );
    const heard = nextMessage(bob!);
    const sent = await ann!.messages.send('bob', 'Hello from one program to another.').accepted;
    expect(await heard).toBe('Hello from one program to another.');
    const history = await bob!.messages.history(sent.conversationId);
    expect(history.items.map((item) => item.id)).toEqual([sent.id]);
    await Promise.all([ann!.signOut(), bob!.signOut()]);
    expect(ann!.connection).toBe('signed-out');
  });

  test('resumes a stored session and hears what came meanwhile', async ({ stage }) => {
    const sessionStore = memorySessionStore();
    const { url, appKey } = stage.server;
    const ann = await signedIn(stage.server, 'ann');
    const early = nodeClient({ url, appKey, sessionStore });
    await early.signIn({ userId: 'bob' });
    await online(early);
    early.close();
    await ann.messages.send('bob', 'While the other program was closed.').accepted;
    const late = nodeClient({ url, appKey, sessionStore });
    const heard = nextMessage(late);
    expect(await late.resume()).toMatchObject({ user: { id: 'bob' } });
    expect(await heard).toBe('While the other program was closed.');
    ann.close();
    late.close();
  });

  test('is refused in words where it may not be', async ({ stage }) => {
    const { url } = stage.server;
    const refusal = await nodeClient({ url, appKey: 'no-such-app' })
      .signIn({ userId: 'ann' })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CallboxError);
    expect(refusal).toMatchObject({ code: 'app_key_unknown', retry: 'never' });
    const { message } = refusal as CallboxError;
    expect(message).toMatch(/^[A-Z].*\.$/);
  });
});

async function signedIn(
  { url, appKey }: { url: string; appKey: string },
  userId: string,
): Promise<CallboxClient> {
  const client = nodeClient({ url, appKey });
  await client.signIn({ userId });
  await online(client);
  return client;
}

/** The next message that someone else wrote. */
function nextMessage(client: CallboxClient): Promise<string> {
  const heard = new Promise<string>((resolve) => {
    client.messages.on('message', ({ message, mine }) => {
      if (!mine) resolve(message.text);
    });
  });
  return within(heard, 'a message');
}
