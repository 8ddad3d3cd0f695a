/** What the server itself has, told to a client that saw nothing of what happened. */
import {
  type Message,
  type Page,
  type Receipt,
  type StoredSession,
  type UnknownFrame,
  memorySessionStore,
} from '@callbox/sdk';
import type { ExpectStatic } from 'vitest';
import type { Told } from './correspondent.js';
import { nodeClient, online } from './node-client.js';
import type { CallboxServer } from './server.js';
import { PATIENTLY } from './wait.js';

export interface Testimony {
  /** The number of each event of the user's log, as they came. */
  seqs: number[];
  /** What these events tell an app. */
  told: Told[];
  /** The conversation, by the list. */
  history: Message[];
  /** Where everyone in it is, by the list of conversations. */
  members: Receipt[];
  unreadCount: number;
}

/** Asks for everything after the cursor of this session, and for the user's only conversation. */
export async function witness(
  server: CallboxServer,
  stored: StoredSession,
  expect: ExpectStatic,
): Promise<Testimony> {
  const newest = await newestSeq(server, stored);
  const logged: UnknownFrame[] = [];
  const client = await resumed(server, stored, (frame) => {
    if (typeof frame['seq'] === 'number') logged.push(frame);
  });
  const newestLogged = () => logged.at(-1)?.['seq'];
  await expect.poll(newestLogged, { ...PATIENTLY, message: 'whole log' }).toBe(newest);
  const { items: conversations } = await client.messages.conversations();
  const [{ id, members, unreadCount }] = conversations as [(typeof conversations)[0]];
  const history = [];
  for (let page: Page<Message> | null = null; !page || page.items.length > 0;) {
    page = await client.messages.history(id, { after: history.length, limit: PAGE });
    history.push(...page.items);
  }
  client.close();
  const seqs = logged.map(({ seq }) => seq as number);
  return { seqs, told: logged.map(toldBy), history, members, unreadCount };
}

/** What a logged frame tells an app. */
function toldBy({ type, message, receipt, ...rest }: UnknownFrame): Told {
  if (type === 'message.created') return { message: message as Message };
  if (type === 'receipt.changed') return { receipt: receipt as Receipt };
  throw new Error(`unexpected in this log: ${type} ${JSON.stringify(rest)}`);
}

/** A client without a cursor starts at the newest event. */
async function newestSeq(server: CallboxServer, stored: StoredSession): Promise<number> {
  const frames: UnknownFrame[] = [];
  const client = await resumed(server, { ...stored, cursor: null }, (frame) => frames.push(frame));
  client.close();
  const welcome = frames.find(({ type }) => type === 'welcome');
  return Number(/\d+$/.exec(welcome?.['cursor'] as string)?.[0]);
}

async function resumed(
  { url, appKey }: CallboxServer,
  stored: StoredSession,
  heard: (frame: UnknownFrame) => void,
) {
  const sessionStore = memorySessionStore();
  await sessionStore.save(stored);
  const client = nodeClient({ url, appKey, sessionStore, heard });
  await client.resume();
  await online(client);
  return client;
}

const PAGE = 100;
