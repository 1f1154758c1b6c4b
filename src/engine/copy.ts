/** Copies files between containers and this machine, as tar archives. */

import type { Context } from "../base/context.ts";
import { EngineError } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { TreeOwners } from "../core/file_tree.ts";
import type { Services } from "../core/services.ts";
import {
  openContainerFiles,
  type OpenFiles,
  openHostFiles,
} from "./container_files.ts";
import {
  type CopySide,
  findDirectory,
  findSource,
  findTarget,
  normalizePath,
} from "./copy_paths.ts";
import type { Bytes } from "./images_archive.ts";

/** A path in a container, as a person names both. */
export interface ContainerPath {
  readonly container: Container;
  readonly name: string;
  readonly path: string;
}

/** A path on this machine. */
export interface HostPath {
  readonly path: string;
  /** Of what a relative one is relative to. */
  readonly cwd: string;
}

export interface CopyOptions {
  /** Of a source that is a symbolic link: it, or what it points at. */
  readonly links: "follow" | "keep";
  readonly owners: TreeOwners;
}

/** @returns bytes that were copied, as an archive */
export async function copyOut(
  ctx: Context,
  services: Services,
  from: ContainerPath,
  to: HostPath,
  options: CopyOptions,
): Promise<number> {
  using container = await openContainerFiles(
    ctx,
    services,
    from.container,
    "read",
  );
  using host = await openHostFiles(services);
  return await copy(
    ctx,
    inContainer(container, from),
    onHost(host, to, missingDirectory),
    options,
  );
}

/** @returns bytes that were copied, as an archive */
export async function copyIn(
  ctx: Context,
  services: Services,
  from: HostPath,
  to: ContainerPath,
  options: CopyOptions,
): Promise<number> {
  using container = await openContainerFiles(
    ctx,
    services,
    to.container,
    "write",
  );
  using host = await openHostFiles(services);
  return await copy(
    ctx,
    onHost(host, from, missingFile),
    inContainer(container, to),
    options,
  );
}

/** A tar of what is at a path of a container. */
export async function* archiveOut(
  ctx: Context,
  services: Services,
  from: ContainerPath,
  { links }: Pick<CopyOptions, "links">,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using files = await openContainerFiles(ctx, services, from.container, "read");
  const { place, name } = await findSource(inContainer(files, from), links);
  yield* place.tree.read(ctx, place.path, { as: "entry", name: name ?? "." });
}

/** Unpacks a tar in a directory of a container, with the owners it names. */
export async function archiveIn(
  ctx: Context,
  services: Services,
  tar: Bytes,
  to: ContainerPath,
): Promise<void> {
  using files = await openContainerFiles(ctx, services, to.container, "write");
  const { tree, path } = await findDirectory(inContainer(files, to));
  await tree.write(ctx, path, tar, "keep");
}

async function copy(
  ctx: Context,
  from: CopySide,
  to: CopySide,
  { links, owners }: CopyOptions,
): Promise<number> {
  const source = await findSource(from, links);
  const { directory, naming } = await findTarget(to, source);
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { tree, path } = source.place;
    for await (const chunk of tree.read(ctx, path, naming)) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  await directory.tree.write(ctx, directory.path, counted(), owners);
  return bytes;
}

function inContainer(
  files: OpenFiles,
  { name, path }: ContainerPath,
): CopySide {
  return {
    files,
    path: normalizePath(path, "/"),
    shown: `${name}:${path}`,
    missing: (path) =>
      new EngineError(
        "notFound",
        `Could not find the file ${path} in container ${name}`,
      ),
  };
}

function onHost(
  files: OpenFiles,
  { path, cwd }: HostPath,
  missing: CopySide["missing"],
): CopySide {
  return { files, path: normalizePath(path, cwd), shown: path, missing };
}

function missingFile(path: string): EngineError {
  return new EngineError(
    "notFound",
    `lstat ${path}: no such file or directory`,
  );
}

function missingDirectory(path: string): EngineError {
  return new EngineError(
    "notFound",
    `invalid output path: directory "${path}" does not exist`,
  );
}
