import type { Receipt } from '@callbox/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageOf } from '../test/signed-in.js';
import type { Conversation } from './frames.js';
import { HELD_CONVERSATIONS_MAX, HELD_MESSAGES_MAX, Held } from './held.js';

describe('messages that are held', () => {
  test('are the newest of a conversation in their order, whichever way they came', () => {
    const held = new Held('ann');
    held.handleMessage(message(3));
    held.putMessages('cnv_1', [message(1), message(2), message(3)]);
    held.handleMessage(message(4));
    expect(positions(held)).toEqual([1, 2, 3, 4]);
  });

  test('have no hole: what is before one is let go', () => {
    const held = new Held('ann');
    for (const position of [1, 2, 3, 7]) held.handleMessage(message(position));
    expect(positions(held)).toEqual([7]);
    held.putMessages('cnv_1', [message(5), message(6)]);
    expect(positions(held)).toEqual([5, 6, 7]);
    held.putMessages('cnv_1', [message(2), message(3)]);
    expect(positions(held)).toEqual([5, 6, 7]);
  });

  test('are no more than so many', () => {
    const held = new Held('ann');
    const count = HELD_MESSAGES_MAX + 10;
    for (let position = 1; position <= count; position += 1) held.handleMessage(message(position));
    expect(positions(held)).toHaveLength(HELD_MESSAGES_MAX);
    expect(positions(held).at(-1)).toBe(count);
    expect(kept(held).filter((key) => key.startsWith('message/'))).toHaveLength(HELD_MESSAGES_MAX);
  });

  test('of a conversation that is not held are not held either', () => {
    const held = new Held('ann');
    held.putMessages('cnv_1', [message(1)]);
    expect(positions(held)).toEqual([]);
  });
});

describe('conversations that are held', () => {
  test('begin with their first message, and count what is unread', () => {
    const held = new Held('ann');
    held.handleMessage(message(1));
    held.handleMessage(message(2));
    held.handleMessage(message(3, { senderId: 'ann', recipientId: 'bob' }));
    held.handleMessage(message(2));
    const [conversation] = held.conversations();
    expect(conversation).toMatchObject({ id: 'cnv_1', lastPosition: 3, unreadCount: 2 });
    expect(conversation?.lastMessage?.position).toBe(3);
    expect(conversation?.members.map(({ userId }) => userId).sort()).toEqual(['ann', 'bob']);
  });

  test('do not go back when a list is older than the events', () => {
    const held = new Held('ann');
    held.putConversations([conversation({ lastPosition: 5, unreadCount: 5 })]);
    held.handleMessage(message(6));
    held.handleReceipt(receipt('bob', 6, 4));
    held.putConversations([conversation({ lastPosition: 5, unreadCount: 5 })]);
    const [found] = held.conversations();
    expect(found).toMatchObject({ lastPosition: 6, unreadCount: 6 });
    expect(found?.members).toContainEqual(receipt('bob', 6, 4));
    held.handleReceipt(receipt('bob', 2, 2));
    expect(held.conversations()[0]?.members).toContainEqual(receipt('bob', 6, 4));
  });

  test('have no unread messages once the user read them, whatever an older list says', () => {
    const held = new Held('ann');
    held.putConversations([conversation({ lastPosition: 5, unreadCount: 5 })]);
    held.handleReceipt(receipt('ann', 5, 5));
    expect(held.conversations()[0]?.unreadCount).toBe(0);
    held.putConversations([conversation({ lastPosition: 5, unreadCount: 5 })]);
    expect(held.conversations()[0]?.unreadCount).toBe(0);
    held.handleMessage(message(6));
    expect(held.conversations()[0]?.unreadCount).toBe(1);
  });

  test('are those that changed last, and no more than so many', () => {
    const held = new Held('ann');
    for (let number = 0; number <= HELD_CONVERSATIONS_MAX; number += 1) {
      const createdAt = new Date(1_000 * number).toISOString();
      held.handleMessage(message(1, { conversationId: `cnv_${number}`, createdAt }));
    }
    const ids = held.conversations().map(({ id }) => id);
    expect(ids).toHaveLength(HELD_CONVERSATIONS_MAX);
    expect(ids[0]).toBe(`cnv_${HELD_CONVERSATIONS_MAX}`);
    expect(ids).not.toContain('cnv_0');
    expect(kept(held)).toHaveLength(2 * HELD_CONVERSATIONS_MAX);
  });
});

