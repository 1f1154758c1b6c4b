/** What a host said instead of what was asked for, in words. */

import { EngineError, type ErrorCode } from "../../base/errors.ts";
import { readSmall } from "./body.ts";
import type { Responded } from "./http.ts";

/** What a hint may name. */
export interface HintPlace {
  /** The command that logs in to the host. */
  readonly login: string;
  /** Of the files that can say more about the host; it may not be there. */
  readonly directory: string;
  /** The hosts.toml that names the host, if one does. */
  readonly file?: string;
}

export type Hint = string | ((place: HintPlace) => string);

/** Why a host was of no use. */
export interface Refusal {
  readonly code: ErrorCode;
  /** What it said, bounded and on one line. */
  readonly said: string;
  /** HTTP status; absent if there was no answer. */
  readonly status?: number;
  /** Whether to ask again, and when; `once` where each try costs a minute. */
  readonly retry: "never" | "once" | "backoff" | { readonly afterMs: number };
  /** Whether the other scheme might do. */
  readonly isSchemeMismatch?: boolean;
  readonly hint?: Hint;
  readonly cause?: unknown;
}

const MAX_BODY = 8 * 1024;
const MAX_SAID = 300;

const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "permissionDenied",
  404: "notFound",
  405: "unimplemented",
  408: "unavailable",
  413: "resourceExhausted",
  416: "outOfRange",
  429: "resourceExhausted",
  501: "unimplemented",
};
const TRANSIENT: readonly number[] = [408, 429, 500, 502, 503, 504];

/** Reads a bounded piece of the body and lets go of the rest. */
export async function refusalOf(
  answer: Responded,
  timeoutMs: number,
): Promise<Refusal> {
  const { response } = answer;
  const { status } = response;
  const body = await readText(answer, timeoutMs);
  const saysTls = status === 400 && /to (an )?HTTPS/i.test(body);
  const reason = saysTls ? "it speaks https" : registryMessage(body);
  const title = `${status} ${response.statusText}`.trim();
  const hint = saysTls ? withTls : hintOf(status);
  return {
    code: STATUS_CODES[status] ??
      (status >= 500 ? "unavailable" : "failedPrecondition"),
    said: bounded(reason === "" ? title : `${title}: ${reason}`),
    status,
    retry: retryOf(response),
    isSchemeMismatch: saysTls || isBare400(response, body),
    ...hint === undefined ? {} : { hint },
  };
}

function hintOf(status: number): Hint | undefined {
  if (status === 401 || status === 403) return loginHint;
  if (status === 429) {
    return ({ login }) => `Wait; whoever logs in with ${login} may ask more`;
  }
  if (status < 500) return undefined;
  return ({ directory }) =>
    `Try again later; ${directory}/hosts.toml can name other hosts`;
}

/** Whoever may not have something is told so, or that it is not there. */
export function loginHint({ login }: HintPlace): string {
  return `Log in with ${login}, and check the image's name`;
}

function withTls({ file }: HintPlace): string {
  return file === undefined
    ? "Leave --plain-http out"
    : `Write https: in ${file}`;
}

/** What a server with TLS answers to a HEAD in the clear: no registry says so. */
function isBare400({ status, headers }: Response, body: string): boolean {
  return status === 400 && body === "" &&
    !headers.has("docker-distribution-api-version");
}

function retryOf({ status, headers }: Response): Refusal["retry"] {
  if (!TRANSIENT.includes(status)) return "never";
  const value = headers.get("retry-after");
  if (value === null) return "backoff";
  if (/^\d+$/.test(value)) return { afterMs: Number(value) * 1000 };
  const date = Date.parse(value);
  if (Number.isNaN(date)) return "backoff";
  return { afterMs: Math.max(0, date - Date.now()) };
}

/**
 * The messages of a body in the registry's form.
 * @see OCI distribution-spec 1.1, "Error Codes"
 */
function registryMessage(body: string): string {
  try {
    const parsed = JSON.parse(body);
    if (typeof parsed.details === "string") return parsed.details;
    if (typeof parsed.message === "string") return parsed.message;
    return (parsed.errors as { code?: string; message?: string }[])
      .map(({ code, message }) => message || code || "")
      .filter((text) => text !== "").join("; ");
  } catch {
    return body.startsWith("<") ? "" : body;
  }
}

/** What arrives in time says enough: the status is what counts. */
async function readText(
  answer: Responded,
  timeoutMs: number,
): Promise<string> {
  try {
    const bytes = await readSmall(answer, MAX_BODY, timeoutMs);
    return new TextDecoder().decode(bytes);
  } catch {
    return "";
  }
}

