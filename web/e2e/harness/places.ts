/** Where things are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { env } from 'node:process';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** What a failed test leaves for people to look at. */
export const FAILURES = join(ROOT, 'artefacts/failures');
/** How the demo looks. */
export const SCREENS = join(ROOT, 'artefacts/screens');

/** The server: the one that `cargo xtask test` built, or the last build. */
export function serverBinary(): string {
  return found(env['CALLBOX_BIN'] ?? join(ROOT, 'target/debug/callbox'), BUILD_IT);
}

/** The same with a clock that a test moves, of `tests/clock-server`. */
export function clockServerBinary(): string {
  const path = env['CALLBOX_CLOCK_BIN'] ?? join(ROOT, 'target/debug/callbox-with-clock');
  return found(path, BUILD_CLOCK);
}

/** The browser. */
export function chromiumBinary(): string {
  const here = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return found(env['CHROMIUM'] ?? here.find((path) => existsSync(path)) ?? 'chromium', INSTALL_IT);
}

function found(path: string, advice: string): string {
  if (existsSync(path)) return path;
  throw new Error(`${path} is not there. ${advice}`);
}

const BUILD_IT = 'Run `cargo build --package callbox-server`, or set CALLBOX_BIN.';
const BUILD_CLOCK = 'Run `cargo build --package callbox-clock-server`, or set CALLBOX_CLOCK_BIN.';
const INSTALL_IT = 'Install Chromium, or set CHROMIUM to its path.';
