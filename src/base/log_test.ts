import { assert, assertEquals } from "@std/assert";
import { createLogger, formatJson, formatText, type LogEntry } from "./log.ts";

const TIME = new Date("2026-01-02T03:04:05.678Z");

Deno.test("createLogger() drops entries below its level and joins fields", () => {
  const seen: LogEntry[] = [];
  const log = createLogger({
    level: "info",
    sink: (entry) => seen.push(entry),
    now: () => TIME,
  }).with({ image: "x" });
  log.debug("no");
  log.info("yes", { size: 3 });
  assertEquals(seen, [{
    time: TIME,
    level: "info",
    message: "yes",
    fields: { image: "x", size: 3 },
  }]);
});

Deno.test("formatText() quotes what is not a plain word", () => {
  assertEquals(
    formatText({
      time: TIME,
      level: "warn",
      message: `say "hi"`,
      fields: { a: "b/c", d: "e f", error: new Error("no way"), n: 1n },
    }),
    `time="2026-01-02T03:04:05.678Z" level=warn msg="say \\"hi\\"" a=b/c ` +
      `d="e f" error="no way" n=1`,
  );
});

Deno.test("formatText() leaves out what there is not, as formatJson() does", () => {
  const fields = { exitCode: undefined, id: "web" };
  const entry: LogEntry = {
    time: TIME,
    level: "info",
    message: "m",
    fields,
  };
  const line = 'time="2026-01-02T03:04:05.678Z" level=info msg="m" id=web';
  assertEquals(formatText(entry), line);
  assert(!formatJson(entry).includes("exitCode"));
});

Deno.test("formatJson() gives one object a line", () => {
  const line = formatJson({
    time: TIME,
    level: "error",
    message: "m",
    fields: { error: new Error("no"), big: 2n ** 60n },
  });
  assertEquals(JSON.parse(line), {
    level: "error",
    msg: "m",
    time: "2026-01-02T03:04:05.678Z",
    error: "no",
    big: "1152921504606846976",
  });
});
