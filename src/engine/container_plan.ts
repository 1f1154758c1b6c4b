/** Deciding on a container, before anything of it exists. */

import type { Context } from "../base/context.ts";
import { invalidArgument } from "../base/errors.ts";
import { signalNumber, SIGNALS } from "../base/signals.ts";
import type { NewContainer } from "../core/container.ts";
import {
  type AskedSettings,
  type ContainerSettings,
  jsonExtension,
  type NameSettings,
  SETTINGS_EXTENSION,
} from "../core/container_settings.ts";
import type { Host } from "../core/host.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import type { BundleRecord } from "../core/task.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import { askedWords } from "./asked_words.ts";
import { checkName } from "./container_name.ts";
import { checkCpuRange } from "./cpu_range.ts";
import type { CreateDeps } from "./life_deps.ts";
import { healthCheck } from "./options/health.ts";
import { ensureImage } from "./run_image.ts";
import type { RunOptions } from "./run_options.ts";

/** A container that is decided on, of which nothing exists yet. */
export interface ContainerPlan {
  readonly id: string;
  /** Of the image; empty for a plain directory. */
  readonly config: ContainerConfig;
  readonly settings: ContainerSettings;
  readonly container: NewContainer;
  readonly snapshotter: Snapshotter | undefined;
  /** Name of the image's top snapshot; empty for a plain directory. */
  readonly parent: string;
}

/** Docker's: how long a container has to end. */
export const DEFAULT_STOP_TIMEOUT_SECONDS = 10;

/**
 * Finds or pulls the image.
 * @throws {EngineError} `alreadyExists` if the name is taken
 */
export async function planContainer(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  id: string,
): Promise<ContainerPlan> {
  const { services } = deps;
  checkTogether(options);
  checkCpuRange(options.resources, () => services.host.facts());
  if (options.name !== undefined) await checkName(ctx, services, options.name);
  const { source } = options;
  const image = source.kind === "image"
    ? await ensureImage(ctx, services, source, deps.pull)
    : undefined;
  const config = image?.config.config ?? {};
  const settings = {
    ...containerSettings(options, config, id, services.host),
    ...image === undefined ? {} : { imageId: image.id },
  };
  const container: NewContainer = {
    id,
    labels: labelsOf(options, config),
    image: image?.name ?? "",
    runtime: { name: runtimeFor(services, options) },
    extensions: {
      [SETTINGS_EXTENSION]: jsonExtension(SETTINGS_EXTENSION, settings),
    },
    ...image === undefined
      ? {}
      : { snapshotter: services.defaultSnapshotter, snapshotKey: id },
  };
  return {
    id,
    config,
    settings,
    container,
    snapshotter: image === undefined
      ? undefined
      : services.snapshotters.get(services.defaultSnapshotter),
    parent: image?.snapshot ?? "",
  };
}

/** As `bundleRecord()` will say, before the image is known. */
export function expectedRecord(
  { namespace }: Context,
  services: Services,
  options: RunOptions,
  id: string,
): BundleRecord {
  const isImage = options.source.kind === "image";
  return {
    id,
    namespace,
    runtime: runtimeFor(services, options),
    snapshotter: isImage ? services.defaultSnapshotter : "",
    snapshotKey: isImage ? id : "",
    removal: options.removal,
  };
}

function runtimeFor(
  { tasks }: Pick<Services, "tasks">,
  { runtime }: RunOptions,
): string {
  return runtime ?? tasks.defaultRuntime;
}

/** For whoever has to clean up after a killed process. */
export function bundleRecord(
  ctx: Context,
  { id, container, settings }: ContainerPlan,
  removal: BundleRecord["removal"] = settings.removal,
): BundleRecord {
  return {
    id,
    namespace: ctx.namespace,
    runtime: container.runtime.name,
    snapshotter: container.snapshotter ?? "",
    snapshotKey: container.snapshotKey ?? "",
    removal,
  };
}

/** @throws {EngineError} `invalidArgument` */
function checkTogether(
  { removal, restart, hostname, namespaces }: RunOptions,
): void {
  if (hostname !== undefined && namespaces.uts === "host") {
    throw invalidArgument("conflicting options: hostname and the UTS mode");
  }
  if (removal === "onExit" && restart.kind !== "no") {
    throw invalidArgument(
      "conflicting options: cannot specify both --restart and --rm",
    );
  }
}

function labelsOf(
  options: RunOptions,
  config: ContainerConfig,
): Readonly<Record<string, string>> {
  return {
    ...config.Labels,
    ...options.labels,
    ...options.name === undefined
      ? {}
      : { [LABEL.containerName]: options.name },
  };
}

function containerSettings(
  options: RunOptions,
  config: ContainerConfig,
  id: string,
  host: Host,
): ContainerSettings {
  const health = healthCheck(options.health, config);
  const entrypoint = options.entrypoint ?? config.Entrypoint;
  const command = options.command.length > 0 || options.entrypoint !== undefined
    ? options.command
    : config.Cmd;
  return {
    removal: options.removal,
    stdio: options.stdio,
    stdin: options.stdin,
    ...options.attached.length === 0 ? {} : { attached: options.attached },
    restart: options.restart,
    log: options.log,
    ...health === undefined ? {} : { health },
    stopSignal: stopSignal(options.stopSignal ?? config.StopSignal),
    stopTimeoutSeconds: options.stopTimeoutSeconds ??
      DEFAULT_STOP_TIMEOUT_SECONDS,
    hostname: hostnameOf(options, id, host),
    network: options.network.mode,
    names: namesOf(options.network),
    ...entrypoint ? { entrypoint } : {},
    ...command ? { command } : {},
    ...options.source.kind === "image"
      ? { imageReference: options.source.reference }
      : {},
    ...askedOf(options),
    words: askedWords(options, config),
  };
}

/** What inspect shows as it was asked for. */
function askedOf({ runtime, groupAdd, devices, rare }: RunOptions) {
  const asked: AskedSettings = {
    ...rare,
    ...runtime === undefined ? {} : { runtime },
    ...groupAdd.length === 0 ? {} : { groups: groupAdd },
    ...devices.length === 0 ? {} : { devices },
  };
  return Object.keys(asked).length === 0 ? {} : { asked };
}

/** Without what of the network is elsewhere. */
function namesOf(
  { dns, dnsSearch, dnsOptions, extraHosts }: NameSettings,
): NameSettings {
  return { dns, dnsSearch, dnsOptions, extraHosts };
}

function stopSignal(text: string | undefined): number {
  return text === undefined || text === ""
    ? SIGNALS.SIGTERM
    : signalNumber(text);
}

/** Who shares the host's network, and says so, goes by the host's name. */
function hostnameOf(options: RunOptions, id: string, host: Host): string {
  if (options.hostname !== undefined) return options.hostname;
  const sharesName = options.namespaces.uts === "host" ||
    (options.network.chosen && options.network.mode === "host");
  return sharesName ? host.facts().hostname : id.slice(0, 12);
}
