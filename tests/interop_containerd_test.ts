/**
 * Real containerd with our shim, and with its own: whatever a user does, both
 * say and leave the same.
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Containerd,
  hasContainerd,
  IMAGE,
  openContainerd,
  processesWith,
} from "./support/containerd.ts";
import { buildExecutable } from "./support/executable.ts";

const OURS = "io.containerd.coracle.v1";
const THEIRS = "io.containerd.runc.v2";
const FOREVER = ["sh", "-c", "while :; do sleep 0.1; done"];

/** What a user sees; the same with either shim. */
type Seen = readonly unknown[];
type Scenario = (user: User) => Promise<Seen>;

/** Somebody who runs containers with one of the shims. */
class User {
  readonly containerd: Containerd;
  readonly runtime: string;
  readonly ids: string[] = [];

  constructor(containerd: Containerd, runtime: string) {
    this.containerd = containerd;
    this.runtime = runtime;
  }

  newId(): string {
    const name = this.runtime === OURS ? "ours" : "theirs";
    const id = `${name}-${this.ids.length + 1}`;
    this.ids.push(id);
    return id;
  }

  /** `ctr`, with what differs from shim to shim taken out. */
  async ctr(...args: readonly string[]): Promise<Seen> {
    const { code, stdout, stderr } = await this.containerd.ctr(...args);
    return [code, this.#neutral(stdout), this.#neutral(stderr)];
  }

  async run(
    flags: readonly string[],
    id: string,
    ...command: readonly string[]
  ): Promise<Seen> {
    const args = ["run", "--runtime", this.runtime, ...flags, IMAGE, id];
    return await this.ctr(...args, ...command);
  }

  /** Starts a container that runs until it is killed. */
  async runForever(): Promise<string> {
    const id = this.newId();
    const [code, , stderr] = await this.run(["-d"], id, ...FOREVER);
    assertEquals(code, 0, String(stderr));
    return id;
  }

  async end(id: string): Promise<Seen> {
    await this.ctr("tasks", "kill", "-s", "KILL", id);
    await this.untilStopped(id);
    return [
      await this.ctr("tasks", "delete", id),
      await this.ctr("containers", "delete", id),
    ];
  }

  async status(id: string): Promise<string | undefined> {
    const { stdout } = await this.containerd.ctr("tasks", "ls");
    const line = stdout.split("\n").find((line) => line.startsWith(`${id} `));
    return line?.trim().split(/\s+/).at(-1);
  }

  async untilStopped(id: string): Promise<void> {
    await until(async () => await this.status(id) === "STOPPED");
  }

  #neutral(text: string): string {
    return text.replaceAll(/(ours|theirs)-\d+ */g, "ID ")
      .replaceAll(/\b\d{2,}\b/g, (number) => number.length > 3 ? "N" : number)
      .replaceAll(/time="[^"]*"/g, "time")
      .replaceAll(/ +/g, " ");
  }
}

