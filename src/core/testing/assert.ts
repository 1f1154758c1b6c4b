import { assertEquals } from "@std/assert";
import { EngineError, type ErrorCode } from "../../base/errors.ts";

/** Asserts that `body` throws an `EngineError` of this code, and returns it. */
export async function assertCode(
  code: ErrorCode,
  body: () => unknown,
): Promise<EngineError> {
  let thrown: unknown;
  try {
    await body();
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof EngineError)) {
    throw new Error(`Expected "${code}", but got ${String(thrown)}`, {
      cause: thrown,
    });
  }
  assertEquals(thrown.code, code, thrown.message);
  return thrown;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(items);
}
