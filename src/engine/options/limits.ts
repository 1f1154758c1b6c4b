/** Resource limits: `--ulimit`, `--memory`, `--cpus` and their kin. */

import { invalidArgument } from "../../base/errors.ts";
import { parseBytes, parseMilliCpus } from "../../base/units.ts";
import type {
  SpecCpu,
  SpecMemory,
  SpecRlimit,
} from "../../oci/runtime_spec.ts";
import type { ResourceRequest } from "../../oci/spec/request.ts";

const ULIMITS: ReadonlySet<string> = new Set([
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
]);

/**
 * `name=soft[:hard]`; -1 is unlimited.
 * @throws {EngineError} `invalidArgument`
 */
export function parseUlimit(text: string): SpecRlimit {
  const [, name = "", soft = "", hard = soft] =
    /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text) ?? [];
  if (name === "") {
    throw invalidArgument(`invalid ulimit argument: ${text}`, {
      hint: "Write NAME=SOFT or NAME=SOFT:HARD, for instance nofile=1024:4096",
    });
  }
  if (!ULIMITS.has(name)) {
    throw invalidArgument(`invalid ulimit type: ${name}`, {
      hint: `The types are ${[...ULIMITS].join(", ")}`,
    });
  }
  const [low, high] = [limit(soft), limit(hard)];
  if (low > high) {
    throw invalidArgument(
      `ulimit soft limit must be less than or equal to hard limit: ` +
        `${soft} > ${hard}`,
    );
  }
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: low, hard: high };
}

function limit(text: string): number {
  return text === "-1" ? Infinity : Number(text);
}

/** Texts and numbers of the flags, where given. */
export interface ResourceFlags {
  readonly memory?: string | undefined;
  readonly memorySwap?: string | undefined;
  readonly memoryReservation?: string | undefined;
  readonly cpus?: string | undefined;
  readonly cpuShares?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly cpuQuota?: number | undefined;
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
  readonly pidsLimit?: number | undefined;
}

const LEAST_MEMORY = 6 * 1024 * 1024;
const DEFAULT_PERIOD_US = 100_000;

/** @throws {EngineError} `invalidArgument` */
export function parseResources(flags: ResourceFlags): ResourceRequest {
  const memory = parseMemory(flags);
  const milliCpus = flags.cpus === undefined ? 0 : parseMilliCpus(flags.cpus);
  const cpu = parseCpu(flags, milliCpus);
  const pids = flags.pidsLimit ?? 0;
  return {
    ...Object.keys(memory).length === 0 ? {} : { memory },
    ...Object.keys(cpu).length === 0 ? {} : { cpu },
    ...milliCpus > 0 ? { milliCpus } : {},
    // 0 and below: unlimited.
    ...pids > 0 ? { pidsLimit: pids } : {},
  };
}

function parseMemory(flags: ResourceFlags): SpecMemory {
  const limit = size("memory limit", flags.memory);
  const reservation = size("memory reservation", flags.memoryReservation);
  const swap = flags.memorySwap === "-1"
    ? -1
    : size("memory and swap limit", flags.memorySwap);
  if (limit !== undefined && limit > 0 && limit < LEAST_MEMORY) {
    throw invalidArgument("Minimum memory limit allowed is 6MB");
  }
  if (swap !== undefined && swap > 0 && limit === undefined) {
    throw invalidArgument(
      "You should always set the Memory limit when using Memoryswap limit",
      { hint: "Add --memory" },
    );
  }
  if (swap !== undefined && swap > 0 && swap < (limit ?? 0)) {
    throw invalidArgument(
      "Minimum memoryswap limit should be larger than memory limit",
    );
  }
  if (limit !== undefined && reservation !== undefined && limit < reservation) {
    throw invalidArgument(
      "Minimum memory limit can not be less than memory reservation limit",
    );
  }
  return {
    ...positive(limit) ? { limit } : {},
    ...positive(reservation) ? { reservation } : {},
    // As much swap as memory, where nothing is said.
    ...swap === -1 || positive(swap)
      ? { swap }
      : positive(limit)
      ? { swap: 2 * limit }
      : {},
  };
}

function size(what: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseBytes(what, text);
}

function positive(value: number | undefined): value is number {
  return value !== undefined && value > 0;
}

function parseCpu(flags: ResourceFlags, milliCpus: number): SpecCpu {
  const { cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems } = flags;
  if (milliCpus > 0 && (positive(cpuPeriod) || positive(cpuQuota))) {
    const other = positive(cpuPeriod) ? "Period" : "Quota";
    throw invalidArgument(
      `Conflicting options: Nano CPUs and CPU ${other} cannot both be set`,
      { hint: "Use either --cpus, or --cpu-period and --cpu-quota" },
    );
  }
  for (const list of [cpusetCpus, cpusetMems]) checkList(list);
  checkCpuNumbers(flags);
  return {
    ...positive(cpuShares) ? { shares: Math.max(cpuShares, 2) } : {},
    ...milliCpus > 0
      ? {
        quota: Math.max(1000, milliCpus * DEFAULT_PERIOD_US / 1000),
        period: DEFAULT_PERIOD_US,
      }
      : {},
    ...positive(cpuPeriod) ? { period: cpuPeriod } : {},
    ...positive(cpuQuota) ? { quota: cpuQuota } : {},
    ...cpusetCpus === undefined ? {} : { cpus: cpusetCpus },
    ...cpusetMems === undefined ? {} : { mems: cpusetMems },
  };
}

/** In docker's words; 0 is as good as nothing. */
function checkCpuNumbers(
  { cpuShares = 0, cpuPeriod = 0, cpuQuota = 0 }: ResourceFlags,
): void {
  if (cpuShares < 0) throw invalidArgument("shares: invalid argument");
  if (cpuPeriod !== 0 && (cpuPeriod < 1000 || cpuPeriod > 1_000_000)) {
    throw invalidArgument(
      "CPU cfs period can not be less than 1ms (i.e. 1000) " +
        "or larger than 1s (i.e. 1000000)",
    );
  }
  if (cpuQuota > 0 && cpuQuota < 1000) {
    throw invalidArgument(
      "CPU cfs quota can not be less than 1ms (i.e. 1000)",
    );
  }
}

function checkList(list: string | undefined): void {
  if (list === undefined || /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(list)) {
    return;
  }
  throw invalidArgument(`Invalid value ${list} for cpuset`, {
    hint: "Write a list such as 0-2,7",
  });
}
