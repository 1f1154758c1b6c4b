import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { argumentsAgain, parseDaemonLine } from "./flags.ts";

Deno.test("parseDaemonLine() takes flags as Go does", () => {
  for (
    const args of [
      ["--config", "/c", "--log-level=debug"],
      ["-config", "/c", "-log-level", "debug"],
      ["-c", "/c", "-l=debug"],
    ]
  ) {
    assertEquals(parseDaemonLine(args), {
      program: "containerd",
      command: "serve",
      flags: { config: "/c", logLevel: "debug" },
    });
  }
});

Deno.test("parseDaemonLine() takes levels as containerd does", () => {
  for (const level of ["DEBUG", "warning", "Panic"]) {
    const { flags } = parseDaemonLine(["--log-level", level]);
    assertEquals(flags, { logLevel: level });
  }
});

Deno.test("parseDaemonLine() knows the configuration's commands", () => {
  const { program, command, flags } = parseDaemonLine(
    ["daemon", "config", "--config", "/c", "dump"],
  );
  assertEquals([program, command, flags], [
    "coracle",
    "dump",
    { config: "/c" },
  ]);
});

Deno.test("parseDaemonLine() refuses what it does not know", () => {
  for (
    const args of [
      ["--bogus"],
      ["bogus"],
      ["config"],
      ["config", "dump", "x"],
      ["--root"],
      ["--log-level", "loud"],
      ["--log-format=xml"],
    ]
  ) {
    assertThrows(() => parseDaemonLine(args), EngineError);
  }
});

Deno.test("argumentsAgain() keeps the name that the program was called by", () => {
  const args = ["--root", "/r"];
  const again = argumentsAgain(parseDaemonLine(args), args);
  assertEquals(parseDaemonLine(again), parseDaemonLine(args));
  const ours = ["daemon", ...args];
  assertEquals(argumentsAgain(parseDaemonLine(ours), ours), ours);
});
