/** All there is to know about an image, in the form of docker's API. */

import type { Context } from "../base/context.ts";
import { familiarName, formatReference } from "../base/reference.ts";
import type { Services } from "../core/services.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import { type ListedImage, nameReference, namesOf } from "./images.ts";
import type { PlatformChoice } from "./images_content.ts";
import { findContent } from "./images_of_platform.ts";
import { summaryOf, topSnapshot } from "./images_summary.ts";

/** Docker's `GET /images/{name}/json`; what has no meaning here is left out. */
export interface ImageInspection {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Parent: string;
  readonly Comment: string;
  readonly Created: string;
  readonly Author: string;
  readonly Config: Required<ShownConfig> & ContainerConfig;
  readonly Architecture: string;
  /** Empty if the config names none, so that a template may ask for it. */
  readonly Variant: string;
  readonly Os: string;
  readonly Size: number;
  readonly GraphDriver: {
    readonly Name: string;
    readonly Data: Readonly<Record<string, string>> | null;
  };
  readonly RootFS: {
    readonly Type: "layers";
    readonly Layers: readonly string[];
  };
  readonly Metadata: { readonly LastTagTime: string };
  readonly Descriptor: {
    readonly mediaType: string;
    readonly digest: string;
    readonly size: number;
  };
}

/** Fields of the config that docker always shows. */
interface ShownConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[] | null;
  readonly WorkingDir: string;
  readonly Entrypoint: readonly string[] | null;
  readonly Labels: Readonly<Record<string, string>> | null;
}

/** @throws {EngineError} `notFound` */
export async function inspectImage(
  ctx: Context,
  services: Services,
  text: string,
  wanted: PlatformChoice,
): Promise<ImageInspection> {
  const { image, content } = await findContent(ctx, services, text, wanted);
  const { config, manifest } = content;
  const summary = await summaryOf(ctx, services, content);
  const names = await namesOf(ctx, services, summary.id, wanted);
  const top = await topSnapshot(ctx, services, summary.id);
  const { mediaType, digest, size } = image.target;
  return {
    Id: summary.id,
    RepoTags: repoTags(names),
    RepoDigests: repoDigests(names),
    Parent: "",
    Comment: config.history?.at(-1)?.comment ?? "",
    Created: config.created ?? "",
    Author: config.author ?? "",
    Config: shownConfig(config.config ?? {}),
    Architecture: config.architecture,
    Variant: config.variant ?? "",
    Os: config.os,
    Size: summary.sizeBytes,
    GraphDriver: {
      Name: services.defaultSnapshotter,
      Data: top === undefined ? null : { TopSnapshot: top },
    },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: image.updatedAt.toISOString() },
    Descriptor: { mediaType, digest, size },
    ...manifest.annotations && { Annotations: manifest.annotations },
  };
}

function shownConfig(
  config: ContainerConfig,
): Required<ShownConfig> & ContainerConfig {
  return {
    ...config,
    User: config.User ?? "",
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    WorkingDir: config.WorkingDir ?? "",
    Entrypoint: config.Entrypoint ?? null,
    Labels: config.Labels ?? null,
  } as Required<ShownConfig> & ContainerConfig;
}

function repoTags(names: readonly ListedImage[]): string[] {
  return names.flatMap(({ image }) => {
    const reference = nameReference(image.name);
    return reference?.tag === undefined || reference.digest !== undefined
      ? []
      : [familiarName(reference)];
  }).sort();
}

function repoDigests(names: readonly ListedImage[]): string[] {
  const digests = names.flatMap(({ image }) => {
    const reference = nameReference(image.name);
    if (reference === undefined) return [];
    const { domain, path } = reference;
    const pinned = { domain, path, digest: image.target.digest };
    return [familiarName(pinned) || formatReference(pinned)];
  });
  return [...new Set(digests)].sort();
}
