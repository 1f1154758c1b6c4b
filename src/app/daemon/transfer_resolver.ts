/** Resolvers for clients that say how a registry is to be asked. */

import type { Services } from "../../core/services.ts";
import type { Resolver } from "../../core/registry.ts";
import type { OpenResolver, RegistryAccess } from "../../core/transfer.ts";
import { VERSION } from "../self.ts";

export interface ResolverDeps {
  readonly services: Services;
  /** Directories of `HOST/hosts.toml` where the client names none. */
  readonly registryDirs: readonly string[];
  /** Whether these are those of the services' own resolver. */
  readonly like: "services" | "nobody";
}

export function resolverOpener(deps: ResolverDeps): OpenResolver {
  return async (_ctx, access) => {
    if (deps.like === "services" && isPlain(access)) {
      return borrowed(deps.services.resolver);
    }
    return await openOwn(deps, access);
  };
}

/** Nothing is said: then it is asked as ever, with our own credentials. */
function isPlain(access: RegistryAccess): boolean {
  const { headers, ...others } = access;
  return Object.keys(headers).length === 0 && Object.keys(others).length === 0;
}

function borrowed(resolver: Resolver): Resolver & Disposable {
  return {
    resolve: (ctx, reference) => resolver.resolve(ctx, reference),
    fetcher: (reference) => resolver.fetcher(reference),
    pusher: (reference) => resolver.pusher(reference),
    [Symbol.dispose]: () => {},
  };
}

async function openOwn(
  { registryDirs }: ResolverDeps,
  access: RegistryAccess,
): Promise<Resolver & Disposable> {
  const { headers, hostDir, scheme, credentials, onExchange } = access;
  const { createResolver } = await import(
    "../../drivers/registry/resolver.ts"
  );
  const { createCredentialStore } = await import(
    "../../drivers/registry/credentials.ts"
  );
  const resolver = createResolver({
    credentials: credentials === undefined
      ? createCredentialStore((name) => Deno.env.get(name))
      : { get: credentials },
    configDirs: hostDir === undefined ? registryDirs : [hostDir],
    userAgent: `coracle/${VERSION}`,
    headers,
    ...scheme === "http" ? { trust: "plainHttp" } : {},
    ...onExchange === undefined ? {} : { onExchange },
  });
  return {
    resolve: (ctx, reference) => resolver.resolve(ctx, reference),
    fetcher: (reference) => resolver.fetcher(reference),
    pusher: (reference) => resolver.pusher(reference),
    [Symbol.dispose]() {
      resolver[Symbol.dispose]();
      access.close?.();
    },
  };
}