describe('what is kept', () => {
  test('changes that could not be kept are taken again, beside newer ones', () => {
    const held = new Held('ann');
    held.handleMessage(message(1));
    const changes = held.takeChanges();
    held.handleMessage(message(2));
    held.giveBack(changes);
    const again = held.takeChanges();
    expect([...again.keys()].sort()).toEqual([
      'conversation/cnv_1',
      'message/cnv_1/1',
      'message/cnv_1/2',
    ]);
    expect(again.get('conversation/cnv_1')).toMatchObject({ lastPosition: 2 });
    expect(held.takeChanges().size).toBe(0);
  });

  test('is after any events the same as what is held', () => {
    const event = fc.oneof(
      fc.record({ position: fc.integer({ min: 1, max: 80 }), id: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ page: fc.integer({ min: 1, max: 80 }), id: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ read: fc.integer({ min: 1, max: 80 }), id: fc.constantFrom('a', 'b', 'c') }),
      fc.constant('drop' as const),
    );
    const property = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const held = new Held('ann');
      const records = new Map<string, unknown>();
      for (const each of events) {
        if (each === 'drop') held.drop();
        else if ('position' in each) held.handleMessage(of(each.id, each.position));
        else if ('read' in each)
          held.handleReceipt({ ...receipt('ann', 0, each.read), conversationId: each.id });
        else
          held.putMessages(
            each.id,
            [0, 1, 2].map((more) => of(each.id, each.page + more)),
          );
        for (const [key, value] of held.takeChanges()) {
          if (value === undefined) records.delete(key);
          else records.set(key, value);
        }
      }
      const again = new Held('ann', [...records]);
      expect(again.takeChanges().size).toBe(0);
      expect(again.conversations()).toEqual(held.conversations());
      for (const id of ['a', 'b', 'c']) expect(again.messages(id)).toEqual(held.messages(id));
      expect(new Map(held.takeAll())).toEqual(records);
    });
    fc.assert(property, { numRuns: 300, seed: 20261121 });
  });

  test('by two pages together has neither holes nor too much', () => {
    const first = new Held('ann');
    const second = new Held('ann');
    for (let position = 1; position <= 3; position += 1) first.handleMessage(message(position));
    for (let position = 5; position <= 70; position += 1) second.handleMessage(message(position));
    const held = new Held('ann', [...new Map([...first.takeAll(), ...second.takeAll()])]);
    expect(positions(held)).toEqual(Array.from({ length: HELD_MESSAGES_MAX }, (_, i) => 21 + i));
    expect([...held.takeChanges()]).toContainEqual(['message/cnv_1/3', undefined]);
  });
});

function message(position: number, more: Parameters<typeof messageOf>[0] = {}) {
  return messageOf({ id: `msg_${position}`, position, ...more });
}

function of(conversationId: string, position: number) {
  return message(position, { conversationId });
}

function conversation(more: Partial<Conversation>): Conversation {
  return {
    id: 'cnv_1',
    createdAt: '2026-11-21T09:00:00.000Z',
    updatedAt: '2026-11-21T10:00:00.000Z',
    lastPosition: 0,
    lastMessage: null,
    members: [receipt('ann', 0, 0), receipt('bob', 0, 0)],
    unreadCount: 0,
    ...more,
  };
}

function receipt(userId: string, deliveredUpTo: number, readUpTo: number): Receipt {
  return { conversationId: 'cnv_1', userId, deliveredUpTo, readUpTo };
}

function positions(held: Held): number[] {
  return held.messages('cnv_1').map(({ position }) => position);
}

/** The keys of all that the changes so far leave. */
function kept(held: Held): string[] {
  return [...held.takeChanges()].flatMap(([key, value]) => (value === undefined ? [] : [key]));
}
