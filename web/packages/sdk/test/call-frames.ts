/** What a server tells about calls, as the tests need it. */
import type { CallboxClient, ClientOptions } from '../src/client.js';
import type { CallSummary, ClientFrame, IceConfiguration, LiveCall } from '../src/frames.js';
import { FakeDevices, FakePeerConnection, rtcParts } from './fake-rtc.js';
import { type FakeSocket, type FakeWorld, settle } from './fake-world.js';
import { signedIn } from './signed-in.js';

const AT = '2026-11-21T10:00:00.000Z';
export const ICE: IceConfiguration = {
  iceServers: [{ urls: ['stun:a'], username: null, credential: null }],
  iceTransportPolicy: 'all',
  expiresAt: null,
};

/** With a relay. */
export const TURN: IceConfiguration = {
  ...ICE,
  iceServers: [{ urls: ['turn:relay?transport=udp'], username: 'ann', credential: 'secret' }],
};

export interface CallSetup {
  fake: FakeWorld;
  client: CallboxClient;
  devices: FakeDevices;
}

/** Ann, online, with a microphone and a camera. */
export async function readyToCall(options: Partial<ClientOptions> = {}): Promise<CallSetup> {
  const devices = new FakeDevices();
  const setup = await signedIn(options, rtcParts(devices));
  return { ...setup, devices };
}

export function liveCall(more: Partial<LiveCall> = {}): LiveCall {
  return {
    id: 'call_in',
    callerId: 'bob',
    calleeId: 'ann',
    media: 'audio',
    state: 'reaching',
    createdAt: AT,
    acceptedAt: null,
    connectedAt: null,
    callerConnectionId: 'bobs_page',
    acceptedBy: null,
    muted: [],
    ...more,
  };
}

export function summary(more: Partial<CallSummary> = {}): CallSummary {
  return {
    id: 'call_in',
    callerId: 'bob',
    calleeId: 'ann',
    media: 'audio',
    createdAt: AT,
    acceptedAt: null,
    endedAt: AT,
    cause: 'canceled',
    sentence: 'Bob took the call back.',
    endedBy: 'bob',
    ...more,
  };
}

export function ended(socket: FakeSocket, seq: number, more: Partial<CallSummary> = {}): void {
  socket.receive({ type: 'call.ended', seq, call: summary(more) });
}

export function incoming(socket: FakeSocket, more: Partial<LiveCall> = {}): void {
  socket.receive({ type: 'call.incoming', call: liveCall(more) });
}

export function connectionId(fake: FakeWorld): string {
  return fake.sockets[0]!.of('hello')[0]!.connectionId;
}

/** The call that Ann is starting, as the server sees it. */
export function outgoingCall(socket: FakeSocket, more: Partial<LiveCall> = {}): LiveCall {
  const { callId: id, calleeId, media } = last(socket, 'call.start');
  return liveCall({ id, callerId: 'ann', calleeId, media, ...more });
}

/** The server begins Ann's call. */
export async function started(
  socket: FakeSocket,
  more: Partial<LiveCall> = {},
  ice = ICE,
): Promise<void> {
  const { id: re } = last(socket, 'call.start');
  const call = outgoingCall(socket, more);
  socket.receive({ type: 'call.started', re, call, ice });
  await settle();
}

/** The server lets Ann in. */
export async function joined(
  fake: FakeWorld,
  socket: FakeSocket,
  more: Partial<LiveCall> = {},
  ice = ICE,
): Promise<void> {
  const { id: re, callId } = last(socket, 'call.accept');
  const acceptedBy = { userId: 'ann', connectionId: connectionId(fake) };
  const call = liveCall({ id: callId, state: 'accepted', acceptedBy, ...more });
  socket.receive({ type: 'call.joined', re, call, ice });
  await settle();
}

export function last<Type extends ClientFrame['type']>(
  socket: FakeSocket,
  type: Type,
): Extract<ClientFrame, { type: Type }> {
  const frame = socket.of(type).at(-1);
  if (!frame) throw new Error(`no ${type} was sent`);
  return frame;
}

/** The other browser: takes what Ann's tells, and answers. */
export class OtherSide {
  readonly connection = new FakePeerConnection({ iceServers: [] });
  readonly #socket: () => FakeSocket;
  readonly #callId: string;
  #signal = 0;
  #generation = 1;

  constructor(socket: () => FakeSocket, callId: string) {
    this.#socket = socket;
    this.#callId = callId;
    this.connection.onicecandidate = ({ candidate }) =>
      this.#tell('call.candidate_added', { candidate });
  }

  /** Takes the offer that Ann made, and answers. */
  async answer(): Promise<void> {
    const { description, generation } = last(this.#socket(), 'call.describe');
    this.#generation = generation;
    await this.connection.setRemoteDescription(description);
    await this.#describe();
  }

  /** Makes the first offer. */
  async offer(): Promise<void> {
    this.connection.addTransceiver('audio');
    await this.#describe();
  }

  async takeAnswer(): Promise<void> {
    await this.connection.setRemoteDescription(last(this.#socket(), 'call.describe').description);
    for (const { candidate } of this.#socket().of('call.candidate')) {
      await this.connection.addIceCandidate(candidate).catch(() => undefined);
    }
    await settle();
  }

  async #describe(): Promise<void> {
    await this.connection.setLocalDescription();
    this.#tell('call.described', { description: this.connection.localDescription });
    await settle();
  }

  #tell(type: string, more: Record<string, unknown>): void {
    this.#signal += 1;
    const frame = { type, callId: this.#callId, userId: 'bob', generation: this.#generation };
    this.#socket().receive({ ...frame, signal: this.#signal, ...more });
  }
}
