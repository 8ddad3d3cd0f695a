/** Calls as the tests of calls find them. */
import type { Call } from '../src/calls/call.js';
import { incoming, readyToCall, started } from './call-frames.js';
import { settle } from './fake-world.js';

/** Ann calls Bob, and the server has begun it. */
export async function calling(options: { video?: boolean } = {}) {
  const setup = await readyToCall();
  const starting = setup.client.calls.start('bob', options);
  await settle();
  await started(setup.fake.socket);
  const call = await starting;
  return { ...setup, call, log: follow(call) };
}

/** Bob calls Ann. */
export async function ringing(media: 'audio' | 'video' = 'audio') {
  const setup = await readyToCall();
  const calls: Call[] = [];
  setup.client.calls.on('incoming', (call) => calls.push(call));
  incoming(setup.fake.socket, { media });
  const call = calls[0]!;
  return { ...setup, call, calls, log: follow(call) };
}

/** What happens to a call, as it happens. */
export function follow(call: Call): string[] {
  const log: string[] = [];
  call.on('state', (state) => log.push(state));
  call.on('interrupted', (interrupted) => log.push(interrupted ? 'interrupted' : 'resumed'));
  call.on('ended', ({ cause }) => log.push(cause));
  return log;
}
