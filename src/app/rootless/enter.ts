/**
 * The way of an ordinary user's command into the store's user and mount
 * namespace. A process with several threads, as this one, can't enter a user
 * namespace, so the command becomes `nsenter`, which becomes the command
 * again: the process id, the terminal, the descriptors and the exit code stay
 * what they were, and nobody stands in between.
 */

import { replaceProcess } from "../../sys/exec.ts";
import { ensureStorePaths, type StorePaths } from "../paths.ts";
import {
  ensureHolder,
  findHolder,
  type Holder,
  isOutdated,
  requireProgram,
} from "./holder.ts";
import { directoryVariable } from "./directory.ts";
import { type Identity, MARKER } from "./identity.ts";

export interface EnterOptions {
  readonly identity: Identity & { readonly kind: "ordinary" };
  readonly gid: number;
  readonly paths: StorePaths;
  /** This program and its arguments, the program by its absolute path. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly warn: (message: string) => void;
}

/**
 * Starts this command again inside the namespace; returns only by throwing.
 * @throws {EngineError} `failedPrecondition` if the host doesn't allow it
 */
export async function enterNamespace(options: EnterOptions): Promise<never> {
  const { identity, environment } = options;
  const path = environment["PATH"];
  const holder = currentHolder(options) ?? await makeHolder(options);
  const nsenter = requireProgram("nsenter", path);
  replaceProcess(
    nsenter,
    [
      ...["nsenter", "-U", "-m", "-t", String(holder.pid)],
      ...["--preserve-credentials", "--", ...options.command],
    ],
    {
      ...environment,
      [MARKER]: String(identity.uid),
      ...directoryVariable(),
    },
  );
}

function currentHolder(
  { identity, gid, paths, environment }: EnterOptions,
): Holder | undefined {
  const holder = findHolder(paths.state);
  if (holder === undefined) return undefined;
  const deps = { uid: identity.uid, gid, path: environment["PATH"] };
  return isOutdated(holder, deps) ? undefined : holder;
}

async function makeHolder(options: EnterOptions): Promise<Holder> {
  const { identity, gid, paths, environment, warn } = options;
  ensureStorePaths(paths, identity.uid);
  return await ensureHolder({
    uid: identity.uid,
    gid,
    stateDirectory: paths.state,
    path: environment["PATH"],
    warn,
  });
}
