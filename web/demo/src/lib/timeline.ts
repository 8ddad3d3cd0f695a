/** A conversation as a list: where a message goes, and which bubbles belong together. */
import { sameDay } from './time.js';

/** One message as the demo shows it. */
export interface Item {
  id: string;
  text: string;
  mine: boolean;
  /** When the server accepted it, or when it was written here as long as it has not. */
  at: number;
  /** Its place in the conversation; `null` until the server gave it one. */
  position: number | null;
  /** How far sending came; the two later steps, delivered and read, follow from the other's receipt. */
  sending: 'pending' | 'accepted' | 'failed';
  /** Why it failed, as a sentence. */
  problem?: string;
}

/** What the ticks tell. */
export type Status = Item['sending'] | 'delivered' | 'read';

/** Up to which positions the other side has received and read. */
export interface Watermarks {
  delivered: number;
  read: number;
}

/** How a message stands in the list. */
export interface Placement {
  /** A new day begins above it. */
  newDay: boolean;
  /** First and last bubble of one person's run. */
  first: boolean;
  last: boolean;
}

/** A pause after which the same sender's next message starts a new group. */
const GROUP_PAUSE_MS = 5 * 60_000;

/** Puts an item in its place, over an older one with the same id. What has no place yet stays at the end. */
export function put(items: Item[], item: Item): void {
  const known = items.findIndex((other) => other.id === item.id);
  if (known >= 0) items.splice(known, 1);
  const place = item.position ?? Infinity;
  let index = items.length;
  while (index > 0 && (items[index - 1]?.position ?? Infinity) > place) index -= 1;
  items.splice(index, 0, item);
}

/** What the ticks of an own message tell. */
export function statusOf(item: Item, other: Watermarks): Status {
  if (item.sending !== 'accepted' || item.position === null) return item.sending;
  if (item.position <= other.read) return 'read';
  return item.position <= other.delivered ? 'delivered' : 'accepted';
}

/** How the item at `index` stands between its neighbours. */
export function placement(items: readonly Item[], index: number): Placement {
  const item = items[index];
  const before = items[index - 1];
  const after = items[index + 1];
  return {
    newDay: !item || !before || !sameDay(before.at, item.at),
    first: !item || !before || !together(before, item),
    last: !item || !after || !together(item, after),
  };
}

function together(a: Item, b: Item): boolean {
  return a.mine === b.mine && b.at - a.at < GROUP_PAUSE_MS && sameDay(a.at, b.at);
}
