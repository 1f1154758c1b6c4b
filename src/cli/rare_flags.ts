/** Flags of `run` and `create` that few people type, and what they say. */

import { failedPrecondition, invalidArgument } from "../base/errors.ts";
import type {
  AskedBlockIo,
  AskedSettings,
} from "../core/container_settings.ts";
import { parseDeviceRate } from "../engine/options/device_rate.ts";
import { parseDeviceRule } from "../engine/options/device_rule.ts";
import { parseExposed } from "../engine/options/ports.ts";
import type { RunOptions } from "../engine/run_options.ts";
import { parseVolumesFrom } from "../engine/volumes_from.ts";
import { ATTACH, FOREGROUND_KEYS, SIG_PROXY } from "./attach_flags.ts";
import type { Flags, FlagSpec, Invocation } from "./command.ts";
import { list, text, whole } from "./run_flags.ts";

// All that is rare is loaded at once, and apart from what is not.
export { settleRareOptions } from "../engine/rare_options.ts";

/** Known, so that whoever types them by habit hears why they can't be had. */
const REFUSED: readonly string[] = [
  "ip",
  "ip6",
  "link",
  "link-local-ip",
  "mac-address",
  "network-alias",
];

export const RARE_CREATE_FLAGS: readonly FlagSpec[] = [
  ATTACH,
  whole("blkio-weight", "Relative weight for block devices, 10 to 1000"),
  list(
    "device-cgroup-rule",
    "list",
    "Allow devices, for instance 'c 42:* rmw'",
  ),
  list("device-read-bps", "list", "Limit bytes read in a second: /dev/sda:1mb"),
  list("device-read-iops", "list", "Limit reads in a second: /dev/sda:100"),
  list("device-write-bps", "list", "Limit bytes written in a second"),
  list("device-write-iops", "list", "Limit writes in a second"),
  text("domainname", "string", "Domain name of the container"),
  list("expose", "list", "Say that it listens at a port, or a range of them"),
  whole("memory-swappiness", "How readily memory is swapped out, 0 to 100"),
  {
    name: "oom-kill-disable",
    kind: "boolean",
    help: "Have it wait when its memory is used up, instead of killing it",
  },
  {
    ...text("userns", "string", "User namespace: host"),
    completion: ["host"],
  },
  {
    ...list("volumes-from", "list", "Mount what other containers have mounted"),
    completion: "container",
  },
  { ...text("gpus", "string", "Graphics processors"), hidden: true },
  { ...list("publish", "list", "There is no bridge yet", "p"), hidden: true },
  {
    ...{ name: "publish-all", short: "P", kind: "boolean" },
    help: "There is no bridge yet",
    hidden: true,
  },
  ...REFUSED.map((name): FlagSpec => ({
    ...list(name, "list", "There is no bridge yet"),
    hidden: true,
  })),
];

export const RARE_UPDATE_FLAGS: readonly FlagSpec[] = RARE_CREATE_FLAGS.filter(
  ({ name }) => name === "blkio-weight",
);

export const RARE_RUN_FLAGS: readonly FlagSpec[] = [
  ...RARE_CREATE_FLAGS,
  FOREGROUND_KEYS,
  SIG_PROXY,
];

/**
 * What is said by these flags, added to what the others say.
 * @throws {EngineError} `invalidArgument`, in docker's words where it has some
 */
export function withRareOptions(
  inv: Invocation,
  options: RunOptions,
): RunOptions {
  const { flags } = inv;
  checkRefused(flags);
  checkPublished(inv, options.network);
  const asked: AskedSettings = {
    ...options.rare,
    ...several("exposed", exposedPorts(flags)),
    ...domainName(flags, options),
    ...several("volumesFrom", volumesFrom(flags)),
    ...several("deviceRules", deviceRules(flags)),
    ...blockIo(flags),
    ...swappiness(flags),
    ...flags.boolean("oom-kill-disable") ? { oomKill: "disabled" } : {},
    ...userNamespace(flags),
  };
  return Object.keys(asked).length === 0
    ? options
    : { ...options, rare: asked };
}

function several<const K extends string>(
  key: K,
  values: readonly string[],
): Partial<Record<K, readonly string[]>> {
  return (values.length === 0 ? {} : { [key]: values }) as Partial<
    Record<K, readonly string[]>
  >;
}

