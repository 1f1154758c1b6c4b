/** A registry's API: authorisation, choice of scheme and of host. */

import type { Context } from "../../base/context.ts";
import { type Attempt, combined, type Question } from "./attempts.ts";
import { type Authorization, Authorizer } from "./auth.ts";
import type { ResolvedDeps } from "./deps.ts";
import { loginHint, type Refusal } from "./failure.ts";
import { findHosts, type RegistryHost } from "./hosts.ts";
import { type Answer, Http, type HttpRequest } from "./http.ts";
import { Transport } from "./transport.ts";

export interface ApiRequest extends HttpRequest {
  /** Below the API's root (`/library/alpine/tags/list`), or a whole URL. */
  readonly path: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
  /** Whether it may be sent again after a failure. Default: yes. */
  readonly repeats?: "never";
  /** Sends no name and no token, and takes a 401 as the answer. */
  readonly as?: "anonymous";
}

/** A fresh token may be refused once because the one before was stale. */
const MAX_AUTHORIZATIONS = 2;

export class RegistryClient implements Disposable {
  readonly deps: ResolvedDeps;
  readonly #transport = new Transport();
  readonly #http: Http;
  readonly #authorizer: Authorizer;
  readonly #hosts = new Map<string, Promise<readonly RegistryHost[]>>();
  /** Root that answered, by a host's first choice. */
  readonly #settled = new Map<string, URL>();
  /** Root whose answer was given last, by a host's first choice. */
  readonly #heard = new Map<string, URL>();

  constructor(deps: ResolvedDeps) {
    this.deps = deps;
    this.#http = new Http({ ...deps, transport: this.#transport });
    this.#authorizer = new Authorizer({ ...deps, http: this.#http });
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }

  get http(): Http {
    return this.#http;
  }

  /** Every host that stands for a domain, in order. */
  hosts(ctx: Context, domain: string): Promise<readonly RegistryHost[]> {
    let hosts = this.#hosts.get(domain);
    if (hosts === undefined) {
      hosts = this.#findHosts(ctx, domain);
      this.#hosts.set(domain, hosts);
      hosts.catch(() => this.#hosts.delete(domain));
    }
    return hosts;
  }

  async #findHosts(
    ctx: Context,
    domain: string,
  ): Promise<readonly RegistryHost[]> {
    const { configDirs, trust, headers } = this.deps;
    const more = Object.entries(headers);
    const hosts = await findHosts(domain, {
      ...{ configDirs, trust },
      warn: (message) => ctx.log.warn(message),
    });
    return hosts.map((host) => ({
      ...host,
      headers: [...host.headers, ...more],
    }));
  }

  /** The root in use, once the scheme is known. */
  baseOf(host: RegistryHost): URL {
    return this.#settled.get(host.base.href) ?? host.base;
  }

  /** The error of a question that was answered like this. */
  failure(
    question: Omit<Question, "configDirs">,
    attempts: readonly Omit<Attempt, "base">[],
  ): Error {
    const { configDirs } = this.deps;
    return combined(
      { ...question, configDirs },
      attempts.map((attempt) => {
        const { host } = attempt;
        return {
          ...attempt,
          base: this.#heard.get(host.base.href) ?? host.base,
        };
      }),
    );
  }

  /**
   * Asks the hosts of `domain` that have the capability, one after the other.
   * @throws {EngineError} with what every host said, if none answers
   */
  async firstOf<T>(
    ctx: Context,
    question: Omit<Question, "configDirs">,
    ask: (host: RegistryHost) => Promise<T | Refusal>,
  ): Promise<T> {
    const attempts: Omit<Attempt, "base">[] = [];
    for (const host of await this.hosts(ctx, question.domain)) {
      if (!host.capabilities.has(question.capability)) continue;
      const result = await ask(host);
      if (!isRefusal(result)) return result;
      attempts.push({ host, refusal: result });
      ctx.log.debug("A registry host was of no use", {
        host: host.base.href,
        said: result.said,
      });
    }
    throw this.failure(question, attempts);
  }

