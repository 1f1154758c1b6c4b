/** Containers as a person names them. */

import type { Context } from "../base/context.ts";
import { hasCode, invalidArgument, notFound } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { LABEL } from "../core/labels.ts";
import type {
  DeviceRule,
  SpecBlockIo,
  SpecCapabilities,
  SpecCpu,
  SpecMemory,
  SpecNamespace,
  SpecRlimit,
} from "../oci/runtime_spec.ts";
import type { Services } from "../core/services.ts";

/** The name given by the user; else the short ID. */
export function containerName({ id, labels }: Container): string {
  return labels[LABEL.containerName] ??
    id.slice(0, 12);
}

/**
 * Finds a container by its ID, its name, or the beginning of its ID, in this
 * order, however many there are. The record has its spec.
 *
 * @throws {EngineError} `notFound`; `invalidArgument` if the beginning is of
 * several
 */
export async function findContainer(
  ctx: Context,
  services: Pick<Services, "containers">,
  text: string,
): Promise<Container> {
  const { containers } = services;
  const word = text.startsWith("/") ? text.slice(1) : text;
  const [first, second] = await containers.beginningWith(ctx, word);
  // Of all ids that begin with it the very word is the least.
  if (first?.id === word) return first;
  const named = await containers.named(ctx, word);
  if (named !== undefined) return named;
  if (first === undefined) {
    throw notFound("container", text, {
      hint: "coracle ps -a lists the ones there are",
    });
  }
  if (second !== undefined) {
    throw invalidArgument(
      `multiple IDs found with provided prefix: "${text}"`,
      { hint: "Give more digits: coracle ps -a --no-trunc shows all of them" },
    );
  }
  return first;
}

/** The container's spec, or undefined if it has none that can be read. */
export async function containerSpec(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<ContainerSpecView | undefined> {
  const { spec } = container.spec === undefined
    ? await services.containers.get(ctx, container.id).catch((error) => {
      // It may go while the list is read.
      if (hasCode(error, "notFound")) return container;
      throw error;
    })
    : container;
  if (spec === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(spec.value));
  } catch {
    return undefined;
  }
}

/** The part of the OCI runtime spec that is shown to people. */
export interface ContainerSpecView {
  readonly hostname?: string;
  readonly process?: {
    readonly terminal?: boolean;
    readonly args?: readonly string[];
    readonly env?: readonly string[];
    readonly cwd?: string;
    readonly user?: { readonly uid?: number; readonly gid?: number };
    readonly capabilities?: Partial<SpecCapabilities>;
    readonly rlimits?: readonly SpecRlimit[];
    readonly noNewPrivileges?: boolean;
    readonly apparmorProfile?: string;
    readonly selinuxLabel?: string;
    readonly oomScoreAdj?: number;
  };
  readonly root?: { readonly path?: string; readonly readonly?: boolean };
  readonly mounts?: readonly {
    readonly destination: string;
    readonly type?: string;
    readonly source?: string;
    readonly options?: readonly string[];
  }[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: {
    readonly cgroupsPath?: string;
    readonly namespaces?: readonly SpecNamespace[];
    readonly sysctl?: Readonly<Record<string, string>>;
    readonly seccomp?: unknown;
    readonly maskedPaths?: readonly string[];
    readonly readonlyPaths?: readonly string[];
    readonly mountLabel?: string;
    readonly resources?: {
      readonly devices?: readonly DeviceRule[];
      readonly memory?: SpecMemory;
      readonly cpu?: SpecCpu;
      readonly pids?: { readonly limit?: number };
      readonly blockIO?: SpecBlockIo;
    };
  };
}
