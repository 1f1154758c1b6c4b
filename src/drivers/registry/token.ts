/** Fetches one bearer token from the place that a challenge names. */

import type { Context } from "../../base/context.ts";
import { readSmall } from "./body.ts";
import type { Credential } from "./credentials.ts";
import type { Clock, Timing } from "./deps.ts";
import type { Refusal } from "./failure.ts";
import type { RegistryHost } from "./hosts.ts";
import type { Http, HttpRequest, Responded, Target } from "./http.ts";

export interface Token {
  readonly value: string;
  /** By the clock that was given. */
  readonly expiresAt: number;
  /** Stands for the password from now on, if the server gives one. */
  readonly identity?: string;
}

export interface TokenRequest {
  readonly url: URL;
  readonly host: RegistryHost;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credential: Credential | undefined;
  /** Asks for an identity token too, as a login does. */
  readonly wants?: "identity";
}

interface TokenDeps {
  readonly http: Http;
  readonly clock: Clock;
  readonly timing: Timing;
}

/** What a token lives if its server does not say, by the specification. */
const DEFAULT_LIFE_S = 60;
const CLIENT_ID = "coracle";
const MAX_TOKEN_BODY = 1024 * 1024;

export async function fetchToken(
  ctx: Context,
  deps: TokenDeps,
  request: TokenRequest,
): Promise<Token | Refusal> {
  const [target, wire] = request.credential?.kind === "identity"
    ? byRefreshToken(request, request.credential.token)
    : byPassword(request);
  const askedAt = deps.clock.now();
  const answer = await deps.http.repeat(
    ctx,
    () => deps.http.exchange(ctx, target, wire),
  );
  const where = `token server ${request.url.origin}`;
  if (answer.kind === "refused") {
    const { refusal } = answer;
    // It has been asked again and again: whoever asks for the token need not.
    return { ...refusal, retry: "never", said: `${where}: ${refusal.said}` };
  }
  const token = await readToken(answer, askedAt, deps.timing);
  return token ?? {
    code: "unavailable",
    said: `${where}: its answer holds no token`,
    retry: "never",
  };
}

/** GET with the password, if there is one, as Docker asks. */
function byPassword(request: TokenRequest): [Target, HttpRequest] {
  const { url: realm, host, service, scopes, credential } = request;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credential?.kind !== "password") {
    return [{ url, host: bare(host) }, { method: "GET" }];
  }
  url.searchParams.set("account", credential.username);
  url.searchParams.set("client_id", CLIENT_ID);
  if (request.wants === "identity") {
    url.searchParams.set("offline_token", "true");
  }
  const authorization = basicHeader(credential);
  return [{ url, host: bare(host), authorization }, { method: "GET" }];
}

/** POST of OAuth 2, which knows refresh tokens. */
function byRefreshToken(
  { url, host, service, scopes }: TokenRequest,
  refreshToken: string,
): [Target, HttpRequest] {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id: CLIENT_ID,
    service: service ?? "",
    scope: scopes.join(" "),
  });
  return [{ url, host: bare(host) }, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: () => Promise.resolve(form.toString()),
  }];
}

/** The registry's headers are not for its token server. */
function bare({ tls }: RegistryHost): Target["host"] {
  return { tls, headers: [] };
}

async function readToken(
  answer: Responded,
  askedAt: number,
  timing: Timing,
): Promise<Token | undefined> {
  const body = await readJson(answer, timing);
  const value = body?.["token"] || body?.["access_token"];
  if (typeof value !== "string" || value === "") return undefined;
  const seconds = Number(body?.["expires_in"]) || DEFAULT_LIFE_S;
  const identity = body?.["refresh_token"];
  return {
    value,
    // A tenth less, so that it does not expire on its way.
    expiresAt: askedAt + Math.max(seconds, DEFAULT_LIFE_S) * 900,
    ...(typeof identity === "string" && identity !== "" ? { identity } : {}),
  };
}

export function basicHeader(
  { username, password }: { username: string; password: string },
): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${bytes.toBase64()}`;
}

async function readJson(
  answer: Responded,
  timing: Timing,
): Promise<Record<string, unknown> | undefined> {
  try {
    const bytes = await readSmall(answer, MAX_TOKEN_BODY, timing.stallMs);
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
