/** What an ingest is called in the backend, which all namespaces share. */

import type { Context } from "../../base/context.ts";

/** `NAMESPACE/REF`; no namespace has a slash in its name. */
export function backendRef({ namespace }: Context, ref: string): string {
  return `${namespace}/${ref}`;
}

/** Undefined for one that is not ours. */
export function parseBackendRef(
  name: string,
): { readonly namespace: string; readonly ref: string } | undefined {
  const at = name.indexOf("/");
  if (at < 1) return undefined;
  return { namespace: name.slice(0, at), ref: name.slice(at + 1) };
}
