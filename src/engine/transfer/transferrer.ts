/** Transfers through the engine's own use cases. */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import type { ImageVerifier } from "../../core/image_verifier.ts";
import type { Services } from "../../core/services.ts";
import type {
  OnTransferProgress,
  OpenResolver,
  RegistryEnd,
  TransferEnd,
  Transferrer,
} from "../../core/transfer.ts";
import { transferExport } from "./export.ts";
import { transferImport } from "./import.ts";
import { ProgressTracker } from "./progress.ts";
import { transferPull } from "./pull.ts";
import { transferPush } from "./push.ts";
import { transferTag } from "./tag.ts";

export interface TransferDeps {
  readonly services: Services;
  readonly openResolver: OpenResolver;
  /** All must agree before an image is pulled. */
  readonly verifiers: () => readonly ImageVerifier[];
}

export function createTransferrer(deps: TransferDeps): Transferrer {
  return {
    transfer: (ctx, source, destination, onProgress) =>
      transfer(ctx, deps, source, destination, onProgress),
  };
}

async function transfer(
  ctx: Context,
  deps: TransferDeps,
  from: TransferEnd,
  to: TransferEnd,
  onProgress?: OnTransferProgress,
): Promise<void> {
  const { services } = deps;
  const progress = (root: string) => new ProgressTracker(root, onProgress);
  if (from.kind === "registry" && to.kind === "imageStore") {
    const told = progress(from.reference);
    return await withResolver(
      ctx,
      deps,
      from,
      (services) =>
        transferPull(ctx, services, from, to, deps.verifiers(), told),
    );
  }
  if (from.kind === "imageStore" && to.kind === "registry") {
    return await withResolver(
      ctx,
      deps,
      to,
      (services) => transferPush(ctx, services, from, to, progress(from.name)),
    );
  }
  if (from.kind === "import" && to.kind === "imageStore") {
    return await transferImport(ctx, services, from, to, progress(to.name));
  }
  if (from.kind === "imageStore" && to.kind === "export") {
    return await transferExport(ctx, services, from, to, progress(from.name));
  }
  if (from.kind === "imageStore" && to.kind === "imageStore") {
    return await transferTag(ctx, services, from, to);
  }
  if (from.kind === "import" && to.kind === "export") {
    return await to.write(ctx, from.bytes);
  }
  throw new EngineError(
    "unimplemented",
    `method Transfer not implemented for ${nameOf(from)} to ${nameOf(to)}`,
  );
}

/** Services with the resolver that the client wants. */
async function withResolver(
  ctx: Context,
  { services, openResolver }: TransferDeps,
  { access }: RegistryEnd,
  work: (services: Services) => Promise<void>,
): Promise<void> {
  using resolver = await openResolver(ctx, access);
  // Not a copy, which would make all services that are made when asked for.
  const own: Services = Object.create(services, {
    resolver: { value: resolver, enumerable: true },
  });
  await work(own);
}

const NAMES = {
  registry: "containerd.types.transfer.OCIRegistry",
  imageStore: "containerd.types.transfer.ImageStore",
  import: "containerd.types.transfer.ImageImportStream",
  export: "containerd.types.transfer.ImageExportStream",
} as const satisfies Record<Exclude<TransferEnd["kind"], "other">, string>;

/** As clients name it. */
function nameOf(end: TransferEnd): string {
  return end.kind === "other" ? end.typeUrl : NAMES[end.kind];
}
