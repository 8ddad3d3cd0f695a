/** Every secret and every message text that the run uses, so that a test can look for them in the logs. */
import { appendFileSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

export type SecretKind =
  'token' | 'ticket' | 'app secret' | 'message' | 'media password' | 'relay password';

export interface Secret {
  kind: SecretKind;
  text: string;
}

/** Remembers that this must not be in any log. */
export function keepSecret(kind: SecretKind, text: string): void {
  if (text === '' || known.has(text)) return;
  if (text.length < LENGTH_MIN)
    throw new Error(`"${text}" is too short to be looked for in a log; use ${LENGTH_MIN} or more`);
  known.add(text);
  appendFileSync(listFile(), `${JSON.stringify({ kind, text } satisfies Secret)}\n`);
}

/** Remembers what a socket frame contains of that kind, at whatever depth. */
export function keepSecretsOf(frame: string | Buffer): void {
  JSON.parse(frame.toString(), (name, value: unknown) => {
    if (typeof value === 'string') keepField(name, value);
    return value;
  });
}

/** All that the run used so far. */
export function secrets(): Secret[] {
  if (!existsSync(listFile())) return [];
  const lines = readFileSync(listFile(), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Secret);
}

/** All logs that servers wrote so far, by file. */
export function logs(): { file: string; text: string }[] {
  const folder = logFolder();
  return readdirSync(folder).map((file) => ({
    file,
    text: readFileSync(join(folder, file), 'utf8'),
  }));
}

/** Where servers log to. */
export function logFolder(): string {
  return join(inject('runFolder'), 'logs');
}

function keepField(name: string, value: string): void {
  if (name === 'token') keepSecret('token', value);
  if (name === 'text') keepSecret('message', value);
  if (name === 'credential') keepSecret('relay password', value);
  if (name !== 'sdp') return;
  for (const [, password] of value.matchAll(/^a=ice-pwd:(\S+)/gm)) {
    keepSecret('media password', password!);
  }
}

function listFile(): string {
  return join(inject('runFolder'), 'secrets.jsonl');
}

const known = new Set<string>();
const LENGTH_MIN = 8;
