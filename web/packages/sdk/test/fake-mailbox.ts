/** A server's mailbox behind a line that a test may stop, drain and cut at any point. */
import type { Message } from '@callbox/wire';
import type { ClientFrame, ServerFrame } from '../src/frames.js';
import type { FakeSocket, FakeWorld } from './fake-world.js';
import { messageOf } from './signed-in.js';

export class FakeMailbox {
  /** What was accepted of Ann, in the server's order. */
  readonly accepted: Message[] = [];
  /** Everything in Ann's log; its places are 1, 2, 3, … */
  readonly log: Message[] = [];
  /** What the server does not allow, by its own rules. */
  readonly violations: string[] = [];
  /** How far Ann has the events, as the server knows it. */
  delivered = 0;
  readonly #lines: Line[] = [];

  constructor(fake: FakeWorld) {
    fake.onSocket = (socket) => {
      const line: Line = { socket, toServer: [], toClient: [], isOpen: false, cut: false, sent: 0 };
      socket.onSent = (frame) => line.toServer.push(frame);
      this.#lines.push(line);
    };
  }

  /** Someone else writes. */
  receive(text: string): void {
    this.#append(messageOf({ id: `bob_${this.log.length}`, senderId: 'bob', text }));
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

  /** The line is cut: what was on its way in either direction is lost. */
  cut(): void {
    const line = this.#line();
    if (!line) return;
    line.cut = true;
    line.socket.serverCloses(1006);
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
    const start = cursor === null ? this.log.length : Number(cursor.split('.')[1]);
    line.toClient.push({
      type: 'welcome',
      re: 'hello',
      userId: 'ann',
      sessionId: 'ses_1',
      cursor: `k3.${start}`,
      resumed: cursor !== null,
      heartbeatSeconds: 25,
      serverTime: '2026-11-21T10:00:00.000Z',
      liveCallIds: [],
    });
    line.sent = start;
    // Whoever has a cursor has the events before it, also where the acknowledgement itself was lost.
    if (cursor !== null) this.delivered = Math.max(this.delivered, start);
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
    const placed = { ...message, position: this.log.length + 1 };
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

interface Line {
  socket: FakeSocket;
  toServer: ClientFrame[];
  toClient: ServerFrame[];
  isOpen: boolean;
  cut: boolean;
  /** The last event that was sent over this line; grows only after a hello. */
  sent: number;
}
