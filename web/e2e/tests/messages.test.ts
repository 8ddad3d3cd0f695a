import { describe, expect } from 'vitest';
import { DemoTab } from '../harness/demo.js';
import { test } from '../harness/stage.js';
import { PATIENTLY } from '../harness/wait.js';

describe('messages', () => {
  test('go both ways, with ticks that tell how far they came', async ({ stage }) => {
    const ann = await stage.person('ann');
    const bob = await stage.person('bob');
    await bob.page.close();
    await ann.openChat('bob');
    await ann.send('Is anybody at home?');
    await ann.ticks('Is anybody at home?', 'accepted');

    const bobAgain = await stage.person('bob');
    await bobAgain.at('person-ann').getByText('Is anybody at home?').waitFor();
    await ann.send('You are back, I see.');
    await ann.ticks('You are back, I see.', 'delivered');

    await bobAgain.openChat('ann');
    await ann.ticks('You are back, I see.', 'read');
    await ann.ticks('Is anybody at home?', 'read');

    await bobAgain.send('Just came in by the door.');
    await ann.received('Just came in by the door.');
    await bobAgain.ticks('Just came in by the door.', 'read');
    expect(await ann.texts()).toEqual(await bobAgain.texts());
  });

  test('stay after a reload, and so does the conversation on screen', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await ann.send('Written before the reload.');
    await bob.send('Answered before the reload.');
    await ann.received('Answered before the reload.');
    const before = await ann.texts();
    await ann.page.reload();
    await ann.isOnline();
    await ann.received('Answered before the reload.');
    await ann.ticks('Written before the reload.', 'read');
    expect(await ann.texts()).toEqual(before);
    await bob.send('And this one after it.');
    await ann.received('And this one after it.');
  });

  test('are the same in a second tab of the same user', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await ann.send('Before the second tab was there.');
    await bob.received('Before the second tab was there.');
    const second = await stage.person('ann');
    await second.openChat('bob');
    await second.bubble('Before the second tab was there.').waitFor();
    await bob.send('Both tabs get this one.');
    await Promise.all([ann, second].map((tab) => tab.received('Both tabs get this one.')));
    await second.send('From the second tab, seen in the first.');
    await bob.received('From the second tab, seen in the first.');
    await ann.ticks('From the second tab, seen in the first.', 'read');
    expect(await ann.texts()).toEqual(await second.texts());
  });

  test('that are unread are counted in the list', async ({ stage }) => {
    const ann = await stage.person('ann');
    const bob = await stage.person('bob');
    await ann.openChat('bob');
    await ann.send('The first of two letters.');
    await ann.send('The second of two letters.');
    await bob.at('person-ann').getByText('2 unread', { exact: true }).waitFor();
    await expect.poll(() => bob.page.title(), PATIENTLY).toContain('(2)');
    await bob.openChat('ann');
    await bob.at('person-ann').getByText('unread').waitFor({ state: 'detached' });
    await expect.poll(() => bob.page.title(), PATIENTLY).not.toContain('(');
  });

  test('grow upwards page by page in a long conversation', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    const texts = Array.from({ length: 44 }, (_, i) => `Line number ${i + 1} of a long letter.`);
    for (const text of texts) await ann.send(text);
    await bob.received(texts.at(-1)!);
    await bob.page.reload();
    await bob.received(texts.at(-1)!);
    await bob.page.getByRole('region', { name: 'Messages with ann' }).evaluate((list) => {
      list.scrollTop = 0;
    });
    await expect.poll(() => bob.texts(), PATIENTLY).toEqual(texts);
  });

  test('show characters of all scripts, line breaks and markup as they were typed', async ({
    stage,
  }) => {
    const [ann, bob] = await stage.pair();
    const text = 'Grüße 👩‍👩‍👧 مرحبا <b>not bold</b> & "quoted"\nsecond line';
    await ann.send(text);
    await bob.received('second line');
    expect(await bob.texts()).toEqual([text]);
  });
});

describe('presence', () => {
  test('follows who comes and goes', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    const header = ann.page.getByLabel('Conversation with bob');
    await header.getByText('Online', { exact: true }).waitFor();
    await bob.page.close();
    await header.getByText('Online', { exact: true }).waitFor({ state: 'detached' });
    await header.getByText(/last seen/i).waitFor();
    await stage.person('bob');
    await header.getByText('Online', { exact: true }).waitFor();
  });

  test('shows who writes, until they stop', async ({ stage }) => {
    const [ann, bob] = await stage.pair();
    await bob.at('composer').fill('Half a sent');
    await ann.at('typing').waitFor();
    await bob.at('composer').fill('');
    await ann.at('typing').waitFor({ state: 'detached' });
    await bob.at('composer').fill('A whole sentence.');
    await ann.at('typing').waitFor();
    await bob.at('send').click();
    await ann.received('A whole sentence.');
    await ann.at('typing').waitFor({ state: 'detached' });
  });

  test('shows someone new at once', async ({ stage }) => {
    const ann = await stage.person('ann');
    await ann.page.getByText('Nobody else is here yet').waitFor();
    await stage.person('carla');
    await ann.at('person-carla').waitFor();
  });
});

describe('sign-in', () => {
  test.for([
    ['', 'Type a name first'],
    ['two words', 'Names have no spaces'],
    ['ann✨', 'is not one of them'],
    ['a'.repeat(81), 'At most 80 characters'],
  ])('as "%s" is answered in words: %s', async ([name, words], { stage }) => {
    const tab = await stage.tab();
    await tab.at('sign-in-name').fill(name!);
    await tab.at('sign-in-submit').click();
    await tab.page.getByText(words!).waitFor();
    expect(await tab.at('sign-in-name').getAttribute('aria-invalid')).toBe('true');
    await tab.signIn('ann');
  });

  test('while the server is away says so, and works once it is back', async ({ stage }) => {
    const line = await stage.line();
    const tab = await stage.tab({ url: line.url });
    line.down();
    await tab.at('sign-in-name').fill('ann');
    await tab.at('sign-in-submit').click();
    await tab.page
      .getByText(/network|reach|connection/i)
      .first()
      .waitFor();
    line.up();
    await tab.signIn('ann');
  });

  test('ends in all tabs that share the session', async ({ stage }) => {
    const ann = await stage.person('ann');
    const opening = ann.page.context().waitForEvent('page');
    await ann.page.evaluate(() => void window.open('/'));
    const other = new DemoTab(await opening);
    await other.isOnline();
    await ann.signOut();
    await other.at('sign-in-name').waitFor();
    await other.page.getByRole('status').getByText(/sign/i).waitFor();
    // And it does not come back by a reload.
    await other.page.reload();
    await other.at('sign-in-name').waitFor();
  });
});
