/**
 * What few people ask of a new container: looked up here, so that the others
 * load nothing of it.
 */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import type { AskedSettings } from "../core/container_settings.ts";
import type { Host } from "../core/host.ts";
import { DOMAIN_NAME } from "../oci/spec/defaults.ts";
import type { ResourceRequest } from "../oci/spec/request.ts";
import { blockIoRequest } from "./block_io.ts";
import type { LifeDeps } from "./life_deps.ts";
import { memoryRequest } from "./memory_request.ts";
import { parseDeviceRule } from "./options/device_rule.ts";
import { settleSharing } from "./settle_sharing.ts";
import type { RunMount, RunOptions } from "./run_options.ts";
import { mountsOfOthers } from "./volumes_from.ts";

/**
 * From words to what the container is made of: mounts of other containers,
 * numbers of devices.
 * @throws {EngineError} `notFound` for a container or a device;
 * `failedPrecondition` for what this user can't have
 */
export async function settleRareOptions(
  ctx: Context,
  deps: LifeDeps,
  options: RunOptions,
): Promise<RunOptions> {
  const { rare } = options;
  if (rare === undefined) return options;
  const { host } = deps.services;
  const from = await mountsOfOthers(ctx, deps, rare.volumesFrom ?? []);
  const own = new Set(options.mounts.map(({ target }) => target));
  const shared = from.filter(({ target }) => !own.has(target));
  const { namespaces, sharing } = await settleSharing(ctx, deps, options);
  return {
    ...options,
    namespaces,
    mounts: [...shared, ...options.mounts],
    resources: withMore(options.resources, moreResources(ctx, rare, host)),
    sysctls: { ...options.sysctls, ...domainName(rare, host) },
    rare: { ...rare, ...targetsOf(shared), ...sharing },
  };
}

function targetsOf(
  shared: readonly RunMount[],
): Pick<AskedSettings, "sharedTargets"> {
  if (shared.length === 0) return {};
  return { sharedTargets: shared.map(({ target }) => target) };
}

function withMore(
  asked: ResourceRequest,
  more: ResourceRequest,
): ResourceRequest {
  const memory = { ...asked.memory, ...more.memory };
  return {
    ...asked,
    ...more,
    ...Object.keys(memory).length === 0 ? {} : { memory },
  };
}

/** Rules for devices say what is allowed: without a cgroup all are. */
const NO_CGROUP = "Ignoring limits of block devices and the use of swap: " +
  "containers of an ordinary user have no control group here; " +
  '"coracle doctor" says more';

function moreResources(
  ctx: Context,
  rare: AskedSettings,
  host: Host,
): ResourceRequest {
  const warn = (message: string) => ctx.log.warn(message);
  const { blockIo, deviceRules, swappiness, oomKill } = rare;
  if (!host.facts().cgroupsWritable) {
    const limits = [blockIo, swappiness, oomKill];
    if (limits.some((limit) => limit !== undefined)) warn(NO_CGROUP);
    return {};
  }
  const io = blockIo && blockIoRequest(blockIo, host, warn);
  const memory = memoryRequest(rare, host, warn);
  return {
    ...io && { blockIo: io },
    ...memory && { memory },
    ...deviceRules && {
      deviceRules: deviceRules.map((rule) => parseDeviceRule(rule)),
    },
  };
}

/** No runtime needs to know: the kernel has a parameter for it. */
function domainName(
  { domainName }: AskedSettings,
  host: Host,
): Readonly<Record<string, string>> {
  if (domainName === undefined) return {};
  if (host.facts().inUserNamespace) {
    throw failedPrecondition(
      `Cannot set domain name "${domainName}": only root may write the ` +
        `kernel parameter for it, ${DOMAIN_NAME}`,
      { hint: "Add it to the host name: --hostname NAME.DOMAIN" },
    );
  }
  return { [DOMAIN_NAME]: domainName };
}
