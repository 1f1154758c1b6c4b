/** What two daemons have answered, made comparable and compared. */

import { EngineError } from "../../src/base/errors.ts";
import type { Side, Step } from "./side.ts";

export interface Difference {
  readonly step: string;
  /** Of a field of the answer: `containers.0.labels.a`. */
  readonly path: string;
  readonly containerd: unknown;
  readonly coracle: unknown;
}

/** What a step gave: the plain answer, or what went wrong. */
export async function outcome([, run]: Step, side: Side): Promise<unknown> {
  try {
    return { answer: plain(await run(side), side) };
  } catch (thrown) {
    const { code, message } = EngineError.from(thrown);
    if (code === "unknown" && !(thrown instanceof EngineError)) throw thrown;
    return { code, message: plain(message, side) };
  }
}

/** Paths of snapshots differ, and that is nobody's business. */
const SNAPSHOT_PATH = /\/[^\s,:"]*\/snapshots\/(?:\w+\/)?\d+/g;

function plain(value: unknown, side: Side, key = ""): unknown {
  // A message without a time and one at the beginning of time say the same.
  if (value instanceof Date) {
    return value.getTime() > 0 ? "<time>" : undefined;
  }
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return plain(textOf(value), side, key);
  if (typeof value === "string") {
    return value.replaceAll(SNAPSHOT_PATH, "<snapshot>")
      .replaceAll(side.dir, "<dir>")
      .replaceAll(`-${side.name}/`, "-<side>/");
  }
  if (/pid$/i.test(key) && typeof value === "number" && value > 0) {
    return "<pid>";
  }
  if (Array.isArray(value)) return value.map((it) => plain(it, side, key));
  if (value instanceof Map) return plain(Object.fromEntries(value), side);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, it]) => [key, plain(it, side, key)]),
  );
}

function textOf(value: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch {
    return value.toHex();
  }
}

/** Messages of errors are for people: only their codes must be alike. */
const IGNORED: ReadonlySet<string> = new Set(["message"]);

export function differences(
  step: string,
  containerd: unknown,
  coracle: unknown,
  path = "",
): readonly Difference[] {
  if (isTable(containerd) && isTable(coracle)) {
    const keys = new Set([...Object.keys(containerd), ...Object.keys(coracle)]);
    return [...keys].filter((key) => path !== "" || !IGNORED.has(key))
      .flatMap((key) =>
        differences(
          step,
          containerd[key],
          coracle[key],
          path === "" ? key : `${path}.${key}`,
        )
      );
  }
  return Object.is(containerd, coracle)
    ? []
    : [{ step, path, containerd, coracle }];
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
