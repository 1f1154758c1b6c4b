/** `login` and `logout`: what the command line calls. */

import type { Context } from "../../base/context.ts";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import { DEFAULT_DOMAIN, parseReference } from "../../base/reference.ts";
import { parseChallenges } from "./challenge.ts";
import { RegistryClient } from "./client.ts";
import { type CredentialStore, fixedCredential } from "./credentials.ts";
import { type RegistryDeps, withDefaults } from "./deps.ts";
import type { Refusal } from "./failure.ts";
import type { RegistryHost } from "./hosts.ts";
import { fetchToken } from "./token.ts";

export interface LoginOptions {
  /** Registry as the user writes it; Docker Hub if empty. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

export interface LoginResult {
  /** The registry's domain. */
  readonly server: string;
  /** A file's path or a helper's name. */
  readonly storedIn: string;
  /** "none" if the registry lets everybody in: the password is unproven. */
  readonly checked: "password" | "none";
}

type LoginDeps = Omit<RegistryDeps, "credentials"> & {
  readonly store: CredentialStore;
};

/**
 * Proves the password to the registry, then keeps it.
 * @throws {EngineError} `unauthenticated`; `unavailable` as a pull
 */
export async function login(
  ctx: Context,
  deps: LoginDeps,
  { server, username, password }: LoginOptions,
): Promise<LoginResult> {
  const domain = serverDomain(server);
  if (username === "" || password === "") {
    throw invalidArgument(`Cannot log in to "${domain}" without a password`, {
      hint: "Give a name with --username and a password on standard input",
    });
  }
  const credential = { kind: "password", username, password } as const;
  const credentials = fixedCredential(credential);
  using client = new RegistryClient(withDefaults({ ...deps, credentials }));
  const host = (await client.hosts(ctx, domain)).at(-1) as RegistryHost;
  const proof = await prove(ctx, client, host, credential);
  if (proof.kind === "refused") {
    const action = `log in to "${domain}" as "${username}"`;
    const { refusal } = proof;
    const hint = "Check the user name and the password";
    throw client.failure({ action, domain, capability: "resolve" }, [
      {
        host,
        refusal: refusal.status === 401 ? { ...refusal, hint } : refusal,
      },
    ]);
  }
  const kept = proof.identity === undefined
    ? credential
    : { kind: "identity", token: proof.identity } as const;
  const storedIn = await deps.store.set(ctx, keyOf(domain, host), kept);
  return { server: domain, storedIn, checked: proof.checked };
}

type Proof =
  | { kind: "proven"; checked: LoginResult["checked"]; identity?: string }
  | { kind: "refused"; refusal: Refusal };

async function prove(
  ctx: Context,
  client: RegistryClient,
  host: RegistryHost,
  credential: { kind: "password"; username: string; password: string },
): Promise<Proof> {
  const ping = { method: "GET", path: "/", scopes: [] } as const;
  // First without a word: what it asks for says how it checks.
  const open = await client.send(ctx, host, { ...ping, as: "anonymous" });
  if (open.kind === "response") {
    await open.response.body?.cancel();
    return { kind: "proven", checked: "none" };
  }
  if (open.refusal.status !== 401) return open;
  const answer = await client.send(ctx, host, ping);
  if (answer.kind === "refused") return answer;
  await answer.response.body?.cancel();
  const identity = await identityToken(
    ctx,
    client,
    host,
    open.headers?.get("www-authenticate") ?? "",
    credential,
  );
  return {
    kind: "proven",
    checked: "password",
    ...(identity === undefined ? {} : { identity }),
  };
}

/** A token to keep instead of the password, where the server gives one. */
async function identityToken(
  ctx: Context,
  client: RegistryClient,
  host: RegistryHost,
  header: string,
  credential: { kind: "password"; username: string; password: string },
): Promise<string | undefined> {
  const challenge = parseChallenges(header)
    .find(({ scheme }) => scheme === "bearer");
  const realm = challenge?.parameters["realm"];
  const base = client.baseOf(host);
  if (realm === undefined || !URL.canParse(realm, base)) return undefined;
  const { clock, timing } = client.deps;
  const token = await fetchToken(ctx, { http: client.http, clock, timing }, {
    url: new URL(realm, base),
    host,
    service: challenge?.parameters["service"],
    scopes: [],
    credential,
    wants: "identity",
  });
  return "said" in token ? undefined : token.identity;
}

export interface LogoutResult {
  readonly server: string;
  /** Where credentials were removed; absent if there were none. */
  readonly removedFrom?: string;
}

/** Forgets the credentials of a registry; the registry is not asked. */
export async function logout(
  ctx: Context,
  store: CredentialStore,
  server: string,
): Promise<LogoutResult> {
  const domain = serverDomain(server);
  const removedFrom = await store.delete(ctx, domain);
  return {
    server: domain,
    ...(removedFrom === undefined ? {} : { removedFrom }),
  };
}

/** `https://quay.io/` as people paste it is `quay.io`; nothing is Docker Hub. */
export function serverDomain(server: string): string {
  const text = server.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");
  if (text === "" || text === "index.docker.io") return DEFAULT_DOMAIN;
  try {
    const { domain } = parseReference(`${text}/x/y`);
    if (domain.toLowerCase() === text.toLowerCase()) return domain;
  } catch {
    // Said below in words that fit.
  }
  if (/^[\w-]+$/.test(text)) return text;
  throw new EngineError(
    "invalidArgument",
    `Cannot log in to "${server}": not a registry's host`,
    { hint: "Give a host, with :PORT if it needs one" },
  );
}

/** Credentials are asked for by the host that is used. */
function keyOf(domain: string, host: RegistryHost): string {
  return domain === DEFAULT_DOMAIN ? domain : host.base.host;
}
