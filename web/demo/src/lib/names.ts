/** What may be a name here, said kindly, and names for those who cannot think of one. */

/** The server's limit for a user id. */
export const NAME_LENGTH_MAX = 80;

const SUGGESTIONS = [
  'ann',
  'bob',
  'chidi',
  'dara',
  'elif',
  'farid',
  'grace',
  'hana',
  'ivo',
  'june',
];

/** What is wrong with a name, as a sentence for the person who typed it; empty when it is fine. */
export function nameProblem(name: string): string {
  if (name === '') return 'Type a name first. Any name will do.';
  if (/\s/.test(name)) return 'Names have no spaces. How about a dot or a dash instead?';
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'This name has a character that cannot be shown.';
  const strange = /[^\x21-\x7e]/u.exec(name);
  if (strange)
    return `Only plain letters, digits and signs, please: “${strange[0]}” is not one of them.`;
  if (name.length > NAME_LENGTH_MAX)
    return `At most ${NAME_LENGTH_MAX} characters; this has ${name.length}.`;
  return '';
}

/** A few names, in an order that differs from tab to tab so that two tabs rarely pick the same one. */
export function suggestNames(count: number, random: () => number = Math.random): string[] {
  const start = Math.floor(random() * SUGGESTIONS.length);
  return Array.from(
    { length: count },
    (_, i) => SUGGESTIONS[(start + i * 3) % SUGGESTIONS.length] ?? '',
  );
}
