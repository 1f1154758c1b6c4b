/**
 * Commands of all kinds at once, on a few images, containers and volumes: what
 * one of them removes, another one is just using. Whatever others do, some must
 * succeed, and none may say what only we understand.
 *
 * `CORACLE_STORM=600` makes it last ten minutes.
 */

import { assertEquals } from "@std/assert";
import { buildExecutable } from "./support/executable.ts";
import { type MadeImage, makeImage, upload } from "./pull_support.ts";
import { openDaemon } from "./support/daemon.ts";
import { type RawEntry, rawTar } from "./support/raw_tar.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";
import { openRunStore } from "./support/run_store.ts";

const SECONDS = Number(Deno.env.get("CORACLE_STORM") ?? "8");
const LANES = 5;
const APPLETS = ["echo", "sh", "sleep", "touch", "true"];

/** What may happen to a command because of what others do. */
const EXCUSES = [
  /Conflict\. The container name/,
  /Cannot find (?:container|image|snapshot|volume)/,
  /is not running/,
  /in a (?:stopped|paused) container/,
  /is (?:already|not) paused/,
  /is paused, unpause/,
  /container "[0-9a-f]+" uses image/,
  /volume is in use/,
  /it is still being made/,
  /exec failed/,
];

/** What nobody should ever read. */
const SECRETS = [/os error/, /Uncaught/, / at file:/, /process that kept it/];

interface Kind {
  readonly weight: number;
  /** Whether others can spoil it. */
  readonly mayFail: boolean;
  readonly args: (bench: Bench) => readonly string[];
}

interface Bench {
  /** Of a few. */
  readonly image: () => string;
  readonly name: () => string;
  readonly volume: () => string;
}

const sure = (weight: number, args: Kind["args"]): Kind => ({
  ...{ weight, mayFail: false, args },
});
const unsure = (weight: number, args: Kind["args"]): Kind => ({
  ...{ weight, mayFail: true, args },
});

const KINDS: readonly Kind[] = [
  sure(4, ({ image }) => ["pull", "--quiet", image()]),
  sure(4, ({ image }) => ["run", "--rm", image(), "true"]),
  sure(2, ({ image, volume }) => [
    ...["run", "--rm", "--volume", `${volume()}:/data`],
    ...[image(), "touch", "/data/x"],
  ]),
  unsure(3, ({ image, name }) => [
    ...["run", "--detach", "--name", name(), image(), "sleep", "0.3"],
  ]),
  unsure(2, ({ image, name }) => [
    ...["run", "--detach", "--rm", "--name", name(), image(), "sleep", "0.1"],
  ]),
  unsure(2, ({ name }) => ["exec", name(), "true"]),
  sure(2, ({ name }) => ["rm", "--force", name()]),
  unsure(1, ({ name }) => ["stop", "--time", "0", name()]),
  unsure(1, ({ name }) => ["start", name()]),
  unsure(1, ({ name }) => ["pause", name()]),
  unsure(1, ({ name }) => ["unpause", name()]),
  unsure(1, ({ name }) => ["diff", name()]),
  unsure(1, ({ name }) => ["cp", "/etc/hostname", `${name()}:/h`]),
  unsure(2, ({ image }) => ["rmi", image()]),
  sure(1, ({ image }) => ["rmi", "--force", image()]),
  sure(1, () => ["image", "prune", "--all", "--force"]),
  sure(1, () => ["system", "prune", "--all", "--force"]),
  unsure(1, ({ volume }) => ["volume", "rm", volume()]),
  sure(1, () => ["ps", "--all"]),
  sure(1, () => ["images"]),
  sure(1, () => ["system", "df"]),
  sure(1, () => ["fsck"]),
];

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}

