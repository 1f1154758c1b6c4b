/** A bundle with busybox for an OCI runtime, and what it leaves in cgroups. */

import { writeBusyboxRoot } from "./run_image.ts";
import { isThere } from "../../src/sys/is_there.ts";

export interface BundleSpec {
  readonly script: string;
  /** `/PREFIX/ID` */
  readonly cgroup: string;
  readonly terminal?: "terminal";
  readonly memoryBytes?: number;
}

/** Fills `rootfs`, with a directory `/out`. */
export function fillRootfs(rootfs: string): void {
  writeBusyboxRoot(rootfs);
  Deno.mkdirSync(`${rootfs}/out`);
}

/** Contents of `config.json`. */
export function specFor(
  { script, cgroup, terminal, memoryBytes }: BundleSpec,
): string {
  return JSON.stringify({
    ociVersion: "1.0.2",
    process: {
      terminal: terminal === "terminal",
      args: ["/bin/sh", "-c", script],
      cwd: "/",
      env: ["PATH=/bin", "WORD=boat"],
      user: { uid: 0, gid: 0 },
    },
    root: { path: "rootfs" },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs" },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["newinstance", "ptmxmode=0666"],
      },
    ],
    linux: {
      cgroupsPath: cgroup,
      ...memoryBytes === undefined
        ? {}
        : { resources: { memory: { limit: memoryBytes, swap: memoryBytes } } },
      namespaces: ["pid", "mount", "ipc", "uts", "network"]
        .map((type) => ({ type })),
    },
  });
}

/** Directories of a cgroup: of v1, where each controller has one, and of v2. */
export function cgroupDirectories(path: string): readonly string[] {
  const root = "/sys/fs/cgroup";
  const names = [...Deno.readDirSync(root)].map(({ name }) => `/${name}`);
  return ["", ...names].map((name) => `${root}${name}${path}`)
    .filter((directory) => isThere(`${directory}/cgroup.procs`));
}
