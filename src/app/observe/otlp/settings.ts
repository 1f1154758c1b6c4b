/**
 * Where traces go, by the variables that every program traced with
 * OpenTelemetry understands.
 * @see OpenTelemetry, "Environment Variable Specification", "OTLP Exporter"
 */

import { EngineError, invalidArgument } from "../../../base/errors.ts";
import { parseSampler, type Sampler } from "./sampler.ts";

export type OtlpProtocol = "http/json" | "http/protobuf";

export interface TraceSettings {
  readonly endpoint: URL;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "gzip" | "none";
  /** Path of certificates to trust beside the system's. */
  readonly certificate?: string;
  /** For one request. */
  readonly timeoutMs: number;
  /** Between requests. */
  readonly delayMs: number;
  /** Of spans that wait; more are dropped. */
  readonly mostQueued: number;
  /** Of spans in one request. */
  readonly mostSent: number;
  readonly sampler: Sampler;
  /** Who we are, `service.name` among others. */
  readonly resource: Readonly<Record<string, string>>;
}

/** A variable of the environment; empty is as good as unset. */
export type Environment = (name: string) => string | undefined;

const SERVICE_NAME = "coracle";

/** True if somebody wants traces; this is all that is asked where nobody does. */
export function isTracingWanted(env: Environment): boolean {
  if (env("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return false;
  if (env("OTEL_TRACES_EXPORTER") === "none") return false;
  return endpointOf(env) !== undefined;
}

/**
 * @param env of a process where `isTracingWanted()`
 * @throws {EngineError} `invalidArgument`; `unimplemented` for OTLP over gRPC
 */
export function traceSettings(env: Environment): TraceSettings {
  const certificate = traceVariable(env, "CERTIFICATE");
  const { name: serviceName, ...resource } = resourceOf(env);
  return {
    endpoint: parseEndpoint(endpointOf(env) ?? ""),
    protocol: parseProtocol(traceVariable(env, "PROTOCOL")),
    headers: parsePairs(traceVariable(env, "HEADERS")),
    compression: traceVariable(env, "COMPRESSION") === "gzip" ? "gzip" : "none",
    ...certificate === undefined ? {} : { certificate },
    timeoutMs: numberOf(traceVariable(env, "TIMEOUT"), 10_000),
    delayMs: numberOf(env("OTEL_BSP_SCHEDULE_DELAY"), 5_000),
    mostQueued: numberOf(env("OTEL_BSP_MAX_QUEUE_SIZE"), 2_048),
    mostSent: numberOf(env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), 512),
    sampler: parseSampler(
      env("OTEL_TRACES_SAMPLER"),
      env("OTEL_TRACES_SAMPLER_ARG"),
    ),
    resource: { ...resource, "service.name": serviceName ?? SERVICE_NAME },
  };
}

/** The variable for traces beats the one for all signals. */
function traceVariable(env: Environment, name: string): string | undefined {
  return env(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ??
    env(`OTEL_EXPORTER_OTLP_${name}`);
}

/** Of traces alone it is taken as it is; of all signals it is where they begin. */
function endpointOf(env: Environment): string | undefined {
  const own = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (own !== undefined) return own;
  const base = env("OTEL_EXPORTER_OTLP_ENDPOINT");
  return base === undefined
    ? undefined
    : `${base.replace(/\/+$/, "")}/v1/traces`;
}

function parseEndpoint(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
  }
  throw invalidArgument(`Cannot send traces to "${text}": not an http address`);
}

function parseProtocol(text = "http/protobuf"): OtlpProtocol {
  if (text === "http/protobuf" || text === "http/json") return text;
  throw new EngineError(
    text === "grpc" ? "unimplemented" : "invalidArgument",
    `Cannot send traces by "${text}"`,
    {
      hint: `Set OTEL_EXPORTER_OTLP_PROTOCOL to "http/protobuf" or ` +
        `"http/json", and the endpoint to the collector's port for HTTP (4318)`,
    },
  );
}

function resourceOf(env: Environment): Readonly<Record<string, string>> {
  const { "service.name": named, ...attributes } = parsePairs(
    env("OTEL_RESOURCE_ATTRIBUTES"),
  );
  const name = env("OTEL_SERVICE_NAME") ?? named;
  return name === undefined ? attributes : { ...attributes, name };
}

/** `a=1,b=%20`, as W3C's baggage. What is no pair is left out. */
export function parsePairs(text = ""): Record<string, string> {
  const pairs = text.split(",").flatMap((pair) => {
    const equals = pair.indexOf("=");
    if (equals < 1) return [];
    const name = pair.slice(0, equals).trim();
    return [[name, decoded(pair.slice(equals + 1).trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The specification wants what is no number to be left alone. */
function numberOf(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? NaN);
  return Number.isInteger(value) && value > 0 ? value : otherwise;
}
