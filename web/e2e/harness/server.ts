/** The server's binary as a process: started, killed, stopped, started again on the same data. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { ServerControl } from './control.js';
import { clockServerBinary, serverBinary } from './places.js';
import { logFolder } from './secrets.js';
import { within } from './wait.js';

export interface ServerOptions {
  /** A port at which it can be started again; otherwise it takes any that is free. */
  fixedPort?: boolean;
  /** What runs before it, with the data folder: other commands of the binary. */
  prepare?: (folder: string) => Promise<void>;
  /** Puts its wall clock and its relay into the test's hands, by `control`. */
  control?: {
    /** How long allocations of the relay live between two refreshes. */
    allocationSeconds?: number;
  };
}

export class CallboxServer {
  readonly dataFolder: string;
  readonly logFile: string;
  /** Where its page is, `http://localhost:…`. */
  url = '';
  appKey = '';
  readonly #options: ServerOptions;
  #control: ServerControl | null = null;
  #process: ChildProcess | null = null;

  private constructor(options: ServerOptions) {
    starts += 1;
    this.#options = options;
    this.dataFolder = join(inject('runFolder'), `server-${starts}`, 'data');
    this.logFile = join(logFolder(), `server-${starts}.log`);
  }

  static async start(options: ServerOptions = {}): Promise<CallboxServer> {
    const server = new CallboxServer(options);
    mkdirSync(server.dataFolder, { recursive: true });
    await options.prepare?.(server.dataFolder);
    await server.#run(options.fixedPort ? await freePort() : 0);
    return server;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** For a server that was started with `control`. */
  get control(): ServerControl {
    if (!this.#control) throw new Error('this server was started without `control`');
    return this.#control;
  }

  /** Starts again where it was: the same folder and the same port, so that pages find it. */
  async restart(): Promise<void> {
    if (!this.#options.fixedPort)
      throw new Error('only a server with a fixed port can be started again');
    await this.#run(this.port);
  }

  /** Takes it away without a warning. */
  async kill(): Promise<void> {
    const process = this.#take();
    if (!process) return;
    process.kill('SIGKILL');
    await within(once(process, 'close'), 'the server to be gone');
  }

  /** What Ctrl-C does; it has to end well. */
  async stop(): Promise<void> {
    const process = this.#take();
    if (!process) return;
    const ended = once(process, 'close') as Promise<[number | null, string | null]>;
    process.kill('SIGINT');
    const [code, signal] = await within(ended, 'the server to stop');
    if (code !== 0) throw new Error(`the server stopped with ${code ?? signal}, not with 0`);
  }

  #take(): ChildProcess | null {
    const process = this.#process;
    this.#process = null;
    if (process && process.exitCode !== null)
      throw new Error(`the server ended by itself with ${process.exitCode}; see ${this.logFile}`);
    return process;
  }

  async #run(port: number): Promise<void> {
    const { control } = this.#options;
    const dev = ['dev', '--port', String(port), '--data', this.dataFolder, '--log', LOG_LEVEL];
    const process = spawn(
      control ? clockServerBinary() : serverBinary(),
      [...flags(control), ...dev],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#process = process;
    const log = createWriteStream(this.logFile, { flags: 'a' });
    process.stderr.pipe(log, { end: false });
    process.stdout.pipe(log, { end: false });
    process.once('close', () => log.end());
    const printed = await within(untilReady(process, this.logFile), 'the server to start');
    this.url = /^ *Open +(\S+)$/m.exec(printed)?.[1] ?? '';
    this.appKey = /^ *App key +(\S+)$/m.exec(printed)?.[1] ?? '';
    this.#control = ServerControl.of(printed);
  }
}

/** Runs another command of the binary and gives what it prints. */
export async function callbox(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(serverBinary(), args);
  return stdout;
}

function flags(control: ServerOptions['control']): string[] {
  const seconds = control?.allocationSeconds;
  return seconds === undefined ? [] : ['--allocation-seconds', String(seconds)];
}

/** Resolves with all that it printed once it said how to stop it. */
function untilReady(process: ChildProcess, logFile: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    process.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes('Press Ctrl-C')) resolve(printed);
    });
    process.once('close', (code) => {
      reject(new Error(`the server did not start (exit code ${code}); see ${logFile}`));
    });
    process.once('error', reject);
  });
}

/** A port that is free, and the next two, for figures and relay; none that systems hand out by themselves. */
async function freePort(): Promise<number> {
  for (
    let port = PORTS_FROM + (globalThis.process.pid % PORTS_SPREAD);
    port < PORTS_TO;
    port += 3
  ) {
    const free = await Promise.all([port, port + 1, port + 2].map(isFree));
    if (free.every(Boolean)) return port;
  }
  throw new Error('no three neighbouring ports are free');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

let starts = 0;
const LOG_LEVEL = 'trace';
const PORTS_FROM = 20_000;
const PORTS_SPREAD = 5_000;
const PORTS_TO = 30_000;
