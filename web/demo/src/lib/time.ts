/** Moments and durations as people say them. Times are milliseconds since 1970. */

// The words of this app are English; whether a day has 12 or 24 hours is the reader's own custom.
const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'long' });
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' });
const dateWithYear = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' });

/** `10:42`. */
export function clockTime(at: number): string {
  return clock.format(at);
}

/** `Today`, `Yesterday`, `Tuesday`, `3 May`, `3 May 2025`. */
export function dayName(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days < 7) return weekday.format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? date : dateWithYear).format(at);
}

/** The shortest that says when: the time today, the day before that. */
export function shortTime(at: number, now: number): string {
  return daysBetween(at, now) <= 0 ? clockTime(at) : dayName(at, now);
}

/** `last seen 5 min ago`, for people who are away. */
export function lastSeen(at: number, now: number): string {
  return `last seen ${ago(at, now)}`;
}

/** `just now`, `5 min ago`, `at 10:42`, `Yesterday, 10:42`. */
export function ago(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  return daysBetween(at, now) === 0
    ? `at ${clockTime(at)}`
    : `${dayName(at, now)}, ${clockTime(at)}`;
}

/** `0:07`, `12:34`, `1:02:03`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const tail = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** Whether two moments are on one calendar day. */
export function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** Calendar days from `at` to `now`; rounding takes the hour out that summer time adds or removes. */
function daysBetween(at: number, now: number): number {
  return Math.round((midnight(now) - midnight(at)) / 86_400_000);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
