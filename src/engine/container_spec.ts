/** The spec of a planned container. */

import type { Context } from "../base/context.ts";
import { invalidArgument } from "../base/errors.ts";
import type { Host } from "../core/host.ts";
import { type AskedSharing, askedSharing } from "../core/shared_paths.ts";
import type { TaskStartError } from "../core/start_failure.ts";
import type { Bundle } from "../core/task.ts";
import { volumesLock } from "../core/volume.ts";
import { buildSpec } from "../oci/spec/build.ts";
import { serializeSpec } from "../oci/spec/serialize.ts";
import type { ContainerPlan } from "./container_plan.ts";
import { ROOTFS } from "./container_record.ts";
import { containerDirectory, type LifeDeps } from "./life_deps.ts";
import { limitsWarning } from "./limits_warning.ts";
import { networkFiles } from "./network_files.ts";
import type { RunOptions } from "./run_options.ts";
import { specRequest } from "./spec.ts";
import { anonymousVolumes, prepareMounts } from "./volumes.ts";

/**
 * Where `hosts` and its kin go: those of a container that ends with its task
 * need not outlive the bundle.
 */
export type FilesPlace = "bundle" | "containerDirectory";

export interface MadeSpec {
  /** JSON. */
  readonly text: string;
  /** Why its command will not start: found before the runtime says so. */
  readonly refusal: TaskStartError | undefined;
}

/**
 * Builds the spec of a container whose root file system is ready.
 * @throws {EngineError}
 */
export async function makeSpec(
  ctx: Context,
  deps: LifeDeps,
  options: RunOptions,
  plan: ContainerPlan,
  bundle: Bundle,
  files: FilesPlace,
): Promise<MadeSpec> {
  const { id, config, settings } = plan;
  const { host } = deps.services;
  const isPlain = options.source.kind === "rootfs";
  const rootPath = options.source.kind === "rootfs"
    ? plainRoot(options.source.path, host)
    : bundle.rootfs;
  using root = host.openRoot(rootPath);
  const volumesPath = `${deps.volumesPath}/${ctx.namespace}`;
  const volumes = await prepareMounts(
    options.mounts,
    Object.keys(config.Volumes ?? {}),
    {
      host,
      root,
      volumesPath,
      lockPath: volumesLock(deps.volumesPath, ctx.namespace),
      anonymousPath: anonymousVolumes(volumesPath, id),
    },
  );
  const write = files === "bundle"
    ? (name: string, text: string) => bundle.write(name, text)
    : fileWriter(host, containerDirectory(deps, ctx.namespace, id));
  const { request, refusal, warning } = specRequest({
    id,
    namespace: ctx.namespace,
    options,
    config,
    host,
    root,
    rootPath: isPlain ? rootPath : ROOTFS,
    bundlePath: bundle.path,
    hostname: settings.hostname,
    mounts: [
      ...networkFiles(options, settings.hostname, write, host),
      ...volumes,
    ],
  });
  const limits = limitsWarning(request.resources, host.facts());
  for (const text of [warning, limits]) {
    if (text !== undefined) ctx.log.warn(text);
  }
  const spec = buildSpec(
    request,
    host.facts(),
    (message, fields) => ctx.log.debug(message, fields),
  );
  return { text: serializeSpec(spec), refusal };
}

/**
 * Builds the spec of a container that is to be started at once, and writes it
 * unless it is refused: a runtime that is there already starts what it reads.
 */
export async function writeSpec(
  ctx: Context,
  deps: LifeDeps,
  options: RunOptions,
  plan: ContainerPlan,
  bundle: Bundle,
  files: FilesPlace,
): Promise<MadeSpec> {
  const made = await makeSpec(ctx, deps, options, plan, bundle, files);
  const sharing = askedSharing(options.rare);
  const ready = sharing === undefined || made.refusal !== undefined
    ? made
    : { ...made, refusal: await share(ctx, deps, bundle, sharing) };
  if (ready.refusal === undefined) bundle.writeSpec(ready.text);
  return ready;
}

async function share(
  ctx: Context,
  { services }: LifeDeps,
  bundle: Bundle,
  sharing: AskedSharing,
): Promise<TaskStartError | undefined> {
  const { tryToShare } = await import("./share_namespaces.ts");
  return await tryToShare(ctx, services, bundle, sharing);
}

function fileWriter(host: Host, directory: string) {
  host.makeDirectory(directory);
  return (name: string, text: string) => {
    const path = `${directory}/${name}`;
    host.writeText(path, text);
    return path;
  };
}

function plainRoot(path: string, host: Host): string {
  if (host.exists(path)) return path;
  throw invalidArgument(`Cannot find root file system "${path}"`);
}
