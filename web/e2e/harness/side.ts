/** One side of a correspondence behind a storm: the same to a test, whether its SDK runs in Node or in a page. */
import type { Message, Receipt } from '@callbox/sdk';
import { Correspondent, type Diary } from './correspondent.js';
import type { Line } from './line.js';
import { nodeClient, online } from './node-client.js';
import type { PlainTab } from './plain.js';
import type { Stage } from './stage.js';
import { Storm } from './storm.js';

export interface Side {
  readonly userId: string;
  readonly line: Line;
  readonly storm: Storm;
  /** Sends all of them, without waiting for anything. */
  write(to: string, texts: string[]): Promise<void>;
  read(conversationId: string, upTo: number): Promise<Receipt>;
  diary(): Promise<Diary>;
  /** How many of its messages were accepted, and how many it was told of, its own too. */
  progress(): Promise<Progress>;
  close(): void;
}

export interface Progress {
  accepted: number;
  told: number;
  troubles: string[];
}

/** Signed in and online, on a line that is calm so far. */
export async function nodeSide(stage: Stage, userId: string, seed: number): Promise<Side> {
  const line = await stage.line();
  const { appKey } = stage.server;
  const correspondent = new Correspondent((sessionStore) =>
    nodeClient({ url: line.url, appKey, sessionStore, world: { random: () => 0 } }),
  );
  const { client, diary } = correspondent;
  await client.signIn({ userId });
  await online(client);
  return {
    userId,
    line,
    storm: new Storm(seed),
    write: (to, texts) => {
      correspondent.write(to, texts);
      return Promise.resolve();
    },
    read: (conversationId, upTo) => correspondent.read(conversationId, upTo),
    diary: () => Promise.resolve(diary),
    progress: () => Promise.resolve(progressOf(diary)),
    close: () => client.close(),
  };
}

/** The same in a page, which loads its SDK past the storm. */
export async function pageSide(
  stage: Stage,
  { page }: PlainTab,
  userId: string,
  seed: number,
): Promise<Side> {
  const line = await stage.line();
  const { appKey } = stage.server;
  // A class is no property of the window by itself, as a function is.
  const scripts = [progressOf, Correspondent, 'window.Correspondent = Correspondent;'];
  await page.addScriptTag({ content: scripts.map(String).join('\n') });
  await page.evaluate(
    async ({ url, appKey, userId }) => {
      const correspondent = new window.Correspondent(
        (sessionStore) =>
          new window.Callbox.CallboxClient({
            url,
            appKey,
            sessionStore,
            world: { random: () => 0 },
          }),
      );
      window.correspondent = correspondent;
      const { client } = correspondent;
      await client.signIn({ userId });
      await new Promise<void>((resolve) => {
        if (client.connection === 'online') resolve();
        client.on('connection', ({ state }) => state === 'online' && resolve());
      });
    },
    { url: line.url, appKey, userId },
  );
  return {
    userId,
    line,
    storm: new Storm(seed),
    write: (to, texts) =>
      page.evaluate(({ to, texts }) => window.correspondent.write(to, texts), { to, texts }),
    read: (conversationId, upTo) =>
      page.evaluate(({ conversationId, upTo }) => window.correspondent.read(conversationId, upTo), {
        conversationId,
        upTo,
      }),
    diary: () => page.evaluate(() => window.correspondent.diary),
    progress: () => page.evaluate(() => window.progressOf(window.correspondent.diary)),
    close: () => undefined,
  };
}

/** The messages of which a diary tells. */
export function messagesOf({ told }: Pick<Diary, 'told'>): Message[] {
  return told.flatMap((entry) => ('message' in entry ? [entry.message] : []));
}

/** Runs in pages too. */
function progressOf({ accepted, told, troubles }: Diary): Progress {
  const messages = told.filter((entry) => 'message' in entry);
  return { accepted: accepted.length, told: messages.length, troubles };
}

declare global {
  interface Window {
    Correspondent: typeof Correspondent;
    correspondent: Correspondent;
    progressOf: typeof progressOf;
  }
}
