import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeMailbox } from '../test/fake-mailbox.js';
import { settle } from '../test/fake-world.js';
import { setUp } from '../test/signed-in.js';

const STEPS = [
  'send',
  'receive',
  'toServer',
  'toClient',
  'cut',
  'wait',
  'waitLong',
  'online',
] as const;
const step = fc.constantFrom(...STEPS, 'toServer' as const, 'toClient' as const);

test('wherever the socket is cut, each message is accepted once, in order, and each event told once', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 120 }),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    async (steps, random) => {
      const run = await start(random);
      for (const name of steps) await run.take(name);
      await run.heal();
      run.check();
    },
  );
  await fc.assert(property, { numRuns: 250, seed: 20261121 });
});

async function start(random: number) {
  const { fake, client } = setUp();
  fake.random = random;
  const mailbox = new FakeMailbox(fake);
  const heard: string[] = [];
  const statuses: string[] = [];
  const sent: string[] = [];
  let isStale = false;
  client.messages.on('message', ({ message }) => heard.push(message.id));
  client.messages.on('status', ({ id, status }) => statuses.push(`${id} ${status}`));
  client.messages.on('stale', () => (isStale = true));
  await client.signIn({ userId: 'ann' });
  await drain(mailbox);
  const before = mailbox.log.length;

  async function take(name: (typeof STEPS)[number]): Promise<void> {
    if (name === 'send') sent.push(client.messages.send('bob', `text ${sent.length}`).id);
    else if (name === 'receive') mailbox.receive('hello');
    else if (name === 'toServer') mailbox.stepToServer();
    else if (name === 'toClient') mailbox.stepToClient();
    else if (name === 'cut') mailbox.cut();
    else if (name === 'wait') await fake.advance(200);
    else if (name === 'waitLong') await fake.advance(7_000);
    else await fake.happen('online');
    await settle();
  }

  async function heal(): Promise<void> {
    for (let round = 0; round < 12 + 2 * sent.length; round += 1) {
      await drain(mailbox);
      await fake.advance(10_000);
    }
    await drain(mailbox);
  }

  function check(): void {
    expect(mailbox.violations).toEqual([]);
    expect(isStale).toBe(false);
    expect(mailbox.accepted.map(({ id }) => id)).toEqual(sent);
    expect(statuses).toEqual(sent.map((id) => `${id} accepted`));
    expect(heard).toEqual(mailbox.log.slice(before).map(({ id }) => id));
    expect(mailbox.delivered).toBe(mailbox.log.length > before ? mailbox.log.length : 0);
    expect(client.messages.pending).toEqual([]);
    expect(client.connection).toBe('online');
    expect(fake.reported).toEqual([]);
  }

  return { take, heal, check };
}

/** Everything that is on its way arrives. */
async function drain(mailbox: FakeMailbox): Promise<void> {
  for (;;) {
    const moved = mailbox.stepToServer() || mailbox.stepToClient();
    await settle();
    if (!moved) return;
  }
}
