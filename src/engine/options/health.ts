/** `--health-…`, and what an image says about its containers' health. */

import { invalidArgument } from "../../base/errors.ts";
import { parseDuration } from "../../base/units.ts";
import type { HealthCheck } from "../../core/container_settings.ts";
import type { ContainerConfig } from "../../oci/image_spec.ts";
import type { HealthOptions } from "../run_options.ts";

/** As typed; empty texts count as absent. */
export interface HealthFlags {
  readonly command?: string | undefined;
  readonly interval?: string | undefined;
  readonly timeout?: string | undefined;
  readonly startPeriod?: string | undefined;
  readonly startInterval?: string | undefined;
  readonly retries?: number | undefined;
  readonly disable: "no" | "yes";
}

/** Docker's. */
const DEFAULTS: Omit<HealthCheck, "command"> = {
  intervalMs: 30_000,
  timeoutMs: 30_000,
  startPeriodMs: 0,
  startIntervalMs: 5_000,
  retries: 3,
};

/** @throws {EngineError} `invalidArgument` */
export function parseHealth(flags: HealthFlags): HealthOptions {
  const { disable, ...parts } = flags;
  if (disable === "yes") {
    if (Object.values(parts).some((part) => part !== undefined)) {
      throw invalidArgument(
        "--no-healthcheck conflicts with --health-* options",
      );
    }
    return { kind: "none" };
  }
  if ((flags.retries ?? 0) < 0) {
    throw invalidArgument("--health-retries cannot be negative");
  }
  const { command = "" } = flags;
  return {
    kind: "asImage",
    ...command === "" ? {} : { command: shell(command) },
    ...duration("intervalMs", "interval", flags.interval),
    ...duration("timeoutMs", "timeout", flags.timeout),
    ...duration("startPeriodMs", "start-period", flags.startPeriod),
    ...duration("startIntervalMs", "start-interval", flags.startInterval),
    ...flags.retries ? { retries: flags.retries } : {},
  };
}

/** Zero means that nothing is said. */
function duration(
  key: keyof HealthCheck,
  flag: string,
  text: string | undefined,
): Partial<HealthCheck> {
  if (text === undefined) return {};
  const ms = parseDuration(`--health-${flag}`, text);
  if (ms > 0 && ms < 1) {
    throw invalidArgument(`--health-${flag} cannot be less than 1ms`);
  }
  return ms === 0 ? {} : { [key]: ms };
}

const shell = (command: string) => ["/bin/sh", "-c", command];

/** What is probed in the end; undefined if nothing is. */
export function healthCheck(
  options: HealthOptions,
  config: ContainerConfig,
): HealthCheck | undefined {
  if (options.kind === "none") return undefined;
  const { kind: _, ...asked } = options;
  const image = imageHealth(config.Healthcheck);
  const command = asked.command ?? image.command ?? [];
  if (command.length === 0) return undefined;
  return { ...DEFAULTS, ...image, ...asked, command };
}

/** What of it is said at all; undefined if nothing is. */
export function askedHealth(
  options: HealthOptions,
  config: ContainerConfig,
): "none" | Partial<HealthCheck> | undefined {
  if (options.kind === "none") return "none";
  const { kind: _, ...asked } = options;
  const test = config.Healthcheck?.["Test"];
  const isOff = Array.isArray(test) && test[0] === "NONE";
  if (isOff && asked.command === undefined) return "none";
  const said = { ...imageHealth(config.Healthcheck), ...asked };
  return Object.keys(said).length === 0 ? undefined : said;
}

/** Durations of an image are nanoseconds. */
function imageHealth(
  health: ContainerConfig["Healthcheck"],
): Partial<HealthCheck> {
  if (health === undefined || health === null) return {};
  const [form, ...words] = Array.isArray(health["Test"])
    ? health["Test"].map(String)
    : [];
  const ms = (field: string, key: keyof HealthCheck) => {
    const nanoseconds = Number(health[field] ?? 0);
    return nanoseconds > 0 ? { [key]: nanoseconds / 1e6 } : {};
  };
  const retries = Number(health["Retries"] ?? 0);
  return {
    ...form === "CMD" ? { command: words } : {},
    ...form === "CMD-SHELL" ? { command: shell(words.join(" ")) } : {},
    ...ms("Interval", "intervalMs"),
    ...ms("Timeout", "timeoutMs"),
    ...ms("StartPeriod", "startPeriodMs"),
    ...ms("StartInterval", "startIntervalMs"),
    ...retries > 0 ? { retries } : {},
  };
}
