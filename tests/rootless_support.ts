import { assert } from "@std/assert";

/** An ordinary user of this host, made for a test and removed after it. */
export interface TestUser extends AsyncDisposable {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly runtimeDirectory: string;
  /** A command line that runs as the user, with a clean environment. */
  command(
    argv: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): string[];
}

/** @param ids whether the user gets subordinate ids */
export async function makeUser(ids: "ranges" | "single"): Promise<TestUser> {
  const name = `coracle-t${crypto.randomUUID().slice(0, 8)}`;
  await succeed(["useradd", "--create-home", name]);
  const home = `/home/${name}`;
  const { uid } = await Deno.stat(home);
  assert(uid !== null && uid >= 1000);
  if (ids === "single") {
    for (const file of ["/etc/subuid", "/etc/subgid"]) {
      await succeed(["sed", "-i", `/^${name}:/d`, file]);
    }
  }
  const runtimeDirectory = `${home}/run`;
  await succeed([
    ...["install", "-d", "-m", "700", "-o", name, "-g", name],
    runtimeDirectory,
  ]);
  return {
    ...{ name, uid, home, runtimeDirectory },
    command: (argv, env = {}) => [
      ...["setpriv", "--reuid", name, "--regid", name, "--init-groups"],
      ...["--reset-env", "env", `HOME=${home}`],
      `XDG_RUNTIME_DIR=${runtimeDirectory}`,
      ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
      ...argv,
    ],
    [Symbol.asyncDispose]: () => removeUser(name, uid),
  };
}

async function removeUser(name: string, uid: number): Promise<void> {
  for (const pid of processesOf(uid)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  // Files of subordinate ids are not the user's: root removes them.
  await Deno.remove(`/home/${name}`, { recursive: true });
  await succeed(["userdel", "--force", name]);
}

/** Living processes of a user id that only the test's user has. */
export function processesOf(uid: number): number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const { uid: owner } = Deno.statSync(`/proc/${name}`);
      // What has ended and waits to be reaped has no command line.
      const isAlive = Deno.readTextFileSync(`/proc/${name}/cmdline`) !== "";
      return owner === uid && isAlive ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(
  argv: readonly string[],
  options: { cwd?: string; stdin?: string } = {},
): Promise<Outcome> {
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    cwd: options.cwd ?? "/",
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const stdin = child.stdin.getWriter();
  // A program that doesn't read has gone before this arrives.
  const written = stdin.write(new TextEncoder().encode(options.stdin ?? ""))
    .then(() => stdin.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await written;
  return {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
  };
}

export async function succeed(argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(argv);
  assert(code === 0, `${argv.join(" ")}: ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** This repository's program `file`, as an argument list. */
export function denoRun(file: string, ...args: string[]): string[] {
  return [
    Deno.execPath(),
    ...["run", "-A", "--no-config", "--no-lock", "--no-npm"],
    ...["--cached-only", "--no-code-cache"],
    new URL(file, import.meta.url).pathname,
    ...args,
  ];
}
