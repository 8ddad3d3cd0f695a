import { describe, expect, test } from 'vitest';
import {
  ICE,
  OtherSide,
  connectionId,
  ended,
  incoming,
  joined,
  last,
  liveCall,
  outgoingCall,
  readyToCall,
  started,
} from '../../test/call-frames.js';
import { calling, follow, ringing } from '../../test/call-scenes.js';
import { rejection, settle } from '../../test/fake-world.js';
import { refuse, signedIn, welcome } from '../../test/signed-in.js';
import type { Call } from './call.js';

describe('calling', () => {
  test('asks for the devices, then for the call, and offers right after it began', async () => {
    const { fake, client, devices, call } = await calling();
    expect(devices.asked).toEqual([{ audio: true }]);
    expect(last(fake.socket, 'call.start')).toMatchObject({ calleeId: 'bob', media: 'audio' });
    expect(call).toMatchObject({
      direction: 'outgoing',
      peerId: 'bob',
      state: 'reaching',
      end: null,
    });
    expect(client.calls.active).toEqual([call]);
    expect(call.localStream?.getAudioTracks()).toHaveLength(1);
    const types = fake.socket.sent.map(({ type }) => type).slice(-5);
    expect(types).toEqual([
      'call.start',
      'call.describe',
      'call.candidate',
      'call.candidate',
      'call.candidate',
    ]);
    expect(last(fake.socket, 'call.describe')).toMatchObject({ callId: call.id, generation: 1 });
  });

  test('goes from reaching to connected, and reports its media', async () => {
    const { fake, call, log } = await calling();
    const { id: callId } = call;
    fake.socket.receive({ type: 'call.ringing', callId });
    const acceptedBy = { userId: 'bob', connectionId: 'bobs_page' };
    const accepted = outgoingCall(fake.socket, { state: 'accepted', acceptedBy });
    fake.socket.receive({ type: 'call.accepted', call: accepted });
    const streams: unknown[] = [];
    call.on('stream', ({ remote }) => streams.push(remote));
    const other = new OtherSide(() => fake.socket, callId);
    other.connection.addTransceiver('audio');
    await other.answer();
    await settle();
    expect(last(fake.socket, 'call.report')).toMatchObject({ callId, media: 'connected' });
    const connectedAt = '2026-11-21T10:00:03.000Z';
    fake.socket.receive({ type: 'call.connected', callId, connectedAt });
    fake.socket.receive({ type: 'call.ringing', callId });
    expect(log).toEqual(['ringing', 'accepted', 'connected']);
    expect(call.connectedAt).toBe(connectedAt);
    expect(streams).toEqual([call.remoteStream]);
    other.connection.lose('failed');
  });

  test('the options travel', async () => {
    const { fake, client } = await readyToCall();
    void client.calls.start('bob', { video: true, ringSeconds: 20 });
    await settle();
    expect(last(fake.socket, 'call.start')).toMatchObject({ media: 'video', ringSeconds: 20 });
  });

  test('a refusal rejects, closes the devices and leaves no call', async () => {
    const { fake, client, devices } = await readyToCall();
    const failing = rejection(client.calls.start('zoe'));
    await settle();
    refuse(fake.socket, last(fake.socket, 'call.start').id, 'user_not_found');
    expect(await failing).toMatchObject({ code: 'user_not_found' });
    expect(client.calls.active).toEqual([]);
    expect(devices.opened.map(({ readyState }) => readyState)).toEqual(['ended']);
    expect(fake.socket.of('call.end')).toEqual([]);
  });

  test('a start that was cut is sent again, with the same id', async () => {
    const { fake, client } = await readyToCall();
    const starting = client.calls.start('bob');
    await settle();
    const { callId } = last(fake.socket, 'call.start');
    fake.socket.serverCloses(1006);
    await fake.advance(250);
    welcome(fake.socket, { resumed: true, liveCallIds: [callId] });
    expect(last(fake.socket, 'call.start').callId).toBe(callId);
    await started(fake.socket);
    expect((await starting).state).toBe('reaching');
  });

  test('a start that nobody answers fails, and is taken back when the server is there', async () => {
    const { fake, client } = await readyToCall();
    fake.socket.serverCloses(1006);
    const failing = rejection(client.calls.start('bob'));
    await fake.advance(20_000);
    expect(await failing).toMatchObject({ code: 'network' });
    welcome(fake.socket, { resumed: true });
    await settle();
    expect(fake.socket.of('call.start')).toEqual([]);
    expect(last(fake.socket, 'call.end').reason).toBe('failed');
  });

  test('a start whose call is over before the answer came back says how it ended', async () => {
    const { fake, client } = await readyToCall();
    const failing = rejection(client.calls.start('bob'));
    await settle();
    const [call] = client.calls.active;
    const { id } = last(fake.socket, 'call.start');
    refuse(fake.socket, id, 'call_ended', { details: { cause: 'declined' } });
    expect(await failing).toMatchObject({ code: 'call_ended' });
    expect(call?.end?.cause).toBe('declined');
    expect(fake.socket.of('call.end')).toEqual([]);
  });

  test('hanging up while it starts rejects the start and tells the server', async () => {
    const { fake, client } = await readyToCall();
    const failing = rejection(client.calls.start('bob'));
    await settle();
    const [call] = client.calls.active;
    expect(call?.state).toBe('starting');
    call?.hangUp();
    expect(await failing).toMatchObject({ code: 'closed' });
    expect(call?.end?.cause).toBe('canceled');
    expect(last(fake.socket, 'call.end').callId).toBe(call?.id);
    await started(fake.socket);
    expect(client.calls.active).toEqual([]);
  });

  test('needs someone signed in, and a browser that can', async () => {
    const { client } = await signedIn();
    expect(await rejection(client.calls.start('bob'))).toMatchObject({ code: 'media_failed' });
    await client.signOut();
    expect(await rejection(client.calls.start('bob'))).toMatchObject({ code: 'not_signed_in' });
  });
});

