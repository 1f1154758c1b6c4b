import type { Context } from "../../base/context.ts";
import type { TarHandler, TarHeader } from "../../oci/tar/header.ts";
import { TarReader } from "../../oci/tar/reader.ts";
import { LayerExtractor } from "./layer_extractor.ts";
import type { OwnerPolicy } from "./metadata.ts";

export interface WriteTreeOptions {
  /** A directory, which nothing leaves. */
  readonly target: string;
  readonly owners: OwnerPolicy;
  readonly devices: "make" | "skip";
}

const OPEN_DIRECTORIES = 32;

/** Unpacks a tar that is no layer onto what there is. */
export async function writeTree(
  ctx: Context,
  tar: AsyncIterable<Uint8Array>,
  { target, owners, devices }: WriteTreeOptions,
): Promise<void> {
  using extractor = new LayerExtractor({
    target,
    owners,
    devices,
    names: "plain",
    inTheWay: "sameKind",
    how: "applied",
    attributes: "trusted",
    openDirectories: OPEN_DIRECTORIES,
    uid: Deno.uid() ?? 0,
    gid: Deno.gid() ?? 0,
    umask: Deno.umask(),
  });
  const reader = new TarReader(
    owners === "keep" ? extractor : unprivileged(extractor),
  );
  for await (const chunk of tar) {
    ctx.signal.throwIfAborted();
    reader.push(chunk);
  }
  reader.finish();
  for (const note of extractor.finish().notes) ctx.log.warn(note);
}

const SET_ID_BITS = 0o6000;

/** Files given to us must not let others act as us. */
function unprivileged(handler: TarHandler): TarHandler {
  return {
    entry: (header) => handler.entry(withoutPrivileges(header)),
    data: (chunk) => handler.data(chunk),
    endEntry: () => handler.endEntry(),
  };
}

function withoutPrivileges(header: TarHeader): TarHeader {
  if (header.type === "directory") return header;
  const xattrs = header.xattrs === undefined ? undefined : new Map(
    [...header.xattrs].filter(([name]) => !name.startsWith("security.")),
  );
  return { ...header, mode: header.mode & ~SET_ID_BITS, xattrs };
}
