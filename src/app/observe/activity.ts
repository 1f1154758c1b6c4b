/** What the daemon is doing at this moment. */

import type { PluginStatus } from "../daemon/plugin.ts";
import { VERSION } from "../self.ts";
import type { OpenCall } from "./open_calls.ts";

/** As `/debug/info` shows it; `/debug/stack` shows the same to people. */
export interface Activity {
  readonly version: string;
  readonly deno: string;
  readonly v8: string;
  readonly pid: number;
  readonly startedAt: Date;
  readonly at: Date;
  readonly memory: Readonly<Record<string, number>>;
  /** How late a timer comes: how busy the one thread is. */
  readonly loopDelayMs: number;
  /** How many descriptors of each kind: `socket`, `pipe`, `file`, … */
  readonly descriptors: Readonly<Record<string, number>>;
  /** How many threads by each name. */
  readonly threads: Readonly<Record<string, number>>;
  readonly children: number;
  readonly calls: readonly OpenCall[];
  readonly tasks: readonly TaskState[];
  readonly plugins: readonly {
    readonly type: string;
    readonly id: string;
    /** `ok`, or why not. */
    readonly status: string;
  }[];
}

export interface TaskState {
  readonly namespace: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
}

export interface ActivityDeps {
  readonly startedAt: Date;
  readonly now: () => Date;
  readonly calls: () => readonly OpenCall[];
  readonly tasks: () => Promise<readonly TaskState[]>;
  readonly plugins: () => readonly PluginStatus[];
}

const LOOP_PROBE_MS = 50;

export async function activity(deps: ActivityDeps): Promise<Activity> {
  const loopDelayMs = await loopDelay();
  const tasks = await deps.tasks();
  return {
    version: VERSION,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    pid: Deno.pid,
    startedAt: deps.startedAt,
    at: deps.now(),
    memory: { ...Deno.memoryUsage() },
    loopDelayMs,
    descriptors: tally(names("/proc/self/fd").map(descriptorKind)),
    threads: tally(names("/proc/self/task").map(threadName)),
    children: children().length,
    calls: deps.calls(),
    tasks,
    plugins: deps.plugins().map(({ type, id, failure }) => ({
      type,
      id,
      status: failure === undefined
        ? "ok"
        : `${failure.kind}: ${failure.error.message}`,
    })),
  };
}

async function loopDelay(): Promise<number> {
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, LOOP_PROBE_MS));
  const late = performance.now() - start - LOOP_PROBE_MS;
  return Math.max(0, Math.round(late * 10) / 10);
}

function names(directory: string): readonly string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name);
}

function descriptorKind(fd: string): string {
  try {
    const target = Deno.readLinkSync(`/proc/self/fd/${fd}`);
    const [, kind] = /^(?:anon_inode:\[?)?([\w-]+)[:\]]?/.exec(target) ?? [];
    return target.startsWith("/") ? "file" : kind ?? "other";
  } catch {
    return "closed";
  }
}

function threadName(id: string): string {
  try {
    return Deno.readTextFileSync(`/proc/self/task/${id}/comm`).trim();
  } catch {
    return "ended";
  }
}

function children(): readonly string[] {
  return names("/proc/self/task").flatMap((id) => {
    try {
      const text = Deno.readTextFileSync(`/proc/self/task/${id}/children`);
      return text.split(" ").filter((it) => it !== "");
    } catch {
      return [];
    }
  });
}

function tally(kinds: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