describe('being called', () => {
  test('rings, and tells the server that it does', async () => {
    const { fake, client, call, calls } = await ringing('video');
    expect(call).toMatchObject({
      direction: 'incoming',
      peerId: 'bob',
      state: 'ringing',
      media: 'video',
    });
    expect(fake.socket.of('call.ring')).toMatchObject([{ callId: 'call_in' }]);
    incoming(fake.socket, { media: 'video' });
    expect(calls).toHaveLength(1);
    expect(client.calls.active).toEqual([call]);
  });

  test('accepting asks for the devices, joins, answers the offer that was kept', async () => {
    const { fake, devices, call, log } = await ringing();
    expect(devices.asked).toEqual([]);
    const accepting = call.accept();
    expect(call.accept()).toBe(accepting);
    await settle();
    expect(fake.socket.of('call.accept')).toHaveLength(1);
    const other = new OtherSide(() => fake.socket, call.id);
    await other.offer();
    await joined(fake, fake.socket);
    await accepting;
    expect(last(fake.socket, 'call.describe')).toMatchObject({
      generation: 1,
      description: { type: 'answer' },
    });
    await other.takeAnswer();
    expect(last(fake.socket, 'call.report').media).toBe('connected');
    fake.socket.receive({ type: 'call.connected', callId: call.id, connectedAt: 'now' });
    expect(log).toEqual(['accepted', 'connected']);
  });

  test('a device that may not be used rejects and lets it ring on', async () => {
    const { fake, devices, call } = await ringing();
    devices.audioError = 'NotAllowedError';
    expect(await rejection(call.accept())).toMatchObject({ code: 'permission_denied' });
    expect(call.state).toBe('ringing');
    devices.audioError = null;
    const accepting = call.accept();
    await settle();
    await joined(fake, fake.socket);
    await accepting;
    expect(call.state).toBe('accepted');
  });

  test('answered elsewhere: ends here, whether or not this device was answering too', async () => {
    for (const answering of [false, true]) {
      const { fake, client, devices, call, log } = await ringing();
      const accepting = answering ? call.accept() : null;
      await settle();
      const acceptedBy = { userId: 'ann', connectionId: 'phone' };
      const elsewhere = liveCall({ state: 'accepted', acceptedBy });
      fake.socket.receive({ type: 'call.accepted', call: elsewhere });
      expect(log).toEqual(['ended', 'answered_elsewhere']);
      expect(call.end).toMatchObject({
        endedBy: 'ann',
        sentence: expect.stringContaining('another device') as unknown,
      });
      await accepting;
      await settle();
      expect(devices.opened.every(({ readyState }) => readyState === 'ended')).toBe(true);
      expect(client.calls.active).toEqual([]);
      expect(fake.socket.of('call.end')).toEqual([]);
    }
  });

  test.each([
    ['call_answered_elsewhere', {}, 'answered_elsewhere', 'ann'],
    ['call_ended', { cause: 'no_answer' }, 'no_answer', null],
    ['call_ended', {}, 'completed', null],
    ['call_not_found', {}, 'failed', null],
  ])('a refused accept, %s %j, ends it here: %s', async (code, details, cause, endedBy) => {
    const { fake, client, devices, call, log } = await ringing();
    const accepting = call.accept();
    await settle();
    refuse(fake.socket, last(fake.socket, 'call.accept').id, code, { details });
    await accepting;
    expect(log).toEqual(['ended', cause]);
    expect(call.end).toMatchObject({ cause, endedBy });
    expect(client.calls.active).toEqual([]);
    expect(devices.opened.map(({ readyState }) => readyState)).toEqual(['ended']);
    expect(fake.socket.of('call.end')).toEqual([]);
  });

  test('what is told too late of a call is not the business of the app', async () => {
    const { fake, client } = await ringing();
    const unknown: string[] = [];
    client.on('unknown', ({ type }) => unknown.push(type));
    const { id } = last(fake.socket, 'call.ring');
    for (const code of ['call_ended', 'call_answered_elsewhere', 'call_not_found']) {
      refuse(fake.socket, id, code);
    }
    expect(unknown).toEqual([]);
    refuse(fake.socket, id, 'invalid_request');
    expect(unknown).toEqual(['error']);
  });

  test('an accept that the server only puts off rejects, and it rings on', async () => {
    const { fake, call } = await ringing();
    const failing = rejection(call.accept());
    await settle();
    refuse(fake.socket, last(fake.socket, 'call.accept').id, 'rate_limited', { retry: 'after' });
    expect(await failing).toMatchObject({ code: 'rate_limited' });
    expect(call.state).toBe('ringing');
  });

  test('answered elsewhere and over while this device was away reads as answered elsewhere', async () => {
    const { fake, log } = await ringing();
    const acceptedAt = '2026-11-21T10:00:01.000Z';
    ended(fake.socket, 11, { cause: 'completed', acceptedAt });
    expect(log).toEqual(['ended', 'answered_elsewhere']);
  });

  test('only what rings here is accepted, and only once', async () => {
    const out = await calling();
    expect(await rejection(out.call.accept())).toMatchObject({ code: 'closed' });
    const { fake, call } = await ringing();
    const accepting = call.accept();
    await settle();
    await joined(fake, fake.socket);
    await accepting;
    expect(await rejection(call.accept())).toMatchObject({ code: 'closed' });
  });

  test('declining tells the server and ends here at once; the written end comes later', async () => {
    const { fake, client, call, log } = await ringing();
    const lines: string[] = [];
    client.calls.on('ended', ({ cause }) => lines.push(cause));
    call.decline();
    expect(log).toEqual(['ended', 'declined']);
    expect(last(fake.socket, 'call.end')).toMatchObject({ callId: 'call_in', reason: 'hang_up' });
    ended(fake.socket, 11, { cause: 'declined', endedBy: 'ann' });
    expect(log).toHaveLength(2);
    expect(lines).toEqual(['declined']);
  });

  test('the caller takes it back', async () => {
    const { fake, call, log } = await ringing();
    ended(fake.socket, 11);
    expect(log).toEqual(['ended', 'canceled']);
    expect(call.end).toMatchObject({ sentence: 'Bob took the call back.', endedBy: 'bob' });
    await call.accept();
    expect(fake.socket.of('call.accept')).toEqual([]);
  });

  test('what was declined while away does not ring again when the socket is back', async () => {
    const { fake, call, calls } = await ringing();
    fake.socket.serverCloses(1006);
    call.decline();
    await fake.advance(250);
    welcome(fake.socket, { resumed: true, liveCallIds: ['call_in'] });
    fake.socket.receive({ type: 'call.live', call: liveCall(), ice: ICE });
    expect(calls).toEqual([call]);
    expect(last(fake.socket, 'call.end')).toMatchObject({ callId: 'call_in', reason: 'hang_up' });
  });

  test('a call that came while away is told after the welcome', async () => {
    const { fake, client } = await readyToCall();
    const calls: Call[] = [];
    client.calls.on('incoming', (call) => calls.push(call));
    fake.socket.serverCloses(1006);
    await fake.advance(250);
    welcome(fake.socket, { resumed: true, liveCallIds: ['call_in'] });
    fake.socket.receive({ type: 'call.live', call: liveCall(), ice: ICE });
    expect(calls.map(({ id }) => id)).toEqual(['call_in']);
    expect(fake.socket.of('call.ring')).toHaveLength(1);
  });

  test("calls of the user's other devices are not this one's business", async () => {
    const { fake, client } = await readyToCall();
    const acceptedBy = { userId: 'ann', connectionId: 'phone' };
    const accepted = liveCall({ state: 'accepted', acceptedBy });
    fake.socket.receive({ type: 'call.live', call: accepted, ice: ICE });
    fake.socket.receive({ type: 'call.accepted', call: accepted });
    fake.socket.receive({ type: 'call.ringing', callId: 'call_in' });
    expect(client.calls.active).toEqual([]);
    expect(fake.socket.of('call.end')).toEqual([]);
  });
});

