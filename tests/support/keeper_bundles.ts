/** A keeper in this process, with bundles of busybox for it to keep. */

import { keeperLog } from "../../src/app/keeper_log.ts";
import { background, type Context } from "../../src/base/context.ts";
import type { ContainerSettings } from "../../src/core/container_settings.ts";
import type {
  AttachInput,
  AttachOutput,
  Keeper,
  KeepRequest,
} from "../../src/core/keeper.ts";
import type { Bundle } from "../../src/core/task.ts";
import type { TaskStatus } from "../../src/core/task_status.ts";
import { createPublisher } from "../../src/shim/keeper/publish.ts";
import { createKeeper } from "../../src/shim/keeper/service.ts";
import { openPoller } from "../../src/sys/poller.ts";
import { ERRNO } from "../../src/sys/errno.ts";
import { errnoMessage } from "../../src/sys/libc.ts";
import { adoptOrphans, sendSignal } from "../../src/sys/process.ts";
import { createReaper } from "../../src/sys/reaper.ts";
import { openForeignBundles } from "./foreign_bundle.ts";

export interface KeeperBundles extends AsyncDisposable {
  readonly dir: string;
  readonly ctx: Context;
  readonly keeper: Keeper;
  /** A bundle that is ready to be launched. */
  make(id: string, options: MakeOptions): Promise<KeepRequest>;
  /** What is in the bundle. */
  status(request: KeepRequest): TaskStatus;
  /** Topics and events that were published, in their order. */
  events(): readonly (readonly [string, Record<string, unknown>])[];
  /** Of the log. */
  log(request: KeepRequest): string;
  /** What is left of containers. */
  leftovers(): readonly string[];
  /** The same, when those have gone who tell of ends. */
  settled(): Promise<readonly string[]>;
}

export interface MakeOptions {
  readonly script: string;
  readonly settings?: Partial<ContainerSettings>;
  readonly pids?: "own" | "host";
  readonly memoryBytes?: number;
}

export const SETTINGS: ContainerSettings = {
  removal: "keep",
  stdio: "streams",
  stdin: "closed",
  restart: { kind: "no" },
  log: { driver: "json-file", options: {} },
  stopSignal: 15,
  stopTimeoutSeconds: 10,
  hostname: "test",
  network: "none",
};

/** Keeps the event's topic and what came with it, one line each. */
const RECORD = `echo "$5 $(cat)" >> "$1/events"`;

