import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { EngineError } from "../src/base/errors.ts";
import { background, type Context } from "../src/base/context.ts";
import type { PushSource } from "../src/core/registry.ts";
import type { RegistryDeps, Timing } from "../src/drivers/registry/deps.ts";
import { anonymous } from "../src/drivers/registry/credentials.ts";
import {
  createResolver,
  type RegistryResolver,
} from "../src/drivers/registry/resolver.ts";

export const ctx: Context = background();

/** Short enough that a test of every failure ends soon. */
export const QUICK: Partial<Timing> = {
  attempts: 3,
  backoffMs: 5,
  maxBackoffMs: 20,
  maxRetryAfterMs: 2_000,
  responseTimeoutMs: 400,
  uploadTimeoutMs: 2_000,
  stallMs: 400,
  windowBytes: 512,
};

export function quickResolver(
  overrides: Partial<RegistryDeps> = {},
): RegistryResolver {
  return createResolver({
    credentials: anonymous,
    configDirs: [],
    userAgent: "coracle/test",
    ...overrides,
    timing: { ...QUICK, ...overrides.timing },
  });
}

export async function rejection(
  promise: Promise<unknown>,
): Promise<EngineError> {
  try {
    await promise;
  } catch (error) {
    assertInstanceOf(error, EngineError, String(error));
    return error;
  }
  throw new Error("Expected a failure");
}

export async function readAll(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader({ mode: "byob" });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(64 * 1024));
    if (done) return new Uint8Array(await new Blob(chunks).arrayBuffer());
    chunks.push(value);
  }
}

/** Bytes that no compression or off-by-one leaves as they are. */
export function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0, x = 1; i < size; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = x >> 16;
  }
  return bytes;
}

export function text(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    typeof value === "string" ? value : JSON.stringify(value),
  );
}

export function sourceOf(bytes: Uint8Array<ArrayBuffer>): PushSource {
  return {
    open: (offset: number) =>
      Promise.resolve(
        new Blob([bytes.slice(offset)]).stream() as ReadableStream<
          Uint8Array<ArrayBuffer>
        >,
      ),
  };
}

/** As assertEquals, without a difference of megabytes in words. */
export function assertSameBytes(
  got: Uint8Array | undefined,
  wanted: Uint8Array,
): void {
  assertEquals(got?.length, wanted.length);
  assert(got?.every((byte, at) => byte === wanted[at]), "other bytes");
}
