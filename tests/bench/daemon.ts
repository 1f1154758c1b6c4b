/**
 * The daemon beside containerd, each on a root of its own: from its start to
 * the first answer, and what it holds of memory when nothing is to be done.
 */

import { VersionDefinition } from "../../proto/gen/containerd/services/version/v1/version.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import { type Bench, median, type Row } from "./bench.ts";

const STARTS = 15;
const IDLE_MS = 3_000;
const MEBIBYTE = 1024;

interface Candidate {
  readonly command: readonly string[];
  readonly socket: string;
}

/** In milliseconds since the process was started. */
interface Ready {
  readonly connectedMs: number;
  readonly answeredMs: number;
}

/** In KiB. */
interface Memory {
  readonly rss: number;
  readonly pss: number;
  readonly own: number;
}

export const bench: Bench = {
  name: "daemon",
  async run({ coracle, say }) {
    const dir = await Deno.makeTempDir({ prefix: "coracle-bench-" });
    try {
      const ours = coracleIn(dir, coracle);
      const theirs = await containerdIn(dir);
      say(`${STARTS} starts of each, by turns, until Version is answered`);
      const starts = await startByTurns(ours, theirs);
      say(`memory of each, ${IDLE_MS} ms after its first answer`);
      const memory = [await idle(ours), await idle(theirs)] as const;
      for (
        const [name, it] of [["ours", memory[0]], [
          "theirs",
          memory[1],
        ]] as const
      ) {
        say(
          `${name}: RSS ${mib(it.rss)}, PSS ${mib(it.pss)}, private ${
            mib(it.own)
          }`,
        );
      }
      return [
        row("daemon: until connected", starts, "connectedMs"),
        row("daemon: until Version is answered", starts, "answeredMs"),
        {
          what: "daemon: idle RSS",
          measured: mib(memory[0].rss),
          reference: `containerd: ${mib(memory[1].rss)}`,
          figure: memory[0].rss / memory[1].rss,
          bar: 1.6,
        },
      ];
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
};

function coracleIn(dir: string, coracle: string): Candidate {
  const socket = `${dir}/coracle.sock`;
  return {
    command: [
      ...[coracle, "daemon", "--root", `${dir}/root`],
      ...["--state", `${dir}/state`, "--address", socket],
    ],
    socket,
  };
}

/** Without what it would serve to Kubernetes, which we don't have. */
async function containerdIn(dir: string): Promise<Candidate> {
  const socket = `${dir}/containerd.sock`;
  const config = `${dir}/config.toml`;
  await Deno.writeTextFile(
    config,
    `version = 2
root = "${dir}/croot"
state = "${dir}/cstate"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
`,
  );
  return { command: ["/usr/bin/containerd", "--config", config], socket };
}

interface Starts {
  readonly ours: readonly Ready[];
  readonly theirs: readonly Ready[];
}

async function startByTurns(
  ours: Candidate,
  theirs: Candidate,
): Promise<Starts> {
  // The first start of each makes its directories.
  await start(ours, () => Promise.resolve());
  await start(theirs, () => Promise.resolve());
  const starts = { ours: [] as Ready[], theirs: [] as Ready[] };
  for (let turn = 0; turn < STARTS; turn++) {
    starts.ours.push(await start(ours, () => Promise.resolve()));
    starts.theirs.push(await start(theirs, () => Promise.resolve()));
  }
  return starts;
}

async function idle(candidate: Candidate): Promise<Memory> {
  let memory: Memory | undefined;
  await start(candidate, async (pid) => {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    memory = await memoryOf(pid);
  });
  if (memory === undefined) throw new Error("Nothing was measured");
  return memory;
}

async function start(
  { command, socket }: Candidate,
  use: (pid: number) => Promise<void>,
): Promise<Ready> {
  const [program = "", ...args] = command;
  const begin = performance.now();
  const process = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await connected(socket);
    const connectedMs = performance.now() - begin;
    await using client = new GrpcClient({ path: socket });
    await client.stub(VersionDefinition).version({});
    const answeredMs = performance.now() - begin;
    await use(process.pid);
    return { connectedMs, answeredMs };
  } finally {
    process.kill("SIGTERM");
    await process.status;
  }
}

async function connected(path: string): Promise<void> {
  for (;;) {
    try {
      const connection = await Deno.connect({ transport: "unix", path });
      connection.close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

async function memoryOf(pid: number): Promise<Memory> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const sum = (...names: readonly string[]) =>
    names.reduce((total, name) => {
      const [, kib = "0"] = new RegExp(`^${name}: +(\\d+)`, "m").exec(text) ??
        [];
      return total + Number(kib);
    }, 0);
  return {
    rss: sum("Rss"),
    pss: sum("Pss"),
    own: sum("Private_Clean", "Private_Dirty"),
  };
}

function row(what: string, starts: Starts, key: keyof Ready): Row {
  const ours = median(starts.ours.map((it) => it[key]));
  const theirs = median(starts.theirs.map((it) => it[key]));
  return {
    what,
    measured: `${ours.toFixed(0)} ms`,
    reference: `containerd: ${theirs.toFixed(0)} ms`,
    figure: ours / theirs,
    bar: 0.7,
  };
}

function mib(kib: number): string {
  return `${(kib / MEBIBYTE).toFixed(1)} MiB`;
}