  async send(
    ctx: Context,
    host: RegistryHost,
    request: ApiRequest,
  ): Promise<Answer> {
    const first = this.baseOf(host);
    this.#heard.set(host.base.href, first);
    const answer = await this.#sendTo(ctx, host, first, request);
    const settled = this.#settled.has(host.base.href);
    const { alternative } = host;
    if (settled || alternative === undefined) return answer;
    if (answer.kind === "response" || !answer.refusal.isSchemeMismatch) {
      if (hasAnswered(answer)) this.#settled.set(host.base.href, first);
      return answer;
    }
    const second = await this.#sendTo(ctx, host, alternative, request);
    if (hasAnswered(second)) this.#settled.set(host.base.href, alternative);
    // Of two failures, that of the right scheme says more.
    const isRight = second.kind === "response" ||
      !second.refusal.isSchemeMismatch;
    if (isRight) this.#heard.set(host.base.href, alternative);
    return isRight ? second : answer;
  }

  async #sendTo(
    ctx: Context,
    host: RegistryHost,
    base: URL,
    request: ApiRequest,
  ): Promise<Answer> {
    const ask = () => this.#authorized(ctx, host, base, request);
    if (request.repeats === "never") return await ask();
    return await this.#http.repeat(ctx, ask);
  }

  async #authorized(
    ctx: Context,
    host: RegistryHost,
    base: URL,
    request: ApiRequest,
  ): Promise<Answer> {
    const url = apiUrl(host, base, request);
    // An upload's location may be on another host: no authorisation for it.
    const isAuthorized = url.host === base.host && request.as !== "anonymous";
    const audience = { host, base, scopes: [...request.scopes].sort() };
    let authorization = isAuthorized
      ? await this.#authorizer.prepare(ctx, audience)
      : undefined;
    for (let granted = 0;; granted++) {
      if (authorization?.kind === "refused") return authorization;
      const sent = authorization?.header;
      const target = {
        url,
        host: url.host === base.host ? host : { tls: host.tls, headers: [] },
        ...(sent === undefined ? {} : { authorization: sent }),
      };
      const answer = await this.#http.exchange(ctx, target, request);
      const challenge = challengeOf(answer);
      if (challenge === undefined || !isAuthorized) return answer;
      const next = await this.#next(ctx, audience, challenge, sent, granted);
      if (next === undefined) return withLoginHint(answer, sent);
      authorization = next;
    }
  }

  /** Undefined if there is nothing else that could be sent. */
  async #next(
    ctx: Context,
    audience: { host: RegistryHost; base: URL; scopes: readonly string[] },
    challenge: string,
    sent: string | undefined,
    granted: number,
  ): Promise<Authorization | undefined> {
    if (granted >= MAX_AUTHORIZATIONS) return undefined;
    const next = await this.#authorizer.answer(ctx, audience, challenge, sent);
    return next.kind === "header" && next.header === sent ? undefined : next;
  }
}

function apiUrl(host: RegistryHost, base: URL, request: ApiRequest): URL {
  const url = request.path instanceof URL
    ? new URL(request.path)
    : new URL(base.href.replace(/\/$/, "") + request.path);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    url.searchParams.set(name, value);
  }
  if (host.mirrorOf !== undefined && !(request.path instanceof URL)) {
    url.searchParams.set("ns", host.mirrorOf);
  }
  return url;
}

function challengeOf(answer: Answer): string | undefined {
  if (answer.kind === "response" || answer.refusal.status !== 401) {
    return undefined;
  }
  return answer.headers?.get("www-authenticate") ?? undefined;
}

function withLoginHint(answer: Answer, sent: string | undefined): Answer {
  if (answer.kind === "response") return answer;
  const said = sent === undefined
    ? answer.refusal.said
    : `it refuses what it was sent to authorise: ${answer.refusal.said}`;
  return {
    ...answer,
    refusal: { ...answer.refusal, said, hint: loginHint },
  };
}

/** True for whatever came over HTTP of the right scheme. */
function hasAnswered(answer: Answer): boolean {
  return answer.kind === "response" ||
    answer.refusal.status !== undefined && !answer.refusal.isSchemeMismatch;
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "said" in value &&
    "retry" in value;
}