/** Three that share layers, and one that does not. */
async function uploadImages(host: string): Promise<readonly string[]> {
  const busybox = await Deno.readFile("/bin/busybox");
  const base: readonly RawEntry[] = [
    { flag: "5", name: "bin/", mode: 0o755 },
    { name: "bin/busybox", data: busybox, mode: 0o755 },
    ...APPLETS.map((applet): RawEntry => (
      { flag: "2", name: `bin/${applet}`, link: "busybox" }
    )),
  ];
  const layer = (index: number) => ({
    tar: rawTar(
      ...Array.from({ length: 200 }, (_, file): RawEntry => (
        { name: `layer${index}/${file}`, data: `${index} ${file}` }
      )),
    ),
  });
  const images: readonly (readonly number[])[] = [[0], [0, 1], [1, 0], [2]];
  return await Promise.all(images.map(async (layers, index) => {
    const image: MadeImage = await makeImage([
      { tar: rawTar(...base) },
      ...layers.map(layer),
    ]);
    await upload(image, host, `storm/${index}`);
    return `${host}/storm/${index}:latest`;
  }));
}

type Call = (args: readonly string[]) => Promise<Ended>;

interface Ended {
  readonly code: number;
  /** What it has complained about. */
  readonly said: string;
}

/** @returns what went wrong, a line each */
async function storm(
  call: Call,
  images: readonly string[],
): Promise<readonly string[]> {
  const bench: Bench = {
    image: () => pick(images),
    name: () => pick(["one", "two", "three"]),
    volume: () => pick(["hold", "deck"]),
  };
  const weighted = KINDS.flatMap((kind) =>
    Array.from({ length: kind.weight }, () => kind)
  );
  const wrong: string[] = [];
  const end = Date.now() + SECONDS * 1000;
  const lane = async () => {
    while (Date.now() < end) {
      const { args, mayFail } = pick(weighted);
      const command = args(bench);
      const { code, said } = await call(command);
      const isExcused = code === 0 || code === 137 ||
        (mayFail && EXCUSES.some((excuse) => excuse.test(said)));
      if (isExcused && !SECRETS.some((secret) => secret.test(said))) continue;
      wrong.push(`coracle ${command.join(" ")} ended with ${code}: ${said}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return wrong;
}

function caller(path: string, flags: readonly string[]): Call {
  return async (args) => {
    const { code, stderr } = await new Deno.Command(path, {
      args: [...flags, ...args],
      stdin: "null",
    }).output();
    return { code, said: new TextDecoder().decode(stderr).trim() };
  };
}

/** Nothing of it stays when all of it is removed. */
async function clearUp(call: Call): Promise<void> {
  for (
    const command of [
      ["rm", "--force", "one", "two", "three"],
      ["volume", "prune", "--all", "--force"],
      ["system", "prune", "--all", "--force"],
      ["fsck"],
    ]
  ) {
    const { code, said } = await call(command);
    assertEquals(code, 0, `coracle ${command.join(" ")}: ${said}`);
  }
}

const ignore = Deno.uid() !== 0 || !hasRegistry();

Deno.test({
  name: "many commands at once on a store do not spoil each other",
  ignore,
  fn: async () => {
    await using executable = await buildExecutable();
    await using registry = await startRegistry();
    await using store = await openRunStore();
    const images = await uploadImages(registry.host);
    const call = caller(executable.path, store.flags);
    assertEquals(await storm(call, images), []);
    await clearUp(call);
    assertEquals(await store.leftovers(), []);
  },
});

Deno.test({
  name: "many commands at once on a daemon do not spoil each other",
  ignore,
  fn: async () => {
    await using executable = await buildExecutable();
    await using registry = await startRegistry();
    await using daemon = await openDaemon();
    const images = await uploadImages(registry.host);
    const call = caller(executable.path, [
      ...["--root", `${daemon.dir}/client/root`],
      ...["--state", `${daemon.dir}/client/state`],
      ...["--address", daemon.address, "--namespace", daemon.namespace],
    ]);
    assertEquals(await storm(call, images), []);
    await clearUp(call);
    const left = await Array.fromAsync(
      Deno.readDir(`${daemon.dir}/state/bundles`),
    );
    assertEquals(left, []);
  },
});