export async function openKeeperBundles(): Promise<KeeperBundles> {
  const bundles = await openForeignBundles("runc");
  const { dir, namespace } = bundles;
  const ctx = background({ namespace });
  const made = new Map<string, Bundle>();
  const process = openProcess();
  const publisher = createPublisher(process);
  const keeper = createKeeper({
    ...process,
    now: () => new Date(),
    openLog: (request, report) => keeperLog(process, request, report),
    publish: publisher.publish,
    record: { address: `unix://${dir}/none`, pid: Deno.pid, version: 3 },
    ended: async (container) => {
      await publisher.settled();
      container.release();
    },
    idle: () => {},
  });
  const leftovers = () => [...bundles.leftovers(), ...names(`${dir}/runc`)];
  return {
    dir,
    ctx,
    keeper,
    async make(id, options) {
      const settings = { ...SETTINGS, ...options.settings };
      const bundle = await bundles.make(id, {
        args: ["/bin/sh", "-c", options.script],
        terminal: settings.stdio === "terminal",
      });
      changeSpec(`${bundle.path}/config.json`, options);
      made.set(id, bundle);
      return {
        namespace,
        id,
        bundle: bundle.path,
        runtime: "/usr/bin/runc",
        runtimeRoot: `${dir}/runc`,
        settings,
        logDirectory: `${dir}/log/${id}`,
        finishCommand: ["/bin/sh", "-c", `echo finished > "$1"`, "sh"]
          .concat(`${dir}/finished-${id}`),
        publishCommand: ["/bin/sh", "-c", RECORD, "sh", dir],
      };
    },
    status: ({ bundle }) =>
      JSON.parse(Deno.readTextFileSync(`${bundle}/status.json`)),
    events: () =>
      lines(`${dir}/events`).map((line) => {
        const space = line.indexOf(" ");
        return [line.slice(0, space), JSON.parse(line.slice(space))];
      }),
    log: ({ id, logDirectory }) =>
      lines(`${logDirectory}/${id}-json.log`)
        .map((line) => JSON.parse(line).log).join(""),
    leftovers,
    async settled() {
      await publisher.settled();
      for (let tries = 0; leftovers().length > 0 && tries < 100; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return leftovers();
    },
    async [Symbol.asyncDispose]() {
      // What a failed test has left running.
      for (const id of made.keys()) await end(keeper, ctx, id);
      await publisher.settled();
      await process[Symbol.asyncDispose]();
      for (const bundle of made.values()) bundle[Symbol.dispose]();
      await bundles[Symbol.asyncDispose]();
    },
  };
}

async function end(keeper: Keeper, ctx: Context, id: string): Promise<void> {
  try {
    await keeper.retire(ctx, id);
    const { pid } = await keeper.status(ctx, id);
    if (pid !== 0) Deno.kill(pid, "SIGKILL");
    await keeper.wait(ctx, id);
  } catch {
    // It has ended.
  }
}

function openProcess() {
  adoptOrphans();
  const poller = openPoller();
  const reaper = createReaper();
  // A shim listens meanwhile; the end of a child alone keeps nobody waiting.
  const alive = setInterval(() => {}, 60_000);
  return {
    poller,
    reaper,
    env: Object.entries(Deno.env.toObject()).map(([k, v]) => `${k}=${v}`),
    async [Symbol.asyncDispose]() {
      clearInterval(alive);
      reaper[Symbol.dispose]();
      await poller.close();
      // The listener for signals ends a moment after it was removed.
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}

function changeSpec(
  path: string,
  { pids = "own", memoryBytes }: MakeOptions,
): void {
  const spec = JSON.parse(Deno.readTextFileSync(path));
  if (pids === "host") {
    spec.linux.namespaces = spec.linux.namespaces
      .filter(({ type }: { readonly type: string }) => type !== "pid");
  }
  if (memoryBytes !== undefined) {
    spec.linux.resources = {
      memory: { limit: memoryBytes, swap: memoryBytes },
    };
  }
  Deno.writeTextFileSync(path, JSON.stringify(spec));
}

/** What came until the end, by stream. */
export async function collect(
  outputs: AsyncIterable<AttachOutput>,
): Promise<
  {
    readonly stdout: string;
    readonly stderr: string;
    readonly exitCode: number | undefined;
  }
> {
  const decoder = new TextDecoder();
  const text = { stdout: "", stderr: "" };
  let exitCode: number | undefined;
  for await (const output of outputs) {
    if (output.kind === "exit") exitCode = output.status.exitCode;
    else text[output.kind] += decoder.decode(output.bytes);
  }
  return { ...text, exitCode };
}

/** An input that does not end by itself. */
export async function* sending(
  ...inputs: readonly (AttachInput | string)[]
): AsyncGenerator<AttachInput> {
  for (const input of inputs) {
    yield typeof input === "string"
      ? { kind: "stdin", bytes: new TextEncoder().encode(input) }
      : input;
  }
  await new Promise(() => {});
}

const PAUSE_MS = 10;

/** @throws after `budgetMs` */
export async function until(
  condition: () => boolean,
  budgetMs = 20_000,
): Promise<void> {
  const last = Date.now() + budgetMs;
  while (!condition()) {
    if (Date.now() > last) throw new Error(`still not: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function lines(path: string): readonly string[] {
  try {
    return Deno.readTextFileSync(path).split("\n").filter((it) => it !== "");
  } catch {
    return [];
  }
}

function names(path: string): readonly string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`);
  } catch {
    return [];
  }
}

/**
 * Uses all that keepers use, once before the tests: libc's symbols stay open,
 * and the sanitizer must not count them to one of those.
 */
export async function primeKeeper(): Promise<void> {
  if (Deno.uid() !== 0) return;
  const settings = { stdin: "open" } as const;
  const script = "read line";
  for (const stdio of ["terminal", "streams"] as const) {
    await using kept = await openKeeperBundles();
    const { keeper, ctx } = kept;
    const request = await kept.make(stdio, {
      script,
      settings: { ...settings, stdio },
    });
    await keeper.launch(ctx, request);
    await collect(
      keeper.attach(
        ctx,
        { id: stdio, stdin: "send" },
        sending({ kind: "size", columns: 80, rows: 24 }, "\n"),
      ),
    );
    sendSignal(Deno.pid, 0);
    errnoMessage(ERRNO.EPIPE);
  }
}
