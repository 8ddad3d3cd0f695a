/** A face for everyone without a picture: initials and a hue, always the same for the same name. */

/** The letters that stand for a name: one for each of its first two words. */
export function initials(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const [first = name, second = ''] = words;
  return (first.slice(0, 1) + second.slice(0, 1)).toUpperCase();
}

/** A hue from 0 to 359. FNV-1a scatters names that differ by one letter. */
export function hue(name: string): number {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % 360;
}
