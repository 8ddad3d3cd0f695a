import { describe, expect, test } from 'vitest';
import {
  ICE,
  OtherSide,
  connectionId,
  last,
  liveCall,
  readyToCall,
} from '../../test/call-frames.js';
import { calling, ringing } from '../../test/call-scenes.js';
import { FakePeerConnection } from '../../test/fake-rtc.js';
import { settle } from '../../test/fake-world.js';
import { welcome } from '../../test/signed-in.js';
import type { Call } from './call.js';

describe('a call without its socket', () => {
  test('goes on, and tells again what may be lost when the socket is back', async () => {
    const { fake, call, log } = await calling();
    call.setMicrophone(false);
    const { description } = last(fake.socket, 'call.describe');
    fake.socket.serverCloses(1006);
    await fake.advance(30_000);
    expect(call.state).toBe('reaching');
    welcome(fake.socket, { resumed: true, liveCallIds: [call.id] });
    fake.socket.receive({
      type: 'call.live',
      call: liveCall({ ...outgoingOf(call), state: 'ringing' }),
      ice: ICE,
    });
    await settle();
    expect(last(fake.socket, 'call.describe').description).toEqual(description);
    expect(fake.socket.of('call.candidate')).toHaveLength(3);
    expect(fake.socket.of('call.mute')).toMatchObject([{ audio: true, video: true }]);
    expect(log).toEqual(['ringing']);
  });

  test('signals that are sent again are taken once', async () => {
    const { fake, call } = await calling();
    const other = new OtherSide(() => fake.socket, call.id);
    other.connection.addTransceiver('audio');
    await other.answer();
    const before = fake.socket.of('call.describe').length;
    const description = { type: 'answer', sdp: 'nonsense' };
    const again = { callId: call.id, userId: 'bob', signal: 1, generation: 1, description };
    fake.socket.receive({ type: 'call.described', ...again });
    await settle();
    expect(fake.reported).toEqual([]);
    expect(fake.socket.of('call.describe')).toHaveLength(before);
  });

  test('ringing is confirmed again', async () => {
    const { fake } = await ringing();
    fake.socket.serverCloses(1006);
    await fake.advance(250);
    welcome(fake.socket, { resumed: true, liveCallIds: ['call_in'] });
    expect(fake.socket.of('call.ring')).toHaveLength(1);
  });

  test('a leg that was given up here is ended there', async () => {
    const { fake } = await readyToCall();
    const call = liveCall({
      callerId: 'ann',
      calleeId: 'bob',
      callerConnectionId: connectionId(fake),
    });
    fake.socket.receive({ type: 'call.live', call, ice: ICE });
    expect(last(fake.socket, 'call.end')).toMatchObject({ callId: call.id, reason: 'failed' });
  });

  test('a new network restarts the media', async () => {
    const { fake, call } = await calling();
    const other = new OtherSide(() => fake.socket, call.id);
    other.connection.addTransceiver('audio');
    await other.answer();
    const turn = { urls: ['turn:b'], username: 'u', credential: 'c' };
    const live = liveCall({ ...outgoingOf(call), state: 'ringing' });
    fake.socket.receive({ type: 'call.live', call: live, ice: { ...ICE, iceServers: [turn] } });
    await fake.happen('networkchange');
    await fake.happen('online');
    await fake.advance(500);
    const offers = fake.socket.of('call.describe').map(({ generation }) => generation);
    expect(offers).toEqual([1, 2]);
    const servers = FakePeerConnection.all.map(({ configuration }) => configuration.iceServers);
    expect(servers).toContainEqual([turn]);
  });

  function outgoingOf(call: Call): { id: string; callerId: string; calleeId: string } {
    return { id: call.id, callerId: 'ann', calleeId: 'bob' };
  }
});
