/** Values of named types between wire and domain: the bytes stay as they are. */

import type { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";

export function toAny(value: TypedValue): Any;
export function toAny(value: TypedValue | undefined): Any | undefined;
export function toAny(value: TypedValue | undefined): Any | undefined {
  return value === undefined
    ? undefined
    : { typeUrl: value.typeUrl, value: value.value };
}

/** One without a type is none. */
export function fromAny(any: Any | undefined): TypedValue | undefined {
  return any === undefined || any.typeUrl === "" ? undefined : any;
}

/** @throws {EngineError} `invalidArgument` if it is absent */
export function requireAny(any: Any | undefined, what: string): TypedValue {
  const value = fromAny(any);
  if (value !== undefined) return value;
  throw invalidArgument(`Cannot do without ${what}`);
}
