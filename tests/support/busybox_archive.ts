/** An image of the machine's static busybox, as an archive to import. */

import { writeBusyboxRoot } from "./run_image.ts";

export const ARCHIVE_IMAGE = "docker.io/library/busybox:test";

/**
 * @param directory that gets what it is made of, too
 * @returns path of an archive as `docker save` makes it
 */
export async function makeBusyboxArchive(directory: string): Promise<string> {
  const work = `${directory}/image`;
  writeBusyboxRoot(`${work}/rootfs`);
  await run("tar", "-C", `${work}/rootfs`, "-cf", `${work}/layer.tar`, ".");
  const layer = await Deno.readFile(`${work}/layer.tar`);
  const hash = await crypto.subtle.digest("SHA-256", layer);
  const config = {
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    os: "linux",
    config: { Env: ["PATH=/bin"], Cmd: ["/bin/sh"] },
    rootfs: {
      type: "layers",
      diff_ids: [`sha256:${new Uint8Array(hash).toHex()}`],
    },
  };
  const manifest = [{
    Config: "config.json",
    RepoTags: [ARCHIVE_IMAGE],
    Layers: ["layer.tar"],
  }];
  await Deno.writeTextFile(`${work}/config.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${work}/manifest.json`, JSON.stringify(manifest));
  const tar = `${directory}/image.tar`;
  const parts = ["manifest.json", "config.json", "layer.tar"];
  await run("tar", "-C", work, "-cf", tar, ...parts);
  return tar;
}

async function run(program: string, ...args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args: [...args] })
    .output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
}
