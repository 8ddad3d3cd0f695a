/** A server's mailbox behind a line that a test may stop, drain and cut at any point. One conversation, Ann's with Bob. */
import type { Message } from '@callbox/wire';
import type { ClientFrame, Conversation, ServerFrame } from '../src/frames.js';
import type { FakeSocket, FakeWorld, HttpAnswer, HttpRequest } from './fake-world.js';
import { answerAsServer, messageOf } from './signed-in.js';

export class FakeMailbox {
  /** What was accepted of Ann, in the server's order. */
  accepted: Message[] = [];
  /** Everything in Ann's log; its places are 1, 2, 3, … */
  log: Message[] = [];
  /** What the server does not allow, by its own rules. */
  readonly violations: string[] = [];
  /** How far Ann has the events, as the server knows it. */
  delivered = 0;
  /** Names this life of the log. */
  epoch = 'k3';
  /** Answers requests as this mailbox has it. */
  readonly answer = (request: HttpRequest): HttpAnswer => this.#answer(request);
  readonly #lines: Line[] = [];
  /** Events up to this one are not replayed any more. */
  #pruned = 0;
  #restores = 0;
  #ids = 0;

  constructor(fake: FakeWorld) {
    this.attach(fake);
  }

  /** The next page load of Ann's. */
  attach(fake: FakeWorld): void {
    fake.onSocket = (socket) => {
      const line: Line = { socket, toServer: [], toClient: [], isOpen: false, cut: false, sent: 0 };
      socket.onSent = (frame) => line.toServer.push(frame);
      this.#lines.push(line);
    };
  }

  /** Someone else writes. */
  receive(text: string): void {
    this.#append(messageOf({ id: `bob_${(this.#ids += 1)}`, senderId: 'bob', text }));
  }

  /** One thing goes from the client to the server. */
  stepToServer(): boolean {
    const line = this.#line();
    if (!line) return false;
    if (!line.isOpen) {
      line.isOpen = true;
      line.socket.open();
      return true;
    }
    const frame = line.toServer.shift();
    if (frame) this.#handle(line, frame);
    return frame !== undefined;
  }

  /** One thing goes from the server to the client. */
  stepToClient(): boolean {
    const line = this.#line();
    const frame = line?.toClient.shift();
    if (frame) line?.socket.receive(frame);
    return frame !== undefined;
  }

  /** The page of the newest line is gone, and does not hear that its line is, too. */
  leave(): void {
    const line = this.#line();
    if (line) line.cut = true;
  }

  /** No event of now is replayed later. */
  prune(): void {
    this.#pruned = this.log.length;
  }

  /** A backup takes the place of everything: the last events are gone, and those that come get their numbers. */
  restore(lost: number): void {
    this.cut();
    this.log = this.log.slice(0, Math.max(0, this.log.length - lost));
    this.accepted = this.accepted.filter((message) => this.log.some(({ id }) => id === message.id));
    this.#pruned = Math.min(this.#pruned, this.log.length);
    this.#restores += 1;
    this.epoch = `r${this.#restores}`;
    this.delivered = 0;
  }

  /** The line is cut: what was on its way in either direction is lost. */
  cut(): void {
    const line = this.#line();
    if (!line) return;
    line.cut = true;
    line.socket.serverCloses(1006);
  }

  #answer(request: HttpRequest): HttpAnswer {
    const url = new URL(request.path, 'https://callbox.test');
    const number = (name: string): number => Number(url.searchParams.get(name));
    if (url.pathname === '/v1/conversations') {
      const after = url.searchParams.get('updatedAfter') ?? '';
      const items = this.#conversations().filter(({ updatedAt }) => updatedAt > after);
      return { status: 200, body: { items, nextCursor: null } };
    }
    if (url.pathname !== '/v1/conversations/cnv_1/messages') return answerAsServer(request);
    const [after, limit] = [number('after'), number('limit')];
    const items = after ? this.log.slice(after, after + limit) : this.log.slice(-limit);
    return { status: 200, body: { items, nextCursor: null } };
  }

  #conversations(): Conversation[] {
    const lastMessage = this.log.at(-1);
    if (!lastMessage) return [];
    const { position: lastPosition, createdAt: updatedAt } = lastMessage;
    const members = ['ann', 'bob'].map((userId) => {
      return { conversationId: 'cnv_1', userId, deliveredUpTo: 0, readUpTo: 0 };
    });
    const unreadCount = this.log.filter(({ senderId }) => senderId === 'bob').length;
    const createdAt = timeOf(0);
    return [{ id: 'cnv_1', createdAt, updatedAt, lastMessage, lastPosition, members, unreadCount }];
  }

  #line(): Line | undefined {
    const line = this.#lines.at(-1);
    return line && !line.cut && !line.socket.closedByClient ? line : undefined;
  }

  #handle(line: Line, frame: ClientFrame): void {
    if (frame.type === 'hello') this.#welcome(line, frame.cursor ?? null);
    else if (frame.type === 'ack') this.#acknowledge(line, frame.seq);
    else if (frame.type === 'ping') line.toClient.push({ type: 'pong', re: frame.id });
    else if (frame.type === 'message.send') this.#accept(line, frame);
  }

  #welcome(line: Line, cursor: string | null): void {
    const [epoch, seq] = cursor?.split('.') ?? [];
    const asked = Number(seq);
    const isKnown = epoch === this.epoch && asked >= this.#pruned && asked <= this.log.length;
    const start = isKnown ? asked : this.log.length;
    line.toClient.push({
      type: 'welcome',
      re: 'hello',
      userId: 'ann',
      sessionId: 'ses_1',
      cursor: `${this.epoch}.${start}`,
      resumed: isKnown,
      heartbeatSeconds: 25,
      serverTime: timeOf(this.log.length),
      liveCallIds: [],
    });
    line.sent = start;
    // Whoever has a cursor has the events before it, also where the acknowledgement itself was lost.
    if (isKnown) this.delivered = Math.max(this.delivered, start);
    this.#push(line);
  }

  #acknowledge(line: Line, seq: number): void {
    if (seq > line.sent) this.violations.push(`ack ${seq} of ${line.sent}`);
    this.delivered = Math.max(this.delivered, seq);
  }

  #accept(line: Line, frame: Extract<ClientFrame, { type: 'message.send' }>): void {
    const { messageId: id, text } = frame.message;
    let message = this.accepted.find((known) => known.id === id);
    if (!message) {
      message = this.#append(messageOf({ id, text, senderId: 'ann', recipientId: 'bob' }));
      this.accepted.push(message);
    }
    line.toClient.push({ type: 'message.accepted', re: frame.id, message });
  }

  #append(message: Message): Message {
    const position = this.log.length + 1;
    const placed = { ...message, position, createdAt: timeOf(position) };
    this.log.push(placed);
    const line = this.#line();
    if (line?.sent === this.log.length - 1) this.#push(line);
    return placed;
  }

  #push(line: Line): void {
    while (line.sent < this.log.length) {
      const message = this.log[line.sent]!;
      line.sent += 1;
      const origin = message.senderId === 'ann' ? { sessionId: 'ses_1' } : null;
      line.toClient.push({ type: 'message.created', seq: line.sent, message, origin });
    }
  }
}

function timeOf(position: number): string {
  return new Date(Date.parse('2026-11-21T10:00:00.000Z') + position * 1_000).toISOString();
}

interface Line {
  socket: FakeSocket;
  toServer: ClientFrame[];
  toClient: ServerFrame[];
  isOpen: boolean;
  cut: boolean;
  /** The last event that was sent over this line; grows only after a hello. */
  sent: number;
}
