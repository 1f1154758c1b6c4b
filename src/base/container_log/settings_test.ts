import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../errors.ts";
import { checkLogSettings, planLog } from "./settings.ts";

const plan = (driver: string, options: Record<string, string> = {}) =>
  planLog({ driver, options });

Deno.test("planLog() rotates as docker's options say", () => {
  const MiB = 1024 ** 2;
  assertEquals(plan("json-file"), {
    kind: "files",
    format: "json-file",
    maxBytes: 10 * MiB,
    maxFiles: 3,
  });
  assertEquals(plan("local", { "max-size": "1k", "max-file": "2" }), {
    kind: "files",
    format: "local",
    maxBytes: 1024,
    maxFiles: 2,
  });
  const { maxBytes } = { maxBytes: 0, ...plan("local", { "max-size": "-1" }) };
  assertEquals(maxBytes, Infinity);
  assertEquals(plan("none"), { kind: "none" });
  assertEquals(plan("journald", { mode: "blocking" }), { kind: "journald" });
  const address = "binary:///bin/logger?a=b";
  assertEquals(plan(address), { kind: "program", address });
});

Deno.test("checkLogSettings() says what is wrong", () => {
  const cases: readonly (readonly [string, Record<string, string>, string])[] =
    [
      ["syslog", {}, "logger: no log driver named 'syslog' is registered"],
      ["", {}, "logger: no log driver named '' is registered"],
      [
        "binary://",
        {},
        "logger: no log driver named 'binary://' is registered",
      ],
      [
        "json-file",
        { foo: "1" },
        "unknown log opt 'foo' for json-file log driver",
      ],
      [
        "none",
        { "max-size": "1m" },
        "unknown log opt 'max-size' for none log driver",
      ],
      ["json-file", { "max-file": "0" }, "max-file cannot be less than 1"],
      ["json-file", { "max-file": "1e2" }, `Cannot use max-file "1e2"`],
      ["json-file", { "max-size": "0" }, `Cannot use max-size "0"`],
      ["json-file", { "max-size": "x" }, `Cannot use max-size "x": not a size`],
      [
        "local",
        { compress: "true" },
        `Cannot use log option compress "true": not implemented`,
      ],
      ["local", { compress: "x" }, `Cannot use log option compress "x"`],
      ["local", { mode: "fast" }, "logger: logging mode not supported: fast"],
      [
        "local",
        { mode: "non-blocking" },
        `Cannot use log option mode "non-blocking": not implemented`,
      ],
    ];
  for (const [driver, options, message] of cases) {
    const error = assertThrows(
      () => checkLogSettings({ driver, options }),
      EngineError,
    );
    assertEquals(error.message, message);
    assertEquals(error.hint === "", false);
  }
});
