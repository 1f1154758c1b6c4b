import type { KeepRequest } from "../../core/keeper.ts";
import { askedSharing } from "../../core/shared_paths.ts";

/**
 * Looks up whose namespaces a container joins: those may have been started anew
 * since it was.
 * @returns what to hold until its runtime has joined them
 * @throws {EngineError} if one of them does not run
 */
export async function shareAgain(
  { settings, bundle, namespace }: KeepRequest,
): Promise<Disposable | undefined> {
  const sharing = askedSharing(settings.asked);
  if (sharing === undefined) return undefined;
  const { shareNamespaces } = await import(
    "../../runtime/shared_namespaces.ts"
  );
  return shareNamespaces({ bundle, namespace }, sharing);
}
