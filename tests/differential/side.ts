/** One of the two daemons that get the same calls. */

import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import type { ServiceDefinition } from "../../src/rpc/grpc/method.ts";

export interface Side extends AsyncDisposable {
  readonly name: "containerd" | "coracle";
  /** A directory of its own, which the answers may name. */
  readonly dir: string;
  readonly client: GrpcClient;
  /** What one step leaves for a later one. */
  readonly kept: Map<string, unknown>;
}

/**
 * One call, or a few that belong together. What it gives, or the code of what
 * it throws, must be the same on both sides.
 */
export type Step = readonly [
  name: string,
  run: (side: Side) => Promise<unknown>,
];

export const NAMESPACE = "differ";

export interface StepOptions {
  /** None if empty. */
  readonly namespace?: string;
  readonly lease?: string;
}

/** A message, or a part of one; wrong ones are among what is tried. */
export type Fields = Readonly<Record<string, unknown>>;

/** What calls a method of a service, by its name. */
export type Caller = (
  method: string,
  request?: Fields | readonly Fields[],
  options?: StepOptions,
) => Step[1];

/** Streams are collected; those of requests get all of an array. */
export function caller(
  definition: ServiceDefinition,
  defaults: StepOptions = {},
): Caller {
  return (method, request = {}, options = defaults) => async (side) => {
    const about = definition.methods[method];
    if (about === undefined) throw new TypeError(`No method ${method}`);
    const stub = side.client.stub(definition) as unknown as Readonly<
      // deno-lint-ignore no-explicit-any -- of any method
      Record<string, (input: unknown, options: unknown) => any>
    >;
    // deno-lint-ignore no-explicit-any -- as above
    const full = (it: unknown) => (about.requestType as any).fromPartial(it);
    const input = about.requestStream
      ? each([request].flat().map(full))
      : full(request);
    const call = stub[method]?.(input, {
      metadata: headers(options),
      timeoutMs: CALL_MS,
    });
    return about.responseStream ? await Array.fromAsync(call) : await call;
  };
}

const CALL_MS = 20_000;

export function headers(
  { namespace = NAMESPACE, lease }: StepOptions,
): Readonly<Record<string, string>> {
  return {
    ...namespace === "" ? {} : { "containerd-namespace": namespace },
    ...lease === undefined ? {} : { "containerd-lease": lease },
  };
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  for await (const value of values) yield value;
}

export function openSide(
  name: Side["name"],
  dir: string,
  path: string,
): Side {
  const client = new GrpcClient({ path });
  return {
    name,
    dir,
    client,
    kept: new Map(),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export async function digestOf(data: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes(data));
  return `sha256:${new Uint8Array(hash).toHex()}`;
}
