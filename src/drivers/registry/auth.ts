/**
 * Answers challenges: keeps what each registry asked for and the tokens got.
 * @see distribution, docs: "Token Authentication Specification" and "OAuth2"
 */

import type { Context } from "../../base/context.ts";
import type { Challenge } from "./challenge.ts";
import { parseChallenges } from "./challenge.ts";
import type { Credential, CredentialProvider } from "./credentials.ts";
import type { Clock, Timing } from "./deps.ts";
import type { Refusal } from "./failure.ts";
import { isLoopback, type RegistryHost } from "./hosts.ts";
import type { Http } from "./http.ts";
import { basicHeader, fetchToken, type Token } from "./token.ts";

export type Authorization =
  | { readonly kind: "header"; readonly header: string }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** A registry and what is wanted of it. */
export interface Audience {
  readonly host: RegistryHost;
  /** Root of the API in use. */
  readonly base: URL;
  /** Sorted: `repository:library/alpine:pull`. */
  readonly scopes: readonly string[];
}

interface AuthDeps {
  readonly credentials: CredentialProvider;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly http: Http;
}

export class Authorizer {
  readonly #deps: AuthDeps;
  /** By origin: what it asked for last. */
  readonly #challenges = new Map<string, Challenge>();
  /** By origin and scopes. */
  readonly #tokens = new Map<string, Token>();
  readonly #pending = new Map<string, Promise<Token | Refusal>>();

  constructor(deps: AuthDeps) {
    this.#deps = deps;
  }

  /** What a registry is known to want; undefined before it was asked. */
  async prepare(
    ctx: Context,
    audience: Audience,
  ): Promise<Authorization | undefined> {
    const challenge = this.#challenges.get(audience.base.origin);
    if (challenge === undefined) return undefined;
    return await this.#authorize(ctx, audience, challenge);
  }

  /**
   * What to send after a 401.
   * @param sent the header that was not enough, if one was sent
   */
  async answer(
    ctx: Context,
    audience: Audience,
    header: string,
    sent: string | undefined,
  ): Promise<Authorization> {
    const challenges = parseChallenges(header);
    const challenge = challenges.find(({ scheme }) => scheme === "bearer") ??
      challenges.find(({ scheme }) => scheme === "basic");
    if (challenge === undefined) {
      return refused(
        `it asks for authorisation in no way that is known (${
          challenges.map(({ scheme }) => scheme).join(", ") || "none named"
        })`,
      );
    }
    this.#challenges.set(audience.base.origin, challenge);
    const key = cacheKey(audience);
    if (`Bearer ${this.#tokens.get(key)?.value}` === sent) {
      this.#tokens.delete(key);
    }
    return await this.#authorize(ctx, audience, challenge);
  }

  async #authorize(
    ctx: Context,
    audience: Audience,
    challenge: Challenge,
  ): Promise<Authorization> {
    if (challenge.scheme === "basic") return await this.#basic(ctx, audience);
    const key = cacheKey(audience);
    const cached = this.#tokens.get(key);
    if (cached !== undefined && cached.expiresAt > this.#deps.clock.now()) {
      return { kind: "header", header: `Bearer ${cached.value}` };
    }
    const token = await this.#tokenOnce(ctx, key, audience, challenge);
    if ("said" in token) return { kind: "refused", refusal: token };
    return { kind: "header", header: `Bearer ${token.value}` };
  }

  async #basic(ctx: Context, audience: Audience): Promise<Authorization> {
    const credential = await this.#credential(ctx, audience);
    if (credential?.kind !== "password") {
      return refused("it asks for a name and a password");
    }
    return { kind: "header", header: basicHeader(credential) };
  }

  /** Layers that start at once share one token. */
  async #tokenOnce(
    ctx: Context,
    key: string,
    audience: Audience,
    challenge: Challenge,
  ): Promise<Token | Refusal> {
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      try {
        return await pending;
      } catch {
        // The other caller was cancelled; we were perhaps not.
        ctx.signal.throwIfAborted();
      }
    }
    const own = this.#token(ctx, audience, challenge);
    this.#pending.set(key, own);
    try {
      const token = await own;
      if (!("said" in token)) this.#tokens.set(key, token);
      return token;
    } finally {
      if (this.#pending.get(key) === own) this.#pending.delete(key);
    }
  }

  async #token(
    ctx: Context,
    audience: Audience,
    { parameters }: Challenge,
  ): Promise<Token | Refusal> {
    const { realm, service } = parameters;
    if (realm === undefined || !URL.canParse(realm, audience.base)) {
      return refusal("it names no place where to get a token");
    }
    const url = new URL(realm, audience.base);
    const credential = await this.#credential(ctx, audience);
    if (credential !== undefined && exposes(url, audience.base)) {
      return refusal(
        `it wants its password sent in the clear to ${url.origin}`,
      );
    }
    return await fetchToken(ctx, this.#deps, {
      url,
      host: audience.host,
      service,
      scopes: audience.scopes,
      credential,
    });
  }

  #credential(
    ctx: Context,
    { base }: Audience,
  ): Promise<Credential | undefined> {
    return this.#deps.credentials.get(ctx, base.host);
  }
}

/** Plain http to another machine, from a registry that has TLS. */
function exposes(realm: URL, base: URL): boolean {
  return realm.protocol !== "https:" && base.protocol === "https:" &&
    !isLoopback(realm.hostname);
}

function cacheKey({ base, scopes }: Audience): string {
  return `${base.origin} ${scopes.join(" ")}`;
}

function refusal(said: string): Refusal {
  return {
    code: "unauthenticated",
    said,
    retry: "never",
    hint: ({ login }) => `Log in with ${login}`,
  };
}

function refused(said: string): Authorization {
  return { kind: "refused", refusal: refusal(said) };
}
