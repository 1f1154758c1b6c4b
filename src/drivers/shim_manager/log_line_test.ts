import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatJson, formatText, LOG_LEVELS } from "../../base/log.ts";
import { parseLogLine } from "./log_line.ts";

Deno.test("parseLogLine() gives level, message and fields when logrus wrote it", () => {
  const text =
    `time="2026-11-21T14:37:25.131" level=warning msg="cleaning \\"up\\"" ` +
    `id=k path=/run/x error="it is\\tgone"`;
  assertEquals(parseLogLine(text), {
    level: "warn",
    message: `cleaning "up"`,
    fields: { id: "k", path: "/run/x", error: "it is\tgone" },
  });
  const json = `{"level":"fatal","msg":"so","time":"x","pid":7}`;
  assertEquals(parseLogLine(json), {
    level: "error",
    message: "so",
    fields: { pid: 7 },
  });
  // Go's escapes that JSON does not know stay.
  assertEquals(
    parseLogLine(`level=info msg="\\x00"`).message,
    "\\x00",
  );
});

Deno.test("parseLogLine() takes a line as its message when it is something else", () => {
  for (
    const line of [
      "goroutine 1 [running]:",
      "{ no json",
      "null",
      "level=info",
      "level=loud msg=x",
      `level=info msg="open`,
      "",
    ]
  ) {
    assertEquals(parseLogLine(line), {
      level: "warn",
      message: line,
      fields: {},
    });
  }
});

Deno.test("parseLogLine() reads what our own log writes", () => {
  const field = fc.stringMatching(/^[a-z][a-zA-Z]{0,8}$/)
    .filter((name) => !["time", "level", "msg"].includes(name));
  fc.assert(fc.property(
    fc.constantFrom(...LOG_LEVELS),
    fc.string(),
    fc.dictionary(field, fc.string()),
    (level, message, given) => {
      const fields = { ...given };
      const entry = { time: new Date(0), level, message, fields };
      assertEquals(parseLogLine(formatText(entry)), { level, message, fields });
      assertEquals(parseLogLine(formatJson(entry)), { level, message, fields });
    },
  ));
});
