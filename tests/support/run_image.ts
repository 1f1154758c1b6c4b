/** Makes a small image in a store, out of the machine's static busybox. */

import type { Context } from "../../src/base/context.ts";
import type { Services } from "../../src/core/services.ts";
import { LABEL } from "../../src/core/labels.ts";
import { manifestLabels, writeJson } from "../../src/engine/images_content.ts";
import type {
  ContainerConfig,
  ImageConfig,
  Manifest,
} from "../../src/oci/image_spec.ts";
import { hostPlatform } from "../../src/base/platform.ts";
import { digestOf } from "../../src/base/hash.ts";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
sailor:x:1000:1001:A sailor:/home/sailor:/bin/sh
`;
const GROUP = `root:x:0:
crew:x:1001:
rope:x:2000:sailor
`;

/** Applets that tests use. */
const APPLETS = [
  "cat",
  "chmod",
  "cut",
  "echo",
  "env",
  "grep",
  "head",
  "hostname",
  "id",
  "kill",
  "ls",
  "mount",
  "ping",
  "pwd",
  "sh",
  "sleep",
  "stat",
  "stty",
  "test",
  "touch",
  "true",
  "wc",
];

/** Fills a directory with what the image has. */
export function writeBusyboxRoot(root: string): void {
  const directories = [
    "bin",
    "etc",
    "tmp",
    "proc",
    "sys",
    "dev",
    "home/sailor",
  ];
  for (const name of [...directories, "data", "root"]) {
    Deno.mkdirSync(`${root}/${name}`, { recursive: true });
  }
  Deno.chmodSync(root, 0o755);
  Deno.chmodSync(`${root}/tmp`, 0o1777);
  Deno.copyFileSync("/bin/busybox", `${root}/bin/busybox`);
  for (const applet of APPLETS) {
    Deno.symlinkSync("busybox", `${root}/bin/${applet}`);
  }
  Deno.writeTextFileSync(`${root}/etc/passwd`, PASSWD);
  Deno.writeTextFileSync(`${root}/etc/group`, GROUP);
  Deno.writeTextFileSync(`${root}/data/cargo`, "rum\n");
  Deno.chownSync(`${root}/data/cargo`, 1000, 1001);
  Deno.chmodSync(`${root}/data`, 0o750);
  Deno.writeTextFileSync(`${root}/etc/notprogram`, "#!/bin/sh\n");
}

/** Commits one layer and tags an image of it, without any registry. */
export async function makeBusyboxImage(
  ctx: Context,
  services: Services,
  name: string,
  config: ContainerConfig = {},
): Promise<void> {
  const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
  if (snapshotter === undefined) throw new Error("no snapshotter");
  const chainId = await digestOf(new TextEncoder().encode(`layer of ${name}`));
  const mounts = await snapshotter.prepare(ctx, `prepare-${name}`, "");
  const target = await Deno.makeTempDir();
  {
    await using _mounted = await services.mounter.mount(ctx, mounts, target);
    writeBusyboxRoot(target);
  }
  await Deno.remove(target);
  await snapshotter.commit(ctx, chainId, `prepare-${name}`, {
    labels: { [LABEL.gcRoot]: "test" },
  });
  const image: ImageConfig = {
    ...hostPlatform(Deno.build),
    config: { Env: ["PATH=/bin", "FROM_IMAGE=yes"], Cmd: ["sh"], ...config },
    rootfs: { type: "layers", diff_ids: [chainId] },
  };
  const configDescriptor = await writeJson(
    ctx,
    services.content,
    CONFIG,
    image,
    { [`${LABEL.gcRefSnapshot}.${services.defaultSnapshotter}`]: chainId },
  );
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: configDescriptor,
    layers: [],
  };
  const descriptor = await writeJson(
    ctx,
    services.content,
    MANIFEST,
    manifest,
    manifestLabels(manifest),
  );
  await services.images.create(ctx, { name, target: descriptor });
}
