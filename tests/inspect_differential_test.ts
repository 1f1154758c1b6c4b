/**
 * The same containers made by docker 20.10 and by us, field by field of what
 * `inspect` says of them. Each difference is in `KNOWN`, with its reason.
 */

import { assertEquals } from "@std/assert";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { type Dockerd, hasDockerd, openDockerd } from "./support/dockerd.ts";
import { openRunStore, type RunStore } from "./support/run_store.ts";

const IMAGE = "crew/sloop";

/** Of the image. */
const CHANGES: readonly string[] = [
  ...["ENV PATH=/bin", "ENV FOO=image", "USER 1000", "WORKDIR /srv"],
  ...['CMD ["sleep","9"]', "EXPOSE 80/tcp", "VOLUME /data", "LABEL a=image"],
  "HEALTHCHECK --interval=7s CMD true",
];

/** Flags, image and command; DIR is a directory of the host. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  plain: [IMAGE],
  words: [
    ...["-e", "Z=1", "-e", "FOO=mine", "-e", "NONE", "-w", "/tmp//x/"],
    ...["-u", "1000:20", "--hostname", "web", "--domainname", "sea"],
    ...["--entrypoint", "/bin/sh", "--label", "b=c", "--label", "a"],
    ...["--stop-signal", "USR1", "--stop-timeout", "3", "--expose", "53/udp"],
    ...["--restart", "on-failure:3", IMAGE, "-c", "true"],
  ],
  bare: [
    ...["--entrypoint", "", "--init", "--no-healthcheck", "--rm", "-it"],
    ...["--ipc", "none", "--security-opt", "systempaths=unconfined"],
    ...["--network", "none", "--shm-size", "0", IMAGE, "true"],
  ],
  mounts: [
    ...["-v", "DIR:/b:rslave,ro", "-v", "cargo:/cargo:nocopy", "-v", "/anon"],
    ...["--mount", "type=bind,src=DIR,dst=/mb,bind-propagation=rslave"],
    ...["--mount", "type=volume,src=hold,dst=/mv,volume-nocopy,readonly"],
    ...["--mount", "type=tmpfs,dst=/mt,tmpfs-size=1m,tmpfs-mode=700"],
    ...["--mount", "type=volume,dst=/mn", "--tmpfs", "/t:size=1m,exec"],
    ...["--tmpfs", "/u", "--read-only", IMAGE],
  ],
  limits: [
    ...["--memory", "64m", "--memory-reservation", "32m", "--cpus", "0.5"],
    ...["--ulimit", "nofile=10:20", "--ulimit", "core=-1", "--pids-limit"],
    ...["50", "--cpu-shares", "7", "--cpuset-cpus", "0", "--oom-score-adj"],
    ...["500", "--health-retries", "2", "--health-timeout", "2s", IMAGE],
  ],
  quota: [
    ...["--cpu-period", "100000", "--cpu-quota", "25000", "--memory", "64m"],
    ...["--memory-swap", "-1", "--pids-limit", "-1", "--cgroup-parent"],
    ...["/coracle/parent", "--sysctl", "net.ipv4.ip_forward=1", IMAGE],
  ],
  rights: [
    ...["--cap-add", "CAP_NET_ADMIN", "--cap-drop", "ALL", "--group-add", "9"],
    ...["--device", "/dev/null:/dev/nil:rw", "--security-opt"],
    ...["no-new-privileges", "--dns", "192.0.2.1", "--add-host", "a:192.0.2.2"],
    ...["--log-opt", "max-size=1m", IMAGE],
  ],
  privileged: [
    ...["--privileged", "--pid", "host", "--uts", "host", "--network"],
    ...["host", "--ulimit", "nproc=5", IMAGE],
  ],
};

interface Known {
  readonly path: RegExp;
  readonly why: string;
}

const KNOWN: readonly Known[] = [
  {
    path: /^(Id|Created|Config\.Hostname)$/,
    why: "Each has its own",
  },
  {
    path: /^(ResolvConfPath|HostnamePath|HostsPath|LogPath)$/,
    why: "The paths are known before the files are made",
  },
  { path: /^(Driver|GraphDriver)$/, why: "Snapshotters have other names" },
  {
    path: /^(Runtime|SnapshotKey|Config\.Annotations)$/,
    why: "There is more to tell",
  },
  {
    path: /^(HostConfig\.NetworkMode|NetworkSettings\.Networks\.\w+)$/,
    why: "There is no bridge: the default network is the host's",
  },
  {
    path: /^Mounts\..+\.(Source|Name)$/,
    why: "Volumes are elsewhere, and those without a name are named for " +
      "their container",
  },
  {
    path: /^HostConfig\.MaskedPaths$/,
    why: "More is hidden, as later versions of docker do",
  },
  {
    path: /^HostConfig\.SecurityOpt$/,
    why: "There are no labels that being privileged would switch off",
  },
  {
    path: /^Config\.Healthcheck\.Interval$/,
    why: "Of a check that is switched off there is no interval",
  },
];

/** Lists that docker shows in any order, another each time; so it does mounts. */
const UNORDERED: ReadonlySet<string> = new Set([
  "Config.Env",
  "HostConfig.Binds",
]);

