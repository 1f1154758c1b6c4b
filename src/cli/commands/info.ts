import { DEFAULT_LOG_DRIVER } from "../../base/container_log/settings.ts";
import type { Context } from "../../base/context.ts";
import type { Services } from "../../core/services.ts";
import { containerStatus } from "../../engine/inspect_state.ts";
import type { Invocation } from "../command.ts";
import { printObject } from "../format/object.ts";
import { serverVersion } from "../server_version.ts";

/** `coracle info`, `coracle system info` */
export async function run(inv: Invocation): Promise<number> {
  const { services, paths } = await inv.store();
  const { VERSION } = await import("../../app/self.ts");
  const info = {
    ServerVersion: await serverVersion(inv) ?? VERSION,
    ...await containerCounts(inv.ctx, services),
    Images: await count(services.images.list(inv.ctx)),
    Namespace: inv.ctx.namespace,
    Driver: services.defaultSnapshotter,
    Snapshotters: [...services.snapshotters.keys()],
    Runtime: inv.global.runtime ?? "runc",
    LoggingDriver: DEFAULT_LOG_DRIVER,
    CgroupVersion: services.host.facts().cgroupVersion === "v2" ? "2" : "1",
    RootDir: paths.root,
    StateDir: paths.state,
    KernelVersion: Deno.osRelease(),
    OperatingSystem: operatingSystem(),
    OSType: Deno.build.os,
    Architecture: Deno.build.arch,
    NCPU: navigator.hardwareConcurrency,
    MemTotal: Deno.systemMemoryInfo().total,
    Name: Deno.hostname(),
  };
  const format = inv.flags.string("format");
  if (format !== undefined) {
    // For templates that were written for docker.
    printObject(inv.stdout, { ...info, DockerRootDir: paths.root }, format);
    return 0;
  }
  const width = Math.max(...Object.keys(info).map((key) => key.length));
  for (const [key, value] of Object.entries(info)) {
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    inv.stdout.line(`${`${key}:`.padEnd(width + 2)}${text}`);
  }
  return 0;
}

async function containerCounts(ctx: Context, services: Services) {
  const states: string[] = [];
  for await (const container of services.containers.list(ctx)) {
    states.push((await containerStatus(ctx, services, container)).state);
  }
  const inState = (...wanted: readonly string[]) =>
    states.filter((state) => wanted.includes(state)).length;
  return {
    Containers: states.length,
    ContainersRunning: inState("running", "restarting"),
    ContainersPaused: inState("paused"),
    ContainersStopped: inState("created", "exited"),
  };
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let total = 0;
  for await (const _ of items) total++;
  return total;
}

function operatingSystem(): string {
  try {
    const text = Deno.readTextFileSync("/etc/os-release");
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? "Linux";
  } catch {
    return "Linux";
  }
}
