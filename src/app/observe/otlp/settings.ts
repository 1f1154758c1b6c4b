/**
 * Where traces go, by the variables that every program traced with
 * OpenTelemetry understands.
 * @see OpenTelemetry, "Environment Variable Specification", "OTLP Exporter"
 */

import { EngineError, invalidArgument } from "../../../base/errors.ts";
import {
  isRatio,
  parseSampler,
  type Sampler,
  SAMPLER_NAMES,
} from "./sampler.ts";
import {
  countIn,
  type Environment,
  type IgnoredVariable,
  pairsIn,
  sensible,
  type Variables,
} from "./variables.ts";

export type OtlpProtocol = "http/json" | "http/protobuf";

const COMPRESSIONS = ["none", "gzip"] as const;
type Compression = typeof COMPRESSIONS[number];

export interface TraceSettings {
  readonly endpoint: URL;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: Compression;
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

const SERVICE_NAME = "coracle";

/** True if somebody wants traces; this is all that is asked where nobody does. */
export function isTracingWanted(env: Environment): boolean {
  if (env("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return false;
  if (env("OTEL_TRACES_EXPORTER") === "none") return false;
  return endpointOf(env) !== undefined;
}

/**
 * @param env of a process where `isTracingWanted()`
 * @param onIgnored told of variables whose values make no sense
 * @throws {EngineError} `invalidArgument`; `unimplemented` for OTLP over gRPC
 */
export function traceSettings(
  env: Environment,
  onIgnored: (ignored: IgnoredVariable) => void,
): TraceSettings {
  const variables = { env, onIgnored };
  const certificate = env(traceVariable(env, "CERTIFICATE"));
  const { name: serviceName, ...resource } = resourceOf(variables);
  return {
    endpoint: parseEndpoint(endpointOf(env) ?? ""),
    protocol: parseProtocol(env(traceVariable(env, "PROTOCOL"))),
    headers: pairsIn(variables, traceVariable(env, "HEADERS"), "secrets"),
    compression: compressionOf(variables),
    ...certificate === undefined ? {} : { certificate },
    timeoutMs: countIn(variables, traceVariable(env, "TIMEOUT"), 10_000),
    delayMs: countIn(variables, "OTEL_BSP_SCHEDULE_DELAY", 5_000),
    mostQueued: countIn(variables, "OTEL_BSP_MAX_QUEUE_SIZE", 2_048),
    mostSent: countIn(variables, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
    sampler: samplerOf(variables),
    resource: { ...resource, "service.name": serviceName ?? SERVICE_NAME },
  };
}

/** @returns its name: the variable for traces beats the one for all signals */
function traceVariable(env: Environment, name: string): string {
  const own = `OTEL_EXPORTER_OTLP_TRACES_${name}`;
  return env(own) === undefined ? `OTEL_EXPORTER_OTLP_${name}` : own;
}

function compressionOf(variables: Variables): Compression {
  const name = sensible(
    variables,
    traceVariable(variables.env, "COMPRESSION"),
    (text) => COMPRESSIONS.some((it) => it === text),
    COMPRESSIONS.join(", "),
  );
  return name === "gzip" ? "gzip" : "none";
}

function samplerOf(variables: Variables): Sampler {
  const name = sensible(
    variables,
    "OTEL_TRACES_SAMPLER",
    (text) => SAMPLER_NAMES.includes(text),
    SAMPLER_NAMES.join(", "),
  );
  const argument = sensible(
    variables,
    "OTEL_TRACES_SAMPLER_ARG",
    isRatio,
    "a number from 0 to 1",
  );
  return parseSampler(name, argument);
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

function resourceOf(variables: Variables): Readonly<Record<string, string>> {
  const { "service.name": named, ...attributes } = pairsIn(
    variables,
    "OTEL_RESOURCE_ATTRIBUTES",
    "attributes",
  );
  const name = variables.env("OTEL_SERVICE_NAME") ?? named;
  return name === undefined ? attributes : { ...attributes, name };
}