describe('both call each other', () => {
  test('the own call goes on as the answer to the one that was first', async () => {
    const { fake, client, call, log } = await glare('before');
    expect(client.calls.active).toEqual([call]);
    expect(call).toMatchObject({ id: 'call_in', direction: 'incoming', state: 'accepted' });
    expect(log).toEqual([]);
    expect(last(fake.socket, 'call.describe')).toMatchObject({
      callId: 'call_in',
      description: { type: 'answer' },
    });
    expect(fake.socket.of('call.ring')).toEqual([]);
  });

  test('also where the ringing comes after the answer', async () => {
    const { client, call, log } = await glare('after');
    expect(client.calls.active).toEqual([call]);
    expect(log).toEqual([]);
  });

  test('a call of the same user that is not the other half rings afterwards', async () => {
    const { fake, client } = await readyToCall();
    const calls: Call[] = [];
    client.calls.on('incoming', (call) => calls.push(call));
    const starting = client.calls.start('bob');
    await settle();
    incoming(fake.socket);
    expect(calls).toEqual([]);
    await started(fake.socket);
    await starting;
    expect(calls.map(({ id }) => id)).toEqual(['call_in']);
    expect(client.calls.active).toHaveLength(2);
  });

  test('calling someone who is calling already answers', async () => {
    const { fake, client, call } = await ringing();
    const starting = client.calls.start('bob');
    await settle();
    await joined(fake, fake.socket);
    expect(await starting).toBe(call);
    expect(fake.socket.of('call.start')).toEqual([]);
  });

  test('also where the ringing begins while the person is asked for the devices', async () => {
    const { fake, client, devices } = await readyToCall();
    const calls: Call[] = [];
    client.calls.on('incoming', (call) => calls.push(call));
    const starting = client.calls.start('bob');
    incoming(fake.socket);
    await settle();
    await joined(fake, fake.socket);
    const call = await starting;
    expect(calls).toEqual([call]);
    expect(call.state).toBe('accepted');
    expect(fake.socket.of('call.start')).toEqual([]);
    expect(devices.asked).toHaveLength(1);
  });

  test('devices that turn out not to be needed are closed', async () => {
    const { fake, client, devices, call } = await ringing();
    const accepting = call.accept();
    const starting = client.calls.start('bob');
    await settle();
    await joined(fake, fake.socket);
    await accepting;
    expect(await starting).toBe(call);
    expect(devices.opened.map(({ readyState }) => readyState)).toEqual(['live', 'ended']);
    expect(fake.socket.of('call.accept')).toHaveLength(1);
  });

  async function glare(order: 'before' | 'after') {
    const { fake, client } = await readyToCall();
    const shown: Call[] = [];
    client.calls.on('incoming', (call) => shown.push(call));
    const starting = client.calls.start('bob');
    await settle();
    const acceptedBy = { userId: 'ann', connectionId: connectionId(fake) };
    const survivor = liveCall({ state: 'accepted', acceptedBy });
    if (order === 'before') incoming(fake.socket);
    fake.socket.receive({ type: 'call.accepted', call: survivor });
    const other = new OtherSide(() => fake.socket, 'call_in');
    await other.offer();
    const { id: re } = last(fake.socket, 'call.start');
    fake.socket.receive({ type: 'call.started', re, call: survivor, ice: ICE });
    if (order === 'after') incoming(fake.socket);
    const call = await starting;
    const log = follow(call);
    await settle();
    expect(shown).toEqual([]);
    return { fake, client, call, log };
  }
});

