/** All there is to know about a container, in the form of docker's API. */

import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import {
  containerName,
  containerSpec,
  type ContainerSpecView,
  findContainer,
} from "./inspect_find.ts";
import { type ContainerState, containerState } from "./inspect_state.ts";

/** @throws {EngineError} `notFound` */
export async function inspectContainer(
  ctx: Context,
  services: Services,
  text: string,
): Promise<ContainerInspection> {
  const container = await findContainer(ctx, services, text);
  const spec = await containerSpec(ctx, services, container) ?? {};
  const state = containerState(container);
  const [path = "", ...args] = spec.process?.args ?? [];
  return {
    Id: container.id,
    Created: container.createdAt.toISOString(),
    Path: path,
    Args: args,
    State: shownState(state),
    Image: container.image,
    Name: `/${containerName(container)}`,
    Driver: container.snapshotter,
    Platform: "linux",
    Runtime: container.runtime.name,
    Mounts: shownMounts(spec),
    Config: shownConfig(container, spec),
    HostConfig: {
      ReadonlyRootfs: spec.root?.readonly ?? false,
      Memory: spec.linux?.resources?.memory?.limit ?? 0,
      PidsLimit: spec.linux?.resources?.pids?.limit ?? null,
      CgroupParent: spec.linux?.cgroupsPath ?? "",
      Runtime: container.runtime.name,
    },
    GraphDriver: {
      Name: container.snapshotter,
      Data: { SnapshotKey: container.snapshotKey },
    },
    SnapshotKey: container.snapshotKey,
  };
}

/** The part of docker's `GET /containers/{id}/json` that has a meaning here. */
export interface ContainerInspection {
  readonly Id: string;
  readonly Created: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly State: ReturnType<typeof shownState>;
  readonly Image: string;
  /** With a slash in front, as docker's. */
  readonly Name: string;
  readonly Driver: string;
  readonly Platform: string;
  readonly Runtime: string;
  readonly Mounts: ReturnType<typeof shownMounts>;
  readonly Config: ReturnType<typeof shownConfig>;
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly Memory: number;
    readonly PidsLimit: number | null;
    readonly CgroupParent: string;
    readonly Runtime: string;
  };
  readonly GraphDriver: {
    readonly Name: string;
    readonly Data: Readonly<Record<string, string>>;
  };
  readonly SnapshotKey: string;
}

const NEVER = "0001-01-01T00:00:00Z";

function shownState(state: ContainerState) {
  return {
    Status: state.status,
    Running: state.status === "running",
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: state.status === "exited" ? state.exitCode : 0,
    Error: "",
    StartedAt: NEVER,
    FinishedAt: state.status === "exited"
      ? state.exitedAt?.toISOString() ?? NEVER
      : NEVER,
  };
}

/** Files that every container gets, bound from its bundle. */
const GENERATED = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/** What the user mounted: not what every container has. */
function shownMounts(spec: ContainerSpecView) {
  const isBind = (type: string | undefined, options: readonly string[]) =>
    type === "bind" || options.includes("bind") || options.includes("rbind");
  return (spec.mounts ?? [])
    .filter(({ type, options = [] }) => isBind(type, options))
    .filter(({ destination, source = "" }) =>
      !(GENERATED.includes(destination) && source.includes("/bundles/"))
    )
    .map(({ destination, source = "", options = [] }) => ({
      Type: "bind",
      Source: source,
      Destination: destination,
      Mode: options.join(","),
      RW: !options.includes("ro"),
    }));
}

function shownConfig(container: Container, spec: ContainerSpecView) {
  const { user } = spec.process ?? {};
  return {
    Hostname: spec.hostname ?? "",
    User: user === undefined ? "" : `${user.uid ?? 0}:${user.gid ?? 0}`,
    Tty: spec.process?.terminal ?? false,
    Env: spec.process?.env ?? [],
    Cmd: spec.process?.args ?? [],
    Image: container.image,
    WorkingDir: spec.process?.cwd ?? "",
    Labels: userLabels(container),
    Annotations: spec.annotations ?? {},
  };
}

/** Labels without our own. */
export function userLabels(container: Container): Record<string, string> {
  return Object.fromEntries(
    Object.entries(container.labels)
      .filter(([key]) =>
        !/^(?:coracle|coracle\.io|containerd\.io)\//.test(key)
      ),
  );
}
