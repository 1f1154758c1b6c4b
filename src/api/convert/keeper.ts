/** Our shim's own service between wire and domain. */

import type {
  AttachInput as WireInput,
  AttachOutput as WireOutput,
} from "../../../proto/gen/coracle/shim/v1/keeper.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import { fromExit, toExit } from "./shim_task.ts";

export function toInput(input: AttachInput): WireInput {
  switch (input.kind) {
    case "stdin":
      return { input: { $case: "stdin", value: input.bytes } };
    case "endOfStdin":
      return { input: { $case: "endOfStdin", value: {} } };
    case "size": {
      const { columns, rows } = input;
      return { input: { $case: "size", value: { columns, rows } } };
    }
    default:
      return input satisfies never;
  }
}

/** @throws {EngineError} `invalidArgument` for what nobody has defined */
export function fromInput({ input }: WireInput): AttachInput {
  switch (input?.$case) {
    case "stdin":
      return { kind: "stdin", bytes: input.value };
    case "endOfStdin":
      return { kind: "endOfStdin" };
    case "size":
      return { kind: "size", ...input.value };
    case "start":
    case undefined:
      throw invalidArgument("Cannot take this as input");
    default:
      return input satisfies never;
  }
}

export function toOutput(output: AttachOutput): WireOutput {
  switch (output.kind) {
    case "stdout":
    case "stderr":
      return { output: { $case: output.kind, value: output.bytes } };
    case "exit":
      return { output: { $case: "exit", value: toExit(output.status) } };
    default:
      return output satisfies never;
  }
}

/** Undefined for what says nothing of the container. */
export function fromOutput({ output }: WireOutput): AttachOutput | undefined {
  switch (output?.$case) {
    case "stdout":
    case "stderr":
      return { kind: output.$case, bytes: output.value };
    case "exit":
      return { kind: "exit", status: fromExit(output.value) };
    case "attached":
    case undefined:
      return undefined;
    default:
      return output satisfies never;
  }
}
