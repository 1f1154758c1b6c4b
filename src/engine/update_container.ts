/** Changes the limits or the restart policy of a container. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import {
  type ContainerSettings,
  jsonExtension,
  type RestartPolicy,
  SETTINGS_EXTENSION,
  settingsOf,
} from "../core/container_settings.ts";
import { noControlGroup } from "../core/control_group.ts";
import type { Services } from "../core/services.ts";
import type { Task } from "../core/task.ts";
import type { Spec, SpecResources } from "../oci/runtime_spec.ts";
import type { ResourceRequest } from "../oci/spec/request.ts";
import { parseSpec, serializeSpec } from "../oci/spec/serialize.ts";
import { recordParts } from "./container_record.ts";
import { checkCpuRange } from "./cpu_range.ts";
import { containerName } from "./inspect_find.ts";
import { containerStatus, isAlive } from "./inspect_state.ts";
import { whyUnusable } from "./why_unusable.ts";

export interface ContainerChanges {
  readonly resources: ResourceRequest;
  readonly restart?: RestartPolicy;
}

/**
 * What runs is changed first: what the kernel refuses is not written down.
 * @param container with its spec
 */
export async function updateContainer(
  ctx: Context,
  services: Services,
  container: Container,
  { resources, restart }: ContainerChanges,
): Promise<void> {
  checkCpuRange(resources, () => services.host.facts());
  const status = await containerStatus(ctx, services, container);
  const ref = { namespace: ctx.namespace, id: container.id };
  const task = isAlive(status)
    ? await services.tasks.find(ctx, ref)
    : undefined;
  if (Object.keys(resources).length > 0) {
    await changeLimits(ctx, services, container, task, resources);
  }
  const settings = settingsOf(container);
  const changed = settings && withProcessors(settings, resources);
  if (restart !== undefined) {
    await changeRestart(ctx, services, container, changed, task, restart);
  } else if (changed !== undefined && changed !== settings) {
    await recordSettings(ctx, services, container, changed);
  }
}

/** The last word on processors counts, for those who ask what it was. */
function withProcessors(
  settings: ContainerSettings,
  { milliCpus, cpu }: ResourceRequest,
): ContainerSettings {
  const { words } = settings;
  const isSaid = cpu?.quota !== undefined || cpu?.period !== undefined;
  if (words === undefined || !isSaid) return settings;
  const { milliCpus: _, ...others } = words;
  const said = milliCpus === undefined ? {} : { milliCpus };
  return { ...settings, words: { ...others, ...said } };
}

async function changeLimits(
  ctx: Context,
  services: Services,
  container: Container,
  task: Task | undefined,
  changes: ResourceRequest,
): Promise<void> {
  // Where none runs, nobody else would tell until it can't be started.
  if (!services.host.facts().cgroupsWritable) {
    throw noControlGroup(`update container "${containerName(container)}"`);
  }
  if (container.spec === undefined) throw unchangeable(container);
  const spec = parseSpec(new TextDecoder().decode(container.spec.value));
  const limits = merged(spec.linux?.resources ?? {}, changes);
  const { devices: _, ...changed } = limits;
  await task?.update(ctx, withoutSwap(changed, services));
  const { linux = { namespaces: [] } } = spec;
  const next: Spec = { ...spec, linux: { ...linux, resources: limits } };
  await recordParts(ctx, services, container.id, { spec: serializeSpec(next) });
}

function merged(
  { memory, cpu, pids, ...others }: SpecResources,
  changes: ResourceRequest,
): SpecResources {
  const { pidsLimit } = changes;
  const blockIO = { ...others.blockIO, ...changes.blockIo };
  const given = pidsLimit === undefined ? pids : { limit: pidsLimit };
  const all = {
    memory: { ...memory, ...changes.memory },
    cpu: { ...cpu, ...changes.cpu },
  };
  return {
    ...others,
    ...Object.keys(all.memory).length === 0 ? {} : { memory: all.memory },
    ...Object.keys(all.cpu).length === 0 ? {} : { cpu: all.cpu },
    ...given === undefined ? {} : { pids: given },
    ...Object.keys(blockIO).length === 0 ? {} : { blockIO },
  };
}

/** A kernel that doesn't count swap refuses to limit it. */
function withoutSwap(
  resources: SpecResources,
  { host }: Services,
): SpecResources {
  if (resources.memory === undefined || host.facts().swapLimit()) {
    return resources;
  }
  const { swap: _, ...memory } = resources.memory;
  return { ...resources, memory };
}

async function changeRestart(
  ctx: Context,
  services: Services,
  container: Container,
  settings: ContainerSettings | undefined,
  task: Task | undefined,
  restart: RestartPolicy,
): Promise<void> {
  if (settings === undefined) throw unchangeable(container);
  if (settings.removal === "onExit" && restart.kind !== "no") {
    throw failedPrecondition(
      "Restart policy cannot be updated because AutoRemove is enabled for " +
        "the container",
    );
  }
  // In the foreground it ends with its command, whatever the policy.
  if (task?.keeping === "shim") await task.setRestartPolicy(ctx, restart);
  await recordSettings(ctx, services, container, { ...settings, restart });
}

async function recordSettings(
  ctx: Context,
  services: Services,
  { id }: Container,
  settings: ContainerSettings,
): Promise<void> {
  await services.containers.update(ctx, {
    id,
    runtime: { name: "" },
    extensions: {
      [SETTINGS_EXTENSION]: jsonExtension(SETTINGS_EXTENSION, settings),
    },
  }, [`extensions.${SETTINGS_EXTENSION}`]);
}

function unchangeable(container: Container) {
  return failedPrecondition(
    `Cannot update container "${containerName(container)}": ` +
      whyUnusable(container),
  );
}
