/** Collects the garbage of whoever uses the store. */

import { background } from "../../base/context.ts";
import { parseDuration } from "../../base/units.ts";
import { isWatched } from "../../core/gc.ts";
import { type GcPolicy, GcScheduler } from "../../engine/gc_scheduler.ts";
import { METADATA } from "./core_plugins.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
  SkipPlugin,
} from "./plugin.ts";

export const GC_SCHEDULER: PluginKey<GcScheduler> = {
  type: "io.containerd.gc.v1",
  id: "scheduler",
};

export const gcPlugins: readonly Plugin[] = [
  plugin(GC_SCHEDULER, [METADATA], (host) => {
    const { collector } = host.get(METADATA);
    if (!isWatched(collector)) throw new SkipPlugin("another process collects");
    const policy = policyOf(host.config);
    host.describe({
      exports: {
        PauseThreshold: String(policy.pauseThreshold),
        DeletionThreshold: String(policy.deletionThreshold),
        MutationThreshold: String(policy.mutationThreshold),
        ScheduleDelay: delayOf(host.config, "schedule_delay", "0s"),
      },
    });
    const scheduler = new GcScheduler(collector, policy, host.now);
    runUntilStopped(host, scheduler);
    return scheduler;
  }),
];

function runUntilStopped(host: PluginHost, scheduler: GcScheduler): void {
  const stop = new AbortController();
  const signal = AbortSignal.any([host.stopping, stop.signal]);
  const running = scheduler.run(background({ signal, log: host.log }))
    .catch((error) => host.log.error("Garbage is not collected", { error }));
  host.defer(async () => {
    stop.abort();
    await running;
  });
}

/** Numbers beyond what makes sense become the nearest that does. */
export function policyOf(config: PluginHost["config"]): GcPolicy {
  return {
    pauseThreshold: Math.min(numberOf(config, "pause_threshold", 0.02), 0.5),
    deletionThreshold: numberOf(config, "deletion_threshold", 0),
    mutationThreshold: numberOf(config, "mutation_threshold", 100),
    scheduleDelayMs: durationOf(config, "schedule_delay", "0s"),
    startupDelayMs: durationOf(config, "startup_delay", "100ms"),
  };
}

function numberOf(
  config: PluginHost["config"],
  key: string,
  otherwise: number,
): number {
  const value = config[key];
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" ? Math.max(number, 0) : otherwise;
}

function durationOf(
  config: PluginHost["config"],
  key: string,
  otherwise: string,
): number {
  return parseDuration(key, delayOf(config, key, otherwise));
}

function delayOf(
  config: PluginHost["config"],
  key: string,
  otherwise: string,
): string {
  const value = config[key];
  return typeof value === "string" && value !== "" ? value : otherwise;
}
