// How each example is built and run. Everything that runs an example starts here.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('.', import.meta.url));

// What cargo builds is kept, because its libraries take a while.
const cargoTarget = join(process.env.CARGO_TARGET_DIR ?? join(folder, '../../target'), 'backends');

// What still runs after this long is stuck. Builds have no such limit: a first one may take a while.
const RUN_MILLISECONDS_MAX = 60_000;

/**
 * `tools` are asked for their version: all must answer. `build` is run once, `run` with the arguments of the command
 * form. A server is `run` with no arguments, or what `serve` says.
 */
const table = (out) => [
  { name: 'Node', tools: ['node --version'], run: ['node', 'node/backend.mjs'] },
  { name: 'Python', tools: ['python3 --version'], run: ['python3', 'python/backend.py'] },
  {
    name: 'PHP',
    tools: ['php --version'],
    run: ['php', 'php/backend.php'],
    serve: (port) => ['php', '-S', `127.0.0.1:${port}`, 'php/backend.php'],
  },
  {
    name: 'Go',
    tools: ['go version'],
    build: ['go', 'build', '-o', join(out, 'go-backend'), 'go/backend.go'],
    run: [join(out, 'go-backend')],
  },
  { name: 'Ruby', tools: ['ruby --version'], run: ['ruby', 'ruby/backend.rb'] },
  {
    name: 'C#',
    tools: ['dotnet --version'],
    build: [
      'dotnet',
      'build',
      '--nologo',
      '--output',
      join(out, 'csharp'),
      'csharp/backend.csproj',
    ],
    run: ['dotnet', join(out, 'csharp', 'backend.dll')],
  },
  {
    name: 'C# with Mono',
    tools: ['mcs --version', 'mono --version'],
    build: ['mcs', `-out:${join(out, 'backend.exe')}`, 'csharp/Backend.cs'],
    run: ['mono', join(out, 'backend.exe')],
  },
  {
    name: 'Java',
    tools: ['javac --version', 'java --version'],
    build: ['javac', '-d', out, 'java/Backend.java'],
    run: ['java', '-cp', out, 'Backend'],
  },
  {
    name: 'Rust',
    tools: ['cargo --version'],
    build: [
      ...['cargo', 'build', '--quiet', '--locked'],
      ...['--manifest-path', 'rust/Cargo.toml', '--target-dir', cargoTarget],
    ],
    run: [join(cargoTarget, 'debug', 'backend')],
  },
];

/**
 * Calls `visit(language, example)` for every language, one after the other; `example` is `undefined` where the tools
 * are not on this machine, else `{ command(...arguments), serve(port) }`.
 */
export async function forEachLanguage(environment, visit) {
  const out = mkdtempSync(join(tmpdir(), 'callbox-backends-'));
  try {
    for (const language of table(out)) {
      const isHere = (await Promise.all(language.tools.map(answers))).every(Boolean);
      await visit(language.name, isHere ? exampleOf(language, environment) : undefined);
    }
  } finally {
    rmSync(out, { recursive: true });
  }
}

function exampleOf({ build, run, serve }, environment) {
  // Without a UTF-8 locale some of them could not read a name that is not ASCII from their arguments.
  const options = { cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8', ...environment } };
  const limited = { ...options, timeout: RUN_MILLISECONDS_MAX };
  let built;
  const ready = () => (built ??= build ? execute(build, options) : Promise.resolve());
  return {
    async command(...words) {
      await ready();
      return (await execute([...run, ...words.map(String)], limited)).trim();
    },
    async serve(port) {
      await ready();
      const [program, ...words] = serve ? serve(port) : run;
      const env = { ...options.env, PORT: String(port) };
      return spawn(program, words, { ...limited, env, stdio: ['ignore', 'pipe', 'pipe'] });
    },
  };
}

async function execute([program, ...words], options) {
  return (await promisify(execFile)(program, words, options)).stdout;
}

/** Whether a tool is there and works: some systems have a `java` that only says where to buy one. */
async function answers(tool) {
  return execute(tool.split(' '), {}).then(
    () => true,
    () => false,
  );
}
