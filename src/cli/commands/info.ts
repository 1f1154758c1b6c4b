import type { Invocation } from "../command.ts";
import { printObject } from "../format/object.ts";

/** `coracle info`, `coracle system info` */
export async function run(inv: Invocation): Promise<number> {
  const { services, paths } = await inv.store();
  const { VERSION } = await import("../../app/self.ts");
  const info = {
    ServerVersion: VERSION,
    Containers: await count(services.containers.list(inv.ctx)),
    Images: await count(services.images.list(inv.ctx)),
    Namespace: inv.ctx.namespace,
    Driver: services.defaultSnapshotter,
    Snapshotters: [...services.snapshotters.keys()],
    Runtime: inv.global.runtime ?? "runc",
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
    printObject(inv.stdout, info, format);
    return 0;
  }
  const width = Math.max(...Object.keys(info).map((key) => key.length));
  for (const [key, value] of Object.entries(info)) {
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    inv.stdout.line(`${`${key}:`.padEnd(width + 2)}${text}`);
  }
  return 0;
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
