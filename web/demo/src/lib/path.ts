/** Which way a call goes, in words. */
import type { CallPath } from '@callbox/sdk';

export function pathWords({ kind, relay }: CallPath): { label: string; meaning: string } {
  if (kind === 'direct') {
    return { label: 'Direct', meaning: 'Sound and picture go from device to device.' };
  }
  if (relay === null) {
    return { label: 'Relayed', meaning: 'The other side sends and receives through a relay.' };
  }
  const way = relay.toUpperCase();
  return { label: `Relayed · ${way}`, meaning: `This device goes through a relay, by ${way}.` };
}