/** No control characters, no line breaks, not too much. */
export function bounded(text: string): string {
  // deno-lint-ignore no-control-regex
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").trim();
  return clean.length > MAX_SAID ? `${clean.slice(0, MAX_SAID)}…` : clean;
}

interface NetworkFailure {
  readonly pattern: RegExp;
  readonly said: (detail: string) => string;
  readonly retry: "never" | "once" | "backoff";
  readonly isSchemeMismatch?: boolean;
  readonly hint?: Hint;
}

const NETWORK_FAILURES: readonly NetworkFailure[] = [
  {
    pattern: /^no (answer|connection) within/,
    said: (detail) => detail,
    retry: "once",
  },
  {
    pattern: /connection refused|ECONNREFUSED/i,
    said: () => "connection refused",
    retry: "never",
  },
  {
    pattern: /dns error|ENOTFOUND|failed to lookup/i,
    said: () => "cannot find the host's address",
    retry: "backoff",
  },
  {
    pattern: /corrupt message|wrong version number|InvalidContentType/i,
    said: () => "it does not speak TLS",
    retry: "never",
    isSchemeMismatch: true,
    hint: ({ directory, file }) =>
      "If it is meant to be without TLS, " +
      (file === undefined
        ? "use --plain-http (of pull, push and login), or name it with http: " +
          `in ${directory}/hosts.toml`
        : `write http: in ${file}`),
  },
  {
    // What a server says that wants to know who asks.
    pattern: /received fatal alert/i,
    said: (detail) =>
      `it refuses our certificate, or the lack of it: ${detail}`,
    retry: "never",
    hint: ({ directory, file }) =>
      file === undefined
        ? `Put a certificate into ${directory}/client.cert, and its key into client.key`
        : `Name a certificate and its key with client in ${file}`,
  },
  {
    pattern: /NotValidForName|not valid for name/i,
    said: (detail) => `its certificate is another host's: ${detail}`,
    retry: "never",
    hint: "Use a name that the certificate is for, or --insecure",
  },
  {
    pattern: /certificate|UnknownIssuer|self.signed|CaUsed/i,
    said: (detail) => `its certificate is not trusted: ${detail}`,
    retry: "never",
    hint: ({ directory, file }) =>
      file === undefined
        ? `Put the authority's certificate into ${directory}/ca.crt, or use --insecure`
        : `Name the authority's certificate with ca in ${file}`,
  },
  {
    pattern: /requests to port \d+ are blocked/i,
    said: (detail) => detail,
    retry: "never",
  },
  {
    pattern: /connection reset|closed before|unexpected eof|ECONNRESET/i,
    said: () => "the connection broke off",
    retry: "backoff",
    isSchemeMismatch: true,
  },
];

/**
 * For a request that got no answer.
 * @param proxy that it went through, if it did
 */
export function refusalOfError(thrown: unknown, proxy?: URL): Refusal {
  // Not the host's fault: what is configured for it can't be used.
  if (thrown instanceof EngineError && thrown.code === "invalidArgument") {
    return ownFailure(thrown);
  }
  const detail = networkDetail(thrown);
  const known = NETWORK_FAILURES.find(({ pattern }) => pattern.test(detail));
  const said = bounded(known?.said(detail) ?? detail);
  return {
    code: "unavailable",
    said: proxy === undefined
      ? said
      : `${said}, through the proxy ${proxy.protocol}//${proxy.host}`,
    retry: known?.retry ?? "backoff",
    isSchemeMismatch: known === undefined || known.isSchemeMismatch === true,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    cause: thrown,
  };
}

function ownFailure(error: EngineError): Refusal {
  const { code, message, hint } = error;
  const said = bounded(message);
  return {
    code,
    said,
    retry: "never",
    ...hint === undefined ? {} : { hint },
    cause: error,
  };
}

/** The innermost reason, without URLs: they may be signed. */
function networkDetail(thrown: unknown): string {
  let error = thrown;
  while (error instanceof Error && error.cause instanceof Error) {
    error = error.cause;
  }
  const text = error instanceof Error
    ? `${"code" in error ? `${error.code} ` : ""}${error.message}`
    : String(error);
  return text.replace(/ for url \([^)]*\)/g, "")
    .replace(/^error sending request: /, "")
    .replace(/^client error \([^)]*\): /, "");
}
