/** The registry driver: `Resolver` of the core over the distribution-spec. */

import type { Context } from "../../base/context.ts";
import { dataLoss, failedPrecondition } from "../../base/errors.ts";
import { formatReference, type Reference } from "../../base/reference.ts";
import type { Fetcher, Pusher, Resolver } from "../../core/registry.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import { isSchema1 } from "../../oci/media_types.ts";
import { RegistryClient } from "./client.ts";
import { type RegistryDeps, withDefaults } from "./deps.ts";
import { RegistryFetcher } from "./fetcher.ts";
import type { Capability } from "./hosts.ts";
import { headManifest } from "./manifest.ts";
import { RegistryPusher } from "./pusher.ts";

/** One host that would be asked, as `registry explain` shows it. */
export interface HostExplanation {
  /** Root of the API. */
  readonly url: string;
  /** Root that is tried if `url` does not speak its scheme. */
  readonly alternative?: string;
  readonly capabilities: readonly Capability[];
  readonly certificates: "verify" | "skipVerify";
  /** Paths of certificates that are trusted besides the system's. */
  readonly authorities: readonly string[];
  /** The file that says so, or "built-in default". */
  readonly source: string;
  /** Name that would be sent; absent for none. */
  readonly username?: string;
}

export interface RegistryResolver extends Resolver, Disposable {
  /** The hosts that would be asked, in order; nothing is sent. */
  explain(
    ctx: Context,
    reference: Reference,
  ): Promise<readonly HostExplanation[]>;
}

export function createResolver(deps: RegistryDeps): RegistryResolver {
  return new DistributionResolver(deps);
}

class DistributionResolver implements RegistryResolver {
  readonly #client: RegistryClient;

  constructor(deps: RegistryDeps) {
    this.#client = new RegistryClient(withDefaults(deps));
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async resolve(ctx: Context, reference: Reference): Promise<Descriptor> {
    const name = formatReference(reference);
    const descriptor = await this.#client.firstOf(ctx, {
      action: `resolve "${name}"`,
      domain: reference.domain,
      capability: "resolve",
    }, (host) => headManifest(ctx, this.#client, host, reference));
    if (isSchema1(descriptor.mediaType)) {
      throw failedPrecondition(
        `Cannot use "${name}": its manifest is of schema version 1`,
        { hint: "Push the image again with a client of this decade" },
      );
    }
    const { digest } = reference;
    if (digest !== undefined && digest !== descriptor.digest) {
      throw dataLoss(
        `Cannot use "${name}": the registry answered with "${descriptor.digest}"`,
      );
    }
    return descriptor;
  }

  fetcher(reference: Reference): Fetcher {
    return new RegistryFetcher(this.#client, reference);
  }

  pusher(reference: Reference): Pusher {
    return new RegistryPusher(this.#client, reference);
  }

  async explain(
    ctx: Context,
    reference: Reference,
  ): Promise<readonly HostExplanation[]> {
    const hosts = await this.#client.hosts(ctx, reference.domain);
    return await Promise.all(hosts.map(async (host) => {
      const credential = await this.#client.deps.credentials
        .get(ctx, host.base.host);
      return {
        url: host.base.href,
        ...(host.alternative === undefined
          ? {}
          : { alternative: host.alternative.href }),
        capabilities: [...host.capabilities],
        certificates: host.tls.certificates,
        authorities: host.tls.authorities,
        source: host.source,
        ...(credential?.kind === "password"
          ? { username: credential.username }
          : {}),
      };
    }));
  }
}
