/**
 * Image-spec types, parsed once at the edge into values that can be trusted.
 * @see OCI image-spec 1.1
 */

import { type Digest, parseDigest } from "../base/digest.ts";
import { invalidArgument } from "../base/errors.ts";
import type { Platform } from "../base/platform.ts";

export type { Platform };

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, base64, for small content. */
  readonly data?: string;
  readonly platform?: Platform;
  readonly artifactType?: string;
}

export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The image config ("image JSON"). */
export interface ImageConfig extends Platform {
  readonly created?: string;
  readonly author?: string;
  readonly config?: ContainerConfig;
  readonly rootfs: { readonly type: "layers"; readonly diff_ids: Digest[] };
  readonly history?: readonly HistoryEntry[];
}

export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, unknown>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, unknown>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Docker's extension; nanoseconds as docker writes them. */
  readonly Healthcheck?: Readonly<Record<string, unknown>>;
  readonly Shell?: readonly string[];
  readonly OnBuild?: readonly string[];
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** Largest manifest, index or config that is read into memory, bytes. */
export const MAX_MANIFEST_SIZE = 8 * 1024 * 1024;

/** @throws {EngineError} `invalidArgument` */
export function parseIndex(bytes: Uint8Array): Index {
  const value = parseObject(bytes, "image index");
  if (!Array.isArray(value["manifests"])) {
    throw invalidArgument(`Cannot read image index: "manifests" is missing`);
  }
  return {
    ...value,
    schemaVersion: 2,
    manifests: value["manifests"].map((m) => parseDescriptor(m)),
  } as Index;
}

/** @throws {EngineError} `invalidArgument` */
export function parseManifest(bytes: Uint8Array): Manifest {
  const value = parseObject(bytes, "image manifest");
  if (value["schemaVersion"] === 1 || value["fsLayers"] !== undefined) {
    throw invalidArgument("Cannot use an image manifest of schema version 1", {
      hint: "Push the image again with a client of this decade",
    });
  }
  if (!Array.isArray(value["layers"])) {
    throw invalidArgument(`Cannot read image manifest: "layers" is missing`);
  }
  return {
    ...value,
    schemaVersion: 2,
    config: parseDescriptor(value["config"]),
    layers: value["layers"].map((layer) => parseDescriptor(layer)),
  } as Manifest;
}

/** @throws {EngineError} `invalidArgument` */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const value = parseObject(bytes, "image config");
  const rootfs = value["rootfs"];
  if (!isRecord(rootfs) || !Array.isArray(rootfs["diff_ids"])) {
    throw invalidArgument(
      `Cannot read image config: "rootfs.diff_ids" is missing`,
    );
  }
  return {
    ...value,
    os: typeof value["os"] === "string" ? value["os"] : "linux",
    architecture: String(value["architecture"] ?? ""),
    rootfs: {
      type: "layers",
      diff_ids: rootfs["diff_ids"].map((id) => parseDigest(String(id))),
    },
  } as ImageConfig;
}

/** @throws {EngineError} `invalidArgument` */
export function parseDescriptor(value: unknown): Descriptor {
  if (!isRecord(value)) {
    throw invalidArgument(
      `Cannot read descriptor ${JSON.stringify(value) ?? "undefined"}`,
    );
  }
  const { size, digest, mediaType } = value;
  if (!Number.isSafeInteger(size) || (size as number) < 0) {
    throw invalidArgument(
      `Cannot read descriptor "${digest}": its size is "${size}"`,
    );
  }
  return {
    ...value,
    mediaType: typeof mediaType === "string" ? mediaType : "",
    digest: parseDigest(String(digest)),
    size: size as number,
  };
}

function parseObject(
  bytes: Uint8Array,
  what: string,
): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidArgument(`Cannot read ${what}: it is not JSON`, { cause });
  }
  if (!isRecord(value)) {
    throw invalidArgument(`Cannot read ${what}: it is not a JSON object`);
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
