/** The machine that this process runs on. */

import { invalidArgument, notFound } from "../base/errors.ts";
import { hostPlatform } from "../base/platform.ts";
import type { Host, RootDirectory } from "../core/host.ts";
import type { SpecDevice } from "../oci/runtime_spec.ts";
import type { HostFacts } from "../oci/spec/facts.ts";
import { lockFile } from "../sys/lock_file.ts";
import { mayExist } from "../sys/may_exist.ts";
import { removeTree } from "../sys/remove_tree.ts";
import { readDevice, readDevices } from "./devices.ts";
import { collectFacts } from "./host_facts.ts";
import { openRootDirectory } from "./root_directory.ts";

interface HostDeps {
  readonly env: (name: string) => string | undefined;
}

const DEFAULT_PATH =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function createHost(deps: HostDeps): Host {
  return new LocalHost(deps);
}

class LocalHost implements Host {
  readonly #deps: HostDeps;
  #facts: HostFacts | undefined;

  constructor(deps: HostDeps) {
    this.#deps = deps;
  }

  facts(): HostFacts {
    return this.#facts ??= collectFacts(
      hostPlatform(Deno.build).architecture,
      () => this.deviceNodes("/dev"),
    );
  }

  readText(path: string): string | undefined {
    try {
      return Deno.readTextFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  writeText(path: string, text: string): void {
    Deno.writeTextFileSync(path, text);
  }

  findProgram(names: readonly string[]): string | undefined {
    // Ordinary users often lack the directories for administrators.
    const path = `${this.#deps.env("PATH") ?? ""}:${DEFAULT_PATH}`;
    const directories = path.split(":").filter((part) => part.startsWith("/"));
    return names
      .flatMap((name) => directories.map((directory) => `${directory}/${name}`))
      .find((path) => isProgram(path));
  }

  exists(path: string): boolean {
    try {
      Deno.lstatSync(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  makeDirectory(path: string): void {
    Deno.mkdirSync(path, { recursive: true, mode: 0o755 });
  }

  removeDirectory(path: string): void {
    removeTree(path);
  }

  rename(from: string, to: string): void {
    Deno.renameSync(from, to);
  }

  lock(path: string): Promise<Disposable> {
    this.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    return lockFile(path);
  }

  deviceNodes(path: string): readonly SpecDevice[] {
    let info: Deno.FileInfo;
    try {
      info = Deno.statSync(path);
    } catch (cause) {
      throw notFound("device", path, { cause });
    }
    if (info.isDirectory) return readDevices(path);
    const device = readDevice(path, info);
    if (device !== undefined) return [device];
    throw invalidArgument(`Cannot use "${path}": not a device node`);
  }

  openRoot(path: string): RootDirectory {
    return openRootDirectory(path);
  }
}

function isProgram(path: string): boolean {
  if (!mayExist(path)) return false;
  try {
    const info = Deno.statSync(path);
    return info.isFile && ((info.mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory;
}