type Shown = Record<string, unknown>;

Deno.test({
  name: "coracle inspect says what docker inspect says",
  ignore: !hasDockerd() || !hasContainerd(),
  fn: async (t) => {
    await using containerd = await openBareContainerd();
    await using dockerd = await openDockerd(containerd.address);
    await using store = await openRunStore();
    await shareImage(dockerd, store);
    const needless = new Set(KNOWN);
    for (const [name, args] of Object.entries(CASES)) {
      await t.step(name, async () => {
        const line = args.map((arg) => arg.replace("DIR", store.dir));
        const found = differences(
          await docker(dockerd, line),
          await ours(store, line),
        );
        const unknown = found.filter(([path]) => {
          const known = KNOWN.find((known) => known.path.test(path));
          if (known !== undefined) needless.delete(known);
          return known === undefined;
        });
        assertEquals(unknown, []);
      });
    }
    assertEquals([...needless], [], "Differences that there are not");
    await dockerd.expect("volume", "prune", "--force");
  },
});

async function shareImage(dockerd: Dockerd, store: RunStore): Promise<void> {
  const flags = CHANGES.flatMap((change) => ["--change", change]);
  await dockerd.expect("import", ...flags, `${dockerd.dir}/busybox.tar`, IMAGE);
  const archive = `${store.dir}/image.tar`;
  await dockerd.expect("save", "-o", archive, IMAGE);
  const { code, stderr } = await store.call(["load", "-i", archive]);
  assertEquals(code, 0, stderr);
}

async function docker(dockerd: Dockerd, line: readonly string[]) {
  await dockerd.expect("create", "--name", "boat", ...line);
  const [shown] = JSON.parse(await dockerd.expect("inspect", "boat"));
  await dockerd.expect("rm", "-v", "boat");
  return shown as Shown;
}

async function ours(store: RunStore, line: readonly string[]) {
  const ok = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await store.call(args);
    assertEquals(code, 0, stderr);
    return stdout;
  };
  await ok("create", "--name", "boat", ...line);
  const [shown] = JSON.parse(await ok("inspect", "boat"));
  await ok("rm", "-v", "boat");
  return shown as Shown;
}

type Difference = readonly [path: string, theirs: string, ours: string];

function differences(
  theirs: unknown,
  ours: unknown,
  path = "",
): readonly Difference[] {
  if (path === "Mounts") {
    return differences(byTarget(theirs), byTarget(ours), "Mounts.");
  }
  if (UNORDERED.has(path)) {
    return differences(sorted(theirs), sorted(ours), `${path} of all`);
  }
  if (!isObject(theirs) || !isObject(ours)) {
    const [a, b] = [JSON.stringify(theirs), JSON.stringify(ours)];
    return a === b ? [] : [[path, a ?? "(missing)", b ?? "(missing)"]];
  }
  if (path === "GraphDriver") return [[path, "", ""]];
  const keys = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
  return [...keys].flatMap((key) =>
    differences(theirs[key], ours[key], path === "" ? key : `${path}.${key}`)
  );
}

function byTarget(mounts: unknown): Shown {
  return Object.fromEntries(
    (mounts as readonly Shown[]).map((mount) => [mount["Destination"], mount]),
  );
}

function sorted(texts: unknown): unknown {
  return Array.isArray(texts) ? texts.toSorted() : texts;
}

function isObject(value: unknown): value is Shown {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
