import { assertEquals } from "@std/assert";
import { lastError, startError } from "./start_failure.ts";

const line = (level: string, msg: string) =>
  JSON.stringify({ level, msg, time: "2026-01-01T00:00:00Z" });

Deno.test("lastError() finds the error among other lines", () => {
  const text = [
    line("warning", "a"),
    line("error", "b"),
    line("error", "c"),
    line("info", "d"),
    "cut off {",
    "",
  ].join("\n");
  assertEquals(lastError(text), "c");
  assertEquals(lastError(line("warning", "a")), undefined);
  assertEquals(lastError(""), undefined);
});

Deno.test("startError() gives docker's exit codes", () => {
  for (
    const [message, exitCode] of [
      [
        'runc run failed: unable to start container process: exec: "x": ' +
        "executable file not found in $PATH",
        127,
      ],
      [
        'runc run failed: unable to start container process: exec: "/x": ' +
        "stat /x: no such file or directory",
        127,
      ],
      [
        "executable file `x` not found in $PATH: No such file or directory",
        127,
      ],
      ['runc create failed: exec: "/etc": permission denied', 126],
      ["exec /x: exec format error", 126],
      ["unable to apply cgroup configuration: no such file or directory", 125],
      ["error mounting: permission denied", 125],
    ] as const
  ) assertEquals(startError("runc", message).exitCode, exitCode, message);
});

Deno.test("startError() speaks of an exec as docker does", () => {
  const exec = "exec failed: unable to start container process: ";
  const chdir = 'chdir to cwd ("/x") set in config.json failed: ';
  for (
    const [message, exitCode] of [
      [`${exec}exec: "x": executable file not found in $PATH`, 127],
      [`${exec}exec: "/x": stat /x: no such file or directory`, 127],
      ["executable file `x` not found: No such file or directory", 127],
      [`${exec}exec: "/etc": permission denied`, 126],
      [`${exec}${chdir}no such file or directory`, 126],
      [`${exec}${chdir}not a directory`, 126],
      ["chdir to `/x`: No such file or directory", 126],
      ["exec failed: cannot exec in a stopped container", 126],
    ] as const
  ) {
    const error = startError("runc", message, "exec");
    assertEquals(error.exitCode, exitCode, message);
    assertEquals(error.message, `OCI runtime exec failed: ${message}`);
  }
});