async function until(check: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!await check()) {
    assert(Date.now() < end, "It did not happen");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Conversation {
  /** Typed at once. */
  readonly input: string;
  /** Input ends when this has been seen: ctr does not notice an earlier end. */
  readonly expected: string;
  /** Set up a terminal with this command. */
  readonly terminal?: string;
}

/** Runs ctr with input and maybe on a terminal. */
async function converse(
  user: User,
  args: readonly string[],
  { input, expected, terminal }: Conversation,
): Promise<{ readonly code: number; readonly output: string }> {
  const { directory, namespace } = user.containerd;
  const ctr = ["-a", `${directory}/c.sock`, "-n", namespace, ...args];
  const quoted = ["ctr", ...ctr].map((arg) => `'${arg}'`).join(" ");
  const [program, programArgs] = terminal === undefined
    ? ["ctr", ctr]
    : ["script", ["-qec", `${terminal}; exec ${quoted}`, "/dev/null"]];
  const child = new Deno.Command(program, {
    args: programArgs,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  const decoder = new TextDecoder();
  let output = "";
  let isOpen = true;
  for await (const chunk of child.stdout) {
    output += decoder.decode(chunk, { stream: true });
    if (!isOpen || !output.includes(expected)) continue;
    isOpen = false;
    await new Promise((resolve) => setTimeout(resolve, 300));
    await writer.close().catch(() => {});
  }
  if (isOpen) await writer.close().catch(() => {});
  const { code } = await child.status;
  return { code, output };
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "runs in the foreground: both outputs and the exit code": async (user) => [
    await user.run(["--rm"], user.newId(), "echo", "hello"),
    await user.run(["--rm"], user.newId(), "sh", "-c", "echo no >&2; exit 3"),
    await user.run(["--rm"], user.newId(), "sh", "-c", "kill -9 $$"),
  ],

  "passes input on to its end": async (user) => {
    const id = user.newId();
    const args = ["run", "--rm", "--runtime", user.runtime, IMAGE, id, "cat"];
    return [
      await converse(user, args, {
        input: "a\nb\n",
        expected: "b\n",
      }),
    ];
  },

  "gives a terminal of the right size": async (user) => {
    const id = user.newId();
    // ctr gives the size once the container runs, however early we type, and
    // may lose what is written just before the end.
    const script = `read line
      until size=$(stty size 2>/dev/null); test -n "$size"; do sleep 0.1; done
      echo size $size; echo got $line; sleep 0.5; exit 5`;
    const { code, output } = await converse(user, [
      ...["run", "--rm", "-t", "--runtime", user.runtime, IMAGE, id],
      ...["sh", "-c", script],
    ], {
      input: "gold\n",
      expected: "got gold",
      terminal: "stty rows 33 cols 77",
    });
    return [code, output.match(/size \d+ \d+/g), output.includes("got gold")];
  },

  "runs in the background; lists, measures, ends": async (user) => {
    const id = await user.runForever();
    const seen = [
      await user.status(id),
      (await user.containerd.ctr("tasks", "ps", id)).stdout.split("\n").length >
        1,
      metricNames(await user.containerd.ctr("tasks", "metrics", id)),
      await user.ctr("tasks", "delete", id),
      await user.ctr("containers", "delete", id),
      await user.end(id),
      await user.ctr("tasks", "kill", id),
    ];
    return seen;
  },

  "runs further processes": async (user) => {
    const id = await user.runForever();
    const exec = (name: string, ...command: readonly string[]) =>
      user.ctr("tasks", "exec", "--exec-id", name, id, ...command);
    return [
      await exec("one", "sh", "-c", "echo in; exit 4"),
      await exec("two", "true"),
      await exec("one", "echo", "again"),
      await exec("three", "/not/there"),
      await exec("three-again", "nosuch"),
      await converse(
        user,
        ["tasks", "exec", "--exec-id", "four", id, "cat"],
        { input: "more", expected: "more" },
      ),
      await user.end(id),
    ];
  },

  "pauses and resumes": async (user) => {
    const id = await user.runForever();
    return [
      await user.ctr("tasks", "pause", id),
      await user.status(id),
      await user.ctr("tasks", "resume", id),
      await user.status(id),
      await user.end(id),
    ];
  },

  "kills what is paused": async (user) => {
    const id = await user.runForever();
    await user.ctr("tasks", "pause", id);
    return [await user.end(id)];
  },

  "kills all, or with any signal": async (user) => {
    const id = user.newId();
    const path = `${user.containerd.directory}/ready-${id}`;
    const script = "trap 'exit 7' USR1; echo; while :; do sleep 0.1; done";
    const flags = ["-d", "--log-uri", `file://${path}`];
    await user.run(flags, id, "sh", "-c", script);
    await until(async () => (await Deno.stat(path)).size > 0);
    const other = await user.runForever();
    const seen = [
      await user.ctr("tasks", "kill", "-s", "USR1", id),
      await user.untilStopped(id),
      await user.ctr("tasks", "delete", id),
      await user.ctr("containers", "delete", id),
      await user.ctr("tasks", "kill", "-a", "-s", "KILL", other),
      await user.untilStopped(other),
    ];
    return [...seen, await user.end(other)];
  },

  "says why a command can't be started, and leaves nothing": async (user) => {
    const id = user.newId();
    const log = `${user.containerd.directory}/failed-${id}`;
    const mount = "type=bind,src=/not/there,dst=/mnt,options=rbind";
    return [
      await user.run(["--rm"], id, "/not/there"),
      await user.status(id),
      await user.run(["--rm"], user.newId(), "nosuch"),
      await user.run(["--rm", "--mount", mount], user.newId(), "true"),
      await user.run(
        ["--rm", "--log-uri", `file://${log}`],
        user.newId(),
        "nosuch",
      ),
      await Deno.readTextFile(log),
    ];
  },

  "writes to a file": async (user) => {
    const id = user.newId();
    const path = `${user.containerd.directory}/log-${id}`;
    // containerd's own shim may lose what was written just before the end.
    const script = "echo out; echo err >&2; sleep 0.3";
    const flags = ["-d", "--log-uri", `file://${path}`];
    const seen = [
      await user.run(flags, id, "sh", "-c", script),
      await user.untilStopped(id),
      await user.end(id),
    ];
    // containerd's own shim may copy until the task is deleted.
    return [...seen, (await Deno.readTextFile(path)).split("\n").toSorted()];
  },

  "tells of everything in order": async (user) => {
    const { containerd } = user;
    await using events = await watchEvents(containerd);
    const topics = () =>
      events.lines().filter((line) => line.includes(" /tasks/"))
        .map((line) => / (\/tasks\/\S+) /.exec(line)?.[1]);
    const id = user.newId();
    await user.run(["--rm"], id, "true");
    const other = await user.runForever();
    await user.ctr("tasks", "exec", "--exec-id", "x", other, "true");
    await user.ctr("tasks", "pause", other);
    await user.ctr("tasks", "resume", other);
    await user.end(other);
    await until(() =>
      topics().filter((it) => it === "/tasks/delete").length > 1
    );
    return topics();
  },

  "tells of a want of memory, whoever is killed": async (user) => {
    const { containerd } = user;
    await using events = await watchEvents(containerd);
    const runs = [];
    for (const script of ["tail /dev/zero; exit 3", "exec tail /dev/zero"]) {
      const limit = ["--rm", "--memory-limit", `${16 * 1024 ** 2}`];
      const [code] = await user.run(limit, user.newId(), "sh", "-c", script);
      runs.push(code);
    }
    // On a busy machine theirs sometimes does not hear of it before the end.
    if (user.runtime === THEIRS) return runs;
    const isTold = (id: string) =>
      events.lines().some((line) =>
        line.includes(" /tasks/oom ") && line.includes(`"${id}"`)
      );
    await until(() => user.ids.every(isTold));
    return runs;
  },

  "checkpoints, or says that it can't and goes on": async (user) => {
    if (!hasProgram("criu")) return [];
    const id = await user.runForever();
    const image = `${user.containerd.directory}/image-${id}`;
    const checkpoint = ["tasks", "checkpoint", "--image-path", image, id];
    const [code] = await user.ctr(...checkpoint);
    return [code, await user.status(id), await user.end(id)];
  },

  "keeps its containers while containerd is started again": async (user) => {
    const id = await user.runForever();
    const quick = user.newId();
    await user.run(["-d"], quick, "sh", "-c", "sleep 1; exit 6");
    await user.containerd.stop("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await user.containerd.start();
    return [
      await user.status(id),
      await user.status(quick),
      await user.ctr("tasks", "exec", "--exec-id", "x", id, "echo", "still"),
      await user.ctr("tasks", "delete", quick),
      await user.ctr("containers", "delete", quick),
      await user.end(id),
    ];
  },

  "is cleaned up after when it is killed": async (user) => {
    const id = await user.runForever();
    const { pid } = await shimOf(user, id);
    Deno.kill(pid, "SIGKILL");
    await until(async () => await user.status(id) === undefined);
    return [await user.ctr("containers", "delete", id)];
  },

  "brings a large output whole": async (user) => {
    const { containerd } = user;
    const output = "dd if=/dev/zero bs=65536 count=1600";
    const child = containerd.spawn([
      ...["run", "--rm", "--runtime", user.runtime, IMAGE, user.newId()],
      ...["sh", "-c", `${output} 2>/dev/null; ${output} >&2 2>/dev/null`],
    ]);
    await child.stdin.close();
    const [stdout, stderr] = await Promise.all([
      lengthOf(child.stdout),
      lengthOf(child.stderr),
    ]);
    return [stdout, stderr, (await child.status).code];
  },

  "runs many at once": async (user) => {
    const ids = Array.from({ length: 8 }, () => user.newId());
    return await Promise.all(
      ids.map((id) => user.run(["--rm"], id, "echo", "aye")),
    );
  },
};

async function lengthOf(stream: ReadableStream<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of stream) length += chunk.length;
  return length;
}

function hasProgram(name: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((directory) => {
    try {
      return Deno.statSync(`${directory}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

function metricNames({ stdout }: { readonly stdout: string }): Seen {
  return stdout.split("\n").map((line) => line.split(/\s/)[0])
    .filter((name) => name?.includes("."));
}

async function shimOf(user: User, id: string): Promise<{ pid: number }> {
  const { stdout } = await user.containerd.ctr("tasks", "ls");
  const line = stdout.split("\n").find((line) => line.startsWith(`${id} `));
  const pid = Number(line?.trim().split(/\s+/)[1]);
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return { pid: Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]) };
}

/** The sockets of a user's shims that are still there. */
async function socketsOf(user: User): Promise<readonly string[]> {
  const { directory, namespace } = user.containerd;
  const paths = await Promise.all(user.ids.map(async (id) => {
    const text = `${directory}/c.sock/${namespace}/${id}`;
    const bytes = new TextEncoder().encode(text);
    const hash = await crypto.subtle.digest("SHA-256", bytes);
    return `/run/containerd/s/${new Uint8Array(hash).toHex()}`;
  }));
  return paths.filter((path) => {
    try {
      return Deno.lstatSync(path).isSocket;
    } catch {
      return false;
    }
  });
}

Deno.test({
  name: "containerd works with our shim as with its own",
  ignore: !hasContainerd(),
  async fn(t) {
    await using executable = await buildExecutable();
    await using containerd = await openContainerd(executable.path);
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await t.step(name, async () => {
        const seen = [];
        for (const runtime of [OURS, THEIRS]) {
          const user = new User(containerd, runtime);
          seen.push(await scenario(user));
          if (runtime === OURS) await assertNothingLeft(user);
        }
        const [ours, theirs] = seen;
        assertEquals(ours, theirs, containerd.log().slice(-2000));
      });
    }
  },
});

async function assertNothingLeft(user: User): Promise<void> {
  const { containerd } = user;
  // A shim has answered before it ends.
  await until(() => processesWith(`${containerd.state}/`).length === 0);
  // It takes bundles away when it has answered.
  await until(() => containerd.leftovers().length === 0);
  assertEquals(await socketsOf(user), []);
}

/** What `ctr events` prints from now on. */
async function watchEvents(
  containerd: Containerd,
): Promise<AsyncDisposable & { lines(): readonly string[] }> {
  const child = containerd.spawn(["events"]);
  let text = "";
  const reading = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeTo(new WritableStream({ write: (chunk) => void (text += chunk) }));
  for (let tries = 0; !text.includes("heard"); tries++) {
    if (tries === 50) throw new Error("ctr events hears nothing");
    await containerd.ctr("namespaces", "create", "heard");
    await containerd.ctr("namespaces", "remove", "heard");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    lines: () => text.split("\n"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.stdin.close();
      await reading;
      await child.stderr.cancel();
      await child.status;
    },
  };
}
