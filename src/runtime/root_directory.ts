import type { RootDirectory, RootEntry } from "../core/host.ts";
import { Root } from "../sys/in_root.ts";

/** Largest file that is read from a container's root, bytes. */
const MAX_BYTES = 8 * 1024 * 1024;

/** As many as the kernel follows. */
const MAX_LINKS = 40;

/** @param path of the root file system on the host */
export function openRootDirectory(path: string): RootDirectory {
  return new LocalRootDirectory(new Root(path));
}

class LocalRootDirectory implements RootDirectory {
  readonly #root: Root;

  constructor(root: Root) {
    this.#root = root;
  }

  readText(path: string, maxBytes = MAX_BYTES): string | undefined {
    using found = this.#root.find(path);
    if (found === undefined) return undefined;
    const info = Deno.statSync(found.path);
    // Not a fifo, at which an image could make us wait for ever.
    if (!info.isFile || info.size > maxBytes) return undefined;
    return Deno.readTextFileSync(found.path);
  }

  stat(path: string): RootEntry | undefined {
    using found = this.#root.find(path);
    if (found === undefined) return undefined;
    const info = Deno.statSync(found.path);
    return {
      kind: info.isFile ? "file" : info.isDirectory ? "directory" : "other",
      mode: (info.mode ?? 0) & 0o7777,
    };
  }

  resolve(path: string): string {
    let resolved = "";
    let left = path.split("/");
    for (let links = 0; left.length > 0;) {
      const [name = "", ...rest] = left;
      left = rest;
      if (name === "" || name === ".") continue;
      const target = name === ".." ? undefined : this.#link(resolved, name);
      if (target === undefined || ++links > MAX_LINKS) {
        resolved = name === ".." ? parentOf(resolved) : `${resolved}/${name}`;
        continue;
      }
      if (target.startsWith("/")) resolved = "";
      left = [...target.split("/"), ...left];
    }
    return resolved || "/";
  }

  /** Where the link `name` leads; undefined if it is none. */
  #link(directory: string, name: string): string | undefined {
    using found = this.#root.find(directory || "/");
    if (found === undefined) return undefined;
    try {
      return Deno.readLinkSync(`${found.path}/${name}`);
    } catch {
      return undefined;
    }
  }

  makeDirectory(path: string): void {
    if (path !== "/") this.#root.makeDirectories(path);
  }

  async copyOut(path: string, target: string): Promise<boolean> {
    using found = this.#root.find(path);
    if (found === undefined || !isDirectory(found.path)) return false;
    const { copyTree } = await import("../sys/copy_tree.ts");
    // The magic link itself would be copied, not what it points at.
    await copyTree(realPath(found.path), target);
    return true;
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function isDirectory(path: string): boolean {
  return Deno.statSync(path).isDirectory;
}

function realPath(path: string): string {
  return Deno.readLinkSync(path);
}
