/** Which hosts have sent what, and which of them have sent something else. */

import type { Digest } from "../../base/digest.ts";
import type { EngineError } from "../../base/errors.ts";
import { bounded, type Refusal } from "./failure.ts";
import type { RegistryHost } from "./hosts.ts";
import { lie } from "./manifest.ts";

export class Senders {
  /** Roots of hosts that have sent some of it. */
  readonly #senders = new Map<Digest, Set<string>>();
  /** By root of the host. */
  readonly #refusals = new Map<Digest, Map<string, Refusal>>();

  add(digest: Digest, { base }: RegistryHost): void {
    const senders = this.#senders.get(digest) ?? new Set();
    this.#senders.set(digest, senders.add(base.href));
  }

  /**
   * What came was wrong. Of several who have sent parts of it nobody knows
   * whose fault it is.
   * @returns the roots of those who are not to be asked any more
   */
  distrust(digest: Digest, error: EngineError): readonly string[] | "nobody" {
    const senders = [...this.#senders.get(digest) ?? []];
    if (senders.length === 0) return "nobody";
    this.#senders.delete(digest);
    const refusals = this.#refusals.get(digest) ?? new Map();
    this.#refusals.set(digest, refusals);
    const refusal = lie(`it sends something else: ${bounded(error.message)}`);
    for (const sender of senders) refusals.set(sender, refusal);
    return senders;
  }

  /** What a host is taken to say that has sent something else. */
  refusal(digest: Digest, { base }: RegistryHost): Refusal | undefined {
    return this.#refusals.get(digest)?.get(base.href);
  }
}
