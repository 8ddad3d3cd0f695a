import { describe, expect } from 'vitest';
import { DemoTab } from '../harness/demo.js';
import { test } from '../harness/stage.js';
import { PATIENTLY } from '../harness/wait.js';

describe('a server that is started again', () => {
  test.override('serverOptions', () => ({ fixedPort: true }));

  test.for(['stop', 'kill'] as const)(
    'after a %s has all messages, and the pages come back by themselves',
    async (end, { stage }) => {
      const [ann, bob] = await stage.pair();
      await ann.send('Before the server went away.');
      await bob.received('Before the server went away.');
      await stage.server[end]();
      await Promise.all([ann.isAway(), bob.isAway()]);
      await stage.server.restart();
      await Promise.all([ann.isOnline(), bob.isOnline()]);
      await bob.send('After it came back again.');
      await ann.received('After it came back again.');
      await bob.page.reload();
      await bob.received('Before the server went away.');
      const texts = ['Before the server went away.', 'After it came back again.'];
      expect(await bob.texts()).toEqual(texts);
      expect(await ann.texts()).toEqual(texts);
    },
  );

  test('accepts what was written meanwhile, each exactly once', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await stage.server.kill();
    await ann.isAway();
    await ann.send('Written while nobody was there, one.');
    await ann.send('Written while nobody was there, two.');
    await ann.ticks('Written while nobody was there, one.', 'pending');
    await ann.ticks('Written while nobody was there, two.', 'pending');
    await stage.server.restart();
    await bob.received('Written while nobody was there, two.');
    await ann.ticks('Written while nobody was there, two.', 'read');
    // A stranger to all that happened sees what the server has: both, once, in their order.
    const witness = await stage.person('bob');
    await witness.openChat('ann');
    await witness.received('Written while nobody was there, two.');
    const texts = ['Written while nobody was there, one.', 'Written while nobody was there, two.'];
    for (const tab of [ann, bob, witness]) expect(await tab.texts()).toEqual(texts);
  });
});

describe('a line', () => {
  test('that breaks costs no message, and none comes twice', async ({ stage }) => {
    const line = await stage.line();
    const [ann, bob] = await stage.pair({ url: line.url });
    const texts = [];
    for (let turn = 1; turn <= 3; turn += 1) {
      const [there, back] = [`Round ${turn}, from ann to bob.`, `Round ${turn}, from bob to ann.`];
      texts.push(there, back);
      await ann.send(there);
      line.cut();
      await bob.received(there);
      await bob.send(back);
      line.cut();
      await ann.received(back);
    }
    await Promise.all([ann.isOnline(), bob.isOnline()]);
    await ann.ticks(texts.at(-2)!, 'read');
    await ann.page.reload();
    await ann.received(texts.at(-1)!);
    expect(await ann.texts()).toEqual(texts);
    expect(await bob.texts()).toEqual(texts);
  });

  test('that is down keeps messages waiting on both sides', async ({ stage }) => {
    const line = await stage.line();
    const ann = await stage.person('ann', { url: line.url });
    const bob = await stage.person('bob');
    await Promise.all([ann.openChat('bob'), bob.openChat('ann')]);
    line.down();
    await ann.isAway();
    await ann.send('Written behind the broken line.');
    await ann.ticks('Written behind the broken line.', 'pending');
    await bob.send('Written on the other side of it.');
    await bob.ticks('Written on the other side of it.', 'accepted');
    line.up();
    await ann.received('Written on the other side of it.');
    await bob.received('Written behind the broken line.');
    await ann.ticks('Written behind the broken line.', 'read');
    await bob.ticks('Written on the other side of it.', 'read');
    expect(await ann.texts()).toEqual(await bob.texts());
  });

  test('that goes dead without a word is noticed when the browser says it is offline', async ({
    stage,
  }) => {
    const line = await stage.line();
    const ann = await stage.person('ann', { url: line.url });
    const bob = await stage.person('bob');
    await Promise.all([ann.openChat('bob'), bob.openChat('ann')]);
    line.dead();
    await ann.page.context().setOffline(true);
    await ann.isAway();
    await ann.send('Written in the tunnel.');
    await ann.ticks('Written in the tunnel.', 'pending');
    line.up();
    await ann.page.context().setOffline(false);
    await ann.isOnline();
    await bob.received('Written in the tunnel.');
    await ann.ticks('Written in the tunnel.', 'read');
    expect(await bob.texts()).toEqual(['Written in the tunnel.']);
  });

  test('that is down does not hide who came meanwhile', async ({ stage }) => {
    const line = await stage.line();
    const ann = await stage.person('ann', { url: line.url });
    line.down();
    await ann.isAway();
    await stage.person('carla');
    line.up();
    await ann.at('person-carla').waitFor();
  });
});

test('a second tab on the same session has a connection of its own', async ({ stage }) => {
  const [ann, bob] = await stage.pair();
  const opening = ann.page.context().waitForEvent('page');
  await ann.page.evaluate(() => void window.open(location.href));
  const second = new DemoTab(await opening);
  await second.isOnline();
  await bob.send('To both tabs of one session.');
  await Promise.all([ann, second].map((tab) => tab.received('To both tabs of one session.')));
  await second.page.close();
  await bob.send('To the tab that is left.');
  await ann.received('To the tab that is left.');
  const header = bob.page.getByLabel('Conversation with ann');
  await expect.poll(() => header.getByText('Online', { exact: true }).count(), PATIENTLY).toBe(1);
});