describe('the end', () => {
  test.each([
    ['reaching', 'canceled'],
    ['ringing', 'canceled'],
    ['accepted', 'completed'],
    ['connected', 'completed'],
  ] as const)('hanging up while %s is "%s"', async (state, cause) => {
    const { fake, devices, call } = await calling();
    const acceptedBy = { userId: 'bob', connectionId: 'x' };
    fake.socket.receive({
      type: 'call.accepted',
      call: outgoingCall(fake.socket, { state, acceptedBy }),
    });
    call.hangUp();
    call.hangUp();
    expect(call.end).toMatchObject({ cause, endedBy: 'ann' });
    expect(fake.socket.of('call.end')).toHaveLength(1);
    expect(devices.opened.map(({ readyState }) => readyState)).toEqual(['ended']);
  });

  test('what ended while away is told by the log', async () => {
    const { fake, call, log } = await calling();
    fake.socket.serverCloses(1006);
    await fake.advance(250);
    welcome(fake.socket, { resumed: true, liveCallIds: [] });
    expect(log).toEqual([]);
    ended(fake.socket, 11, { id: call.id, cause: 'no_answer', endedBy: null });
    await fake.advance(10_000);
    expect(log).toEqual(['ended', 'no_answer']);
  });

  test('or, where the log does not reach back, by its not being there', async () => {
    const { fake, log } = await calling();
    fake.socket.serverCloses(1006);
    await fake.advance(250);
    welcome(fake.socket, { resumed: false, liveCallIds: [] });
    expect(log).toEqual(['ended', 'connection_lost']);
    const patient = await calling();
    patient.fake.socket.serverCloses(1006);
    await patient.fake.advance(250);
    welcome(patient.fake.socket, { resumed: true, liveCallIds: [] });
    await patient.fake.advance(5_000);
    expect(patient.log).toEqual(['ended', 'connection_lost']);
  });

  test('hanging up while away is told when the socket is back', async () => {
    const { fake, call } = await calling();
    fake.socket.serverCloses(1006);
    call.hangUp();
    await fake.advance(250);
    welcome(fake.socket, { resumed: true, liveCallIds: [call.id] });
    expect(last(fake.socket, 'call.end').callId).toBe(call.id);
  });

  test('a page that goes away hangs up over HTTP, but not what only rings', async () => {
    const { fake, call } = await calling();
    incoming(fake.socket, { callerId: 'cleo' });
    await fake.happen('pagehide');
    const told = fake.requests.filter(({ keepalive }) => keepalive);
    expect(told).toMatchObject([
      { method: 'POST', path: `/v1/calls/${call.id}/end`, body: { reason: 'hang_up' } },
    ]);
    expect(told[0]?.authorization).toBe('Bearer cbs_1');
    expect(call.state).toBe('ended');
  });

  test('signing out hangs up; a session that ends takes its calls along', async () => {
    const out = await calling();
    await out.client.signOut();
    expect(out.log).toEqual(['ended', 'canceled']);
    expect(out.fake.requests.map(({ path }) => path)).toContain(`/v1/calls/${out.call.id}/end`);
    const over = await calling();
    over.fake.socket.serverCloses(4401);
    expect(over.log).toEqual(['ended', 'session_ended']);
  });

  test("an end of a newer server's kind reads as an end", async () => {
    const { fake, call } = await calling();
    ended(fake.socket, 11, { id: call.id, cause: 'eclipse' as never, sentence: '' });
    expect(call.end).toMatchObject({ cause: 'eclipse', sentence: 'The call ended.' });
  });
});
