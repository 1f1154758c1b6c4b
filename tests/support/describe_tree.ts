import { Directory } from "../../src/sys/walk.ts";
import type { FileStatus } from "../../src/sys/walk_status.ts";

/**
 * A line for each file in a tree, with all that can be changed about it: kind,
 * mode, owner, times, number of names, xattrs, target and content. Nothing at
 * `path` gives a line that says so.
 *
 * @param root a directory, or a file
 */
export function describeTree(root: string): string[] {
  const slash = root.lastIndexOf("/");
  using parent = Directory.open(root.slice(0, slash) || "/");
  return [...describe(parent, root.slice(slash + 1), "")];
}

function* describe(
  parent: Directory,
  name: string,
  path: string,
): Generator<string> {
  const status = parent.status(name);
  if (status === undefined) {
    yield `${path}: nothing`;
    return;
  }
  yield `${path}: ${JSON.stringify(facts(parent, name, status))}`;
  if (status.kind !== "directory") return;
  using directory = parent.child(name);
  for (const child of directory.names()) {
    yield* describe(directory, child, `${path}/${child}`);
  }
}

function facts(
  parent: Directory,
  name: string,
  status: FileStatus,
): Record<string, unknown> {
  const { kind, mode, uid, gid, mtime, links, devMajor, devMinor } = status;
  return {
    kind,
    mode: mode.toString(8),
    uid,
    gid,
    mtime: `${mtime.sec}.${mtime.nsec}`,
    links,
    device: `${devMajor}:${devMinor}`,
    xattrs: [...parent.attributes(name)].map(([key, value]) =>
      `${key}=${value.toHex()}`
    ).sort(),
    target: kind === "symlink" ? parent.linkTarget(name) : undefined,
    content: kind === "file" ? contentOf(parent, name) : undefined,
  };
}

function contentOf(parent: Directory, name: string): string {
  using file = parent.file(name);
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (let length; (length = file.read(buffer)) > 0;) {
    text += String.fromCharCode(...buffer.subarray(0, length));
  }
  return text;
}
