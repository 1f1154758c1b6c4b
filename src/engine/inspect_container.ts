/** All there is to know about a container, in the form of docker's API. */

import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import { restartsTold } from "./restart_policy.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import type { ImageConfig } from "../oci/image_spec.ts";
import {
  containerName,
  containerSpec,
  type ContainerSpecView,
  findContainer,
} from "./inspect_find.ts";
import { hasInit } from "./inspect_asked.ts";
import { type ConfigSources, shownConfig } from "./inspect_config.ts";
import { hostConfig } from "./inspect_host_config.ts";
import { detailedMounts } from "./inspect_mount_details.ts";
import { NO_ADDRESS, NO_ENDPOINT } from "./inspect_no_network.ts";
import type { ContainerSize } from "./inspect_size.ts";
import { type ContainerStatus, containerStatus } from "./inspect_state.ts";
import { containerDirectory } from "./life_deps.ts";

export interface InspectDeps {
  readonly services: Services;
  readonly containersPath: string;
}

/** The part of docker's `GET /containers/{id}/json` that has a meaning here. */
export type ContainerInspection = ReturnType<typeof inspection>;

export interface InspectOptions {
  /** Absent: looking at every file of its own takes time. */
  readonly sizes?: "show";
}

/** @throws {EngineError} `notFound` */
export async function inspectContainer(
  ctx: Context,
  deps: InspectDeps,
  text: string,
  { sizes }: InspectOptions = {},
): Promise<ContainerInspection> {
  const { services } = deps;
  const container = await findContainer(ctx, services, text);
  const directory = containerDirectory(deps, ctx.namespace, container.id);
  return inspection({
    container,
    spec: await containerSpec(ctx, services, container) ?? {},
    settings: settingsOf(container),
    status: await containerStatus(ctx, services, container),
    image: await readImage(ctx, services, container),
    size: sizes === "show"
      ? await readSize(ctx, services, container)
      : undefined,
    directory,
  });
}

// Lists need other parts of this file, and none of what these load.

async function readImage(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<ImageConfig | undefined> {
  const { imageConfigOf } = await import("./inspect_image_config.ts");
  return await imageConfigOf(ctx, services, container);
}

async function readSize(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<ContainerSize | undefined> {
  const { sizeReader } = await import("./inspect_size.ts");
  return await sizeReader(services)(ctx, container);
}

interface Inspected extends ConfigSources {
  readonly status: ContainerStatus;
  readonly size: ContainerSize | undefined;
  /** Of its files. */
  readonly directory: string;
}

function inspection(inspected: Inspected) {
  const { container, spec, settings, status, size, directory } = inspected;
  const { args: all = [] } = spec.process ?? {};
  // Without the init program and its `--`, as docker shows it.
  const [path = "", ...args] = hasInit(spec) ? all.slice(2) : all;
  return {
    Id: container.id,
    Created: container.createdAt.toISOString(),
    Path: path,
    Args: args,
    State: shownState(status),
    Image: settings?.imageId ?? container.image,
    ResolvConfPath: sourceOf(spec, "/etc/resolv.conf"),
    HostnamePath: sourceOf(spec, "/etc/hostname"),
    HostsPath: sourceOf(spec, "/etc/hosts"),
    LogPath: settings?.log.driver === "json-file"
      ? `${directory}/${container.id}-json.log`
      : "",
    /** With a slash in front, as docker's. */
    Name: `/${containerName(container)}`,
    RestartCount: Math.max(
      status.task.restartCount,
      restartsTold(container.labels),
    ),
    Driver: container.snapshotter,
    Platform: "linux",
    Runtime: settings?.asked?.runtime ?? container.runtime.name,
    MountLabel: spec.linux?.mountLabel ?? "",
    ProcessLabel: spec.process?.selinuxLabel ?? "",
    AppArmorProfile: spec.process?.apparmorProfile ?? "",
    ExecIDs: null,
    Mounts: detailedMounts(spec, settings?.words),
    Config: shownConfig(inspected),
    HostConfig: hostConfig(container, spec, settings),
    GraphDriver: {
      Name: container.snapshotter,
      Data: { SnapshotKey: container.snapshotKey },
    },
    SnapshotKey: container.snapshotKey,
    ...size === undefined
      ? {}
      : { SizeRw: size.writtenBytes, SizeRootFs: size.totalBytes },
    NetworkSettings: {
      ...NO_ENDPOINT,
      Ports: {},
      Networks: { [settings?.network ?? "host"]: NO_ADDRESS },
    },
  };
}

const NEVER = "0001-01-01T00:00:00Z";

function shownState({ state, task }: ContainerStatus) {
  const { health } = task;
  return {
    Status: state,
    Running: state === "running" || state === "paused" ||
      state === "restarting",
    Paused: state === "paused",
    Restarting: state === "restarting",
    OOMKilled: task.oomKilled,
    Dead: false,
    Pid: state === "running" || state === "paused" ? task.pid : 0,
    ExitCode: state === "running" || state === "paused"
      ? 0
      : task.exit?.exitCode ?? 0,
    Error: task.error ?? "",
    StartedAt: task.startedAt ?? NEVER,
    FinishedAt: task.startedAt === undefined
      ? NEVER
      : task.exit?.exitedAt ?? NEVER,
    /** Not docker's: nobody saw it end, and 137 is a guess. */
    ...state === "exited" && task.exit?.certainty === "guessed"
      ? { ExitCodeGuessed: true }
      : {},
    /** Not docker's: why the log lacks something. */
    ...task.logError === undefined ? {} : { LogError: task.logError },
    ...health === undefined ? {} : {
      Health: {
        Status: health.status,
        FailingStreak: health.failingStreak,
        Log: health.log.map(({ start, end, exitCode, output }) => ({
          Start: start,
          End: end,
          ExitCode: exitCode,
          Output: output,
        })),
      },
    },
  };
}

function sourceOf(spec: ContainerSpecView, target: string): string {
  return spec.mounts?.find(({ destination }) => destination === target)
    ?.source ?? "";
}