/** @throws {EngineError} `failedPrecondition` */
function checkRefused(flags: Flags): void {
  for (const name of REFUSED) {
    const [value] = flags.list(name);
    if (value === undefined) continue;
    throw failedPrecondition(
      `Cannot use --${name} "${value}": containers have no network of their own`,
      { hint: "They have the host's, where others are at localhost, or none" },
    );
  }
  if (flags.string("gpus") !== undefined) {
    throw failedPrecondition(
      'could not select device driver "" with capabilities: [[gpu]]',
      {
        hint: "There are no drivers here: give the device nodes with " +
          "--device, and the libraries with --volume",
      },
    );
  }
}

/**
 * As docker does, ports are dropped where the network has been chosen. Else
 * they are expected to be there.
 * @throws {EngineError} `invalidArgument`
 */
function checkPublished(
  { flags, stderr }: Invocation,
  { mode, chosen }: RunOptions["network"],
): void {
  const [port = flags.boolean("publish-all") ? "all" : undefined] = flags
    .list("publish");
  if (port === undefined) return;
  if (!chosen) {
    throw invalidArgument(
      `Cannot publish port "${port}": containers have the host's own network`,
      {
        hint: "Leave it out: where the container listens, the host does, " +
          "at the same port",
      },
    );
  }
  if (mode === "host") {
    stderr.line(
      "WARNING: Published ports are discarded when using host network mode",
    );
  }
}

function exposedPorts(flags: Flags): readonly string[] {
  const ports = flags.list("expose").flatMap((text) => parseExposed(text));
  return [...new Set(ports)];
}

function domainName(
  flags: Flags,
  { namespaces }: RunOptions,
): Pick<AskedSettings, "domainName"> {
  const name = flags.string("domainname") ?? "";
  if (name === "") return {};
  if (namespaces.uts === "host") {
    throw invalidArgument("conflicting options: domainname and the UTS mode");
  }
  return { domainName: name };
}

function volumesFrom(flags: Flags): readonly string[] {
  const texts = flags.list("volumes-from");
  for (const text of texts) parseVolumesFrom(text);
  return texts;
}

function deviceRules(flags: Flags): readonly string[] {
  const texts = flags.list("device-cgroup-rule");
  for (const text of texts) parseDeviceRule(text);
  return texts;
}

function blockIo(flags: Flags): Pick<AskedSettings, "blockIo"> {
  const rates = (kind: "bytes" | "operations", name: string) =>
    flags.list(name).map((text) => parseDeviceRate(kind, text));
  const asked = {
    readBps: rates("bytes", "device-read-bps"),
    writeBps: rates("bytes", "device-write-bps"),
    readIops: rates("operations", "device-read-iops"),
    writeIops: rates("operations", "device-write-iops"),
  };
  const given: AskedBlockIo = {
    ...weight(flags),
    ...Object.fromEntries(
      Object.entries(asked).filter(([, list]) => list.length > 0),
    ),
  };
  return Object.keys(given).length === 0 ? {} : { blockIo: given };
}

/** 0 says nothing. @throws {EngineError} `invalidArgument` */
export function weight(flags: Flags): Pick<AskedBlockIo, "weight"> {
  const weight = flags.number("blkio-weight") ?? 0;
  if (weight === 0) return {};
  if (weight < 10 || weight > 1000) {
    throw invalidArgument("Range of blkio weight is from 10 to 1000");
  }
  return { weight };
}

/** -1 says nothing. */
function swappiness(flags: Flags): Pick<AskedSettings, "swappiness"> {
  const swappiness = flags.number("memory-swappiness") ?? -1;
  if (swappiness === -1) return {};
  if (swappiness < 0 || swappiness > 100) {
    throw invalidArgument(
      `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`,
    );
  }
  return { swappiness };
}

function userNamespace(flags: Flags): Pick<AskedSettings, "userNamespace"> {
  const mode = flags.string("userns") ?? "";
  if (mode === "") return {};
  if (mode === "host") return { userNamespace: "host" };
  throw invalidArgument(`--userns: invalid USER mode: "${mode}"`, {
    hint: "The only mode is host: containers have the user namespace of " +
      "whoever starts them, an ordinary user's one of his own",
  });
}
