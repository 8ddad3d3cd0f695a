import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { DemoTab } from '../harness/demo.js';
import { SCREENS } from '../harness/places.js';
import { test, type Stage } from '../harness/stage.js';
import { PATIENTLY } from '../harness/wait.js';

describe('a page that is loaded again while the line is down', () => {
  test('shows what it had, and sends once what was written before and after', async ({ stage }) => {
    const line = await stage.line();
    const ann = await stage.person('ann', { url: line.url });
    const bob = await stage.person('bob');
    await Promise.all([ann.openChat('bob'), bob.openChat('ann')]);
    await bob.send('Seen before the line went down.');
    await ann.received('Seen before the line went down.');
    await hasFilesAnyway(ann, stage);
    line.down();
    await ann.isAway();
    await ann.send('Written before the reload, one.');
    await ann.send('Written before the reload, two.');
    await ann.ticks('Written before the reload, two.', 'pending');

    await ann.page.reload();
    await ann.received('Seen before the line went down.');
    await ann.isAway();
    await ann.ticks('Written before the reload, one.', 'pending');
    await ann.ticks('Written before the reload, two.', 'pending');
    await ann.send('Written after the reload.');
    await ann.ticks('Written after the reload.', 'pending');
    await ann.page.screenshot({ path: join(SCREENS, 'offline-after-a-reload.png') });

    line.up();
    // However long the page would have waited: browsers say when they are online again.
    await ann.page.evaluate(() => void window.dispatchEvent(new Event('online')));
    await bob.received('Written after the reload.');
    await ann.ticks('Written after the reload.', 'read');
    const texts = [
      'Seen before the line went down.',
      'Written before the reload, one.',
      'Written before the reload, two.',
      'Written after the reload.',
    ];
    expect(await bob.texts()).toEqual(texts);
    expect(await ann.texts()).toEqual(texts);
    await ann.page.reload();
    await ann.ticks('Written after the reload.', 'read');
    expect(await ann.texts()).toEqual(texts);
  });
});

test('who signs out leaves nothing in the browser', async ({ stage }) => {
  const [ann, bob] = await stage.pair();
  await bob.send('Not to be found later.');
  await ann.received('Not to be found later.');
  await expect.poll(() => keptBy(ann), PATIENTLY).toContain('Not to be found later.');
  await ann.signOut();
  await expect.poll(() => keptBy(ann), PATIENTLY).toBe('[]');
});

/** The page's own files come by another way than the line, as from a cache. */
async function hasFilesAnyway({ page }: DemoTab, stage: Stage): Promise<void> {
  // A page whose files did not come from this machine has to be allowed to reach it.
  await page.context().grantPermissions(['local-network-access']);
  const isFile = ({ pathname }: URL) => !pathname.startsWith('/v1/');
  await page.route(isFile, async (route) => {
    const { pathname } = new URL(route.request().url());
    await route.fulfill({ response: await route.fetch({ url: stage.server.url + pathname }) });
  });
}

/** Everything that the SDK keeps in this browser, as a text. */
function keptBy({ page }: DemoTab): Promise<string> {
  return page.evaluate(
    () =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open('callbox');
        opening.onerror = () => reject(new Error('the database cannot be opened'));
        opening.onsuccess = () => {
          const reading = opening.result.transaction('records').objectStore('records').getAll();
          reading.onsuccess = () => {
            opening.result.close();
            resolve(JSON.stringify(reading.result));
          };
        };
      }),
  );
}
