/** What is transferred and how far it is, between wire and domain. */

import type {
  ImageReference,
  ImageStore as WireImageStore,
} from "../../../proto/gen/containerd/types/transfer/imagestore.ts";
import {
  HTTPDebug,
  type OCIRegistry as WireRegistry,
} from "../../../proto/gen/containerd/types/transfer/registry.ts";
import type { Platform as WirePlatform } from "../../../proto/gen/containerd/types/platform.ts";
import type { Context } from "../../base/context.ts";
import { normalizePlatform, type Platform } from "../../base/platform.ts";
import type { TypedValue } from "../../core/container.ts";
import type { StreamTable } from "../../core/stream.ts";
import type {
  ExtraReference,
  ImageStoreEnd,
  RegistryAccess,
  TransferEnd,
  TransferProgress,
} from "../../core/transfer.ts";
import { toDescriptor } from "./descriptor.ts";
import { fromLabels } from "./labels.ts";
import * as any from "./transfer_any.ts";
import { askOver } from "./transfer_auth.ts";
import { receivedBytes, sendBytes } from "./transfer_bytes.ts";

/**
 * A source or destination.
 * @param streams that a client opened before, which it names
 * @throws {EngineError} `notFound` for the name of a stream
 */
export function fromTransferEnd(
  ctx: Context,
  streams: StreamTable,
  end: TypedValue | undefined,
): TransferEnd {
  const value = end ?? { typeUrl: "", value: new Uint8Array() };
  const registry = any.OCIRegistry.unpack(value);
  if (registry !== undefined) return fromRegistry(ctx, streams, registry);
  const store = any.ImageStore.unpack(value);
  if (store !== undefined) return fromImageStore(store);
  return archiveEnd(ctx, streams, value);
}

function archiveEnd(
  ctx: Context,
  streams: StreamTable,
  value: TypedValue,
): TransferEnd {
  const source = any.ImageImportStream.unpack(value);
  if (source !== undefined) {
    return {
      kind: "import",
      bytes: receivedBytes(ctx, streams.get(ctx, source.stream)),
      layers: source.forceCompress ? "compress" : "keep",
    };
  }
  const sink = any.ImageExportStream.unpack(value);
  if (sink === undefined) return { kind: "other", typeUrl: value.typeUrl };
  const stream = streams.get(ctx, sink.stream);
  return {
    kind: "export",
    write: (ctx, bytes) => sendBytes(ctx, stream, bytes),
    platforms: sink.platforms.map(fromWirePlatform),
    others: sink.allPlatforms ? "all" : "leave",
    format: sink.skipCompatibilityManifest ? "oci" : "docker",
    blobs: sink.skipNonDistributable ? "distributable" : "all",
  };
}

function fromRegistry(
  ctx: Context,
  streams: StreamTable,
  { reference, resolver }: WireRegistry,
): TransferEnd {
  if (resolver === undefined) {
    return { kind: "registry", reference, access: { headers: {} } };
  }
  const { headers, hostDir, defaultScheme, httpDebug, logsStream } = resolver;
  const auth = resolver.authStream === ""
    ? undefined
    : streams.get(ctx, resolver.authStream);
  const exchanges = httpDebug === HTTPDebug.DISABLED
    ? undefined
    : exchangeLog(ctx, streams, logsStream);
  const access: RegistryAccess = {
    headers,
    ...hostDir !== "" && { hostDir },
    ...(defaultScheme === "http" || defaultScheme === "https") &&
      { scheme: defaultScheme },
    ...auth && { credentials: askOver(auth, reference) },
    ...exchanges && { onExchange: (text) => exchanges.write(text) },
    ...(auth ?? exchanges) && {
      close() {
        auth?.close();
        exchanges?.close();
      },
    },
  };
  return { kind: "registry", reference, access };
}

interface ExchangeLog {
  write(text: string): void;
  close(): void;
}

/** To the stream of a client, or else to our log. */
function exchangeLog(
  ctx: Context,
  streams: StreamTable,
  name: string,
): ExchangeLog {
  if (name === "") {
    return { write: (text) => ctx.log.info(text), close: () => {} };
  }
  const stream = streams.get(ctx, name);
  const bytes = new TransformStream<Uint8Array, Uint8Array>(
    {},
    { highWaterMark: LOG_CHUNKS },
  );
  const writer = bytes.writable.getWriter();
  sendBytes(ctx, stream, bytes.readable).catch((error) =>
    ctx.log.debug("Cannot send what is said to a registry", { error })
  );
  const encoder = new TextEncoder();
  return {
    write(text) {
      // Who does not read misses some of it, and holds up nobody.
      if ((writer.desiredSize ?? 0) <= 0) return;
      writer.write(encoder.encode(text)).catch(() => {});
    },
    close: () => void writer.close().catch(() => {}),
  };
}

/** Of what is said to a registry, waiting for a client that reads slowly. */
const LOG_CHUNKS = 1_000;

function fromImageStore(store: WireImageStore): ImageStoreEnd {
  const { name, labels, platforms, allMetadata, manifestLimit } = store;
  return {
    kind: "imageStore",
    name,
    labels: fromLabels(labels),
    platforms: platforms.map(fromWirePlatform),
    metadata: allMetadata ? "all" : "wanted",
    ...manifestLimit === 0 ? {} : { manifestLimit },
    extraReferences: store.extraReferences.map(fromReference),
    unpacks: store.unpacks.map(({ platform, snapshotter }) => ({
      platform: fromWirePlatform(platform),
      snapshotter,
    })),
  };
}

function fromReference(reference: ImageReference): ExtraReference {
  const { name, isPrefix, allowOverwrite } = reference;
  if (!isPrefix) return { kind: "name", name };
  const named = reference.skipNamedDigest ? "unnamed" : "always";
  return {
    kind: "prefix",
    name,
    otherNames: allowOverwrite ? "take" : "ignore",
    digests: reference.addDigest ? named : "never",
  };
}

const EMPTY_PLATFORM: WirePlatform = {
  os: "",
  architecture: "",
  variant: "",
  osVersion: "",
  osFeatures: [],
};

/** No platform is one without names. */
export function fromWirePlatform(
  platform: WirePlatform = EMPTY_PLATFORM,
): Platform {
  const { os, architecture, variant, osVersion, osFeatures } = platform;
  return normalizePlatform({
    os,
    architecture,
    ...variant === "" ? {} : { variant },
    ...osVersion === "" ? {} : { "os.version": osVersion },
    ...osFeatures.length === 0 ? {} : { "os.features": osFeatures },
  });
}

export function toWirePlatform(platform: Platform): WirePlatform {
  return {
    os: platform.os,
    architecture: platform.architecture,
    variant: platform.variant ?? "",
    osVersion: platform["os.version"] ?? "",
    osFeatures: [...platform["os.features"] ?? []],
  };
}

export function toProgress(progress: TransferProgress): TypedValue {
  const { event, name, parents, done, total, descriptor } = progress;
  return any.Progress.pack({
    event,
    name,
    parents: [...parents],
    progress: BigInt(done),
    total: BigInt(total),
    desc: descriptor && toDescriptor(descriptor),
  });
}
