import { assertEquals, assertStrictEquals } from "@std/assert";
import { EngineError, internal } from "../../base/errors.ts";
import { explainNoRuntime } from "./runtimes.ts";

const RETRIEVE = "failed to create shim task: OCI runtime create failed: " +
  "unable to retrieve OCI runtime error (open /s/log.json: no such file or " +
  "directory): ";

/** Of containerd 1.7 and 2, and of our own daemon. */
const CASES: readonly (readonly [said: string, told: string])[] = [
  [
    `${RETRIEVE}exec: "nope": executable file not found in $PATH: unknown`,
    'Cannot find OCI runtime "nope"',
  ],
  [
    `${RETRIEVE}fork/exec /a/runc: no such file or directory: unknown`,
    'Cannot find OCI runtime "/a/runc"',
  ],
  ['Cannot find OCI runtime "nope"', 'Cannot find OCI runtime "nope"'],
  [
    'failed to resolve runtime path: runtime "io.containerd.nope.v1" binary ' +
    'not installed "containerd-shim-nope-v1": file does not exist: unknown',
    'Cannot find shim "containerd-shim-nope-v1"',
  ],
  [
    "failed to resolve runtime path: invalid custom binary path: stat " +
    "/a/containerd-shim-x-v2: no such file or directory: unknown",
    'Cannot find shim "/a/containerd-shim-x-v2"',
  ],
  [
    'Cannot find shim "containerd-shim-nope-v1" of runtime "a.nope.v1"',
    'Cannot find shim "containerd-shim-nope-v1"',
  ],
];

Deno.test("explainNoRuntime() says which program is missing", () => {
  for (const [said, told] of CASES) {
    const { message, hint } = EngineError.from(
      explainNoRuntime(internal(said)),
    );
    assertEquals(message, told);
    assertEquals(
      hint,
      "Install it where the daemon finds its programs, or name another with " +
        "--runtime",
    );
  }
});

Deno.test("explainNoRuntime() leaves alone what the command lacks", () => {
  const error = internal(
    "failed to create shim task: OCI runtime create failed: runc create " +
      'failed: unable to start container process: exec: "nope": executable ' +
      "file not found in $PATH: unknown",
  );
  assertStrictEquals(explainNoRuntime(error), error);
});
