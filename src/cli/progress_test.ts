import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Progress, ProgressState } from "../core/progress.ts";
import type { Output } from "./command.ts";
import { displayWidth } from "./format/table.ts";
import { progressLines, progressStyle, progressView } from "./progress.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

function layer(change: Partial<Progress> = {}): Progress {
  return {
    kind: "layer",
    subject: DIGEST,
    state: "downloading",
    doneBytes: 1_500_000,
    totalBytes: 3_000_000,
    ...change,
  };
}

/** Keeps what is written. */
function screen(isTerminal: boolean): Output & { readonly text: string[] } {
  const text: string[] = [];
  const write = (part: string | Uint8Array) => {
    text.push(String(part));
  };
  return {
    text,
    write,
    writeMeanwhile: (part) => Promise.resolve(write(part)),
    line: (part = "") => write(`${part}\n`),
    isTerminal,
    columns: () => 80,
    rows: () => 24,
  };
}

Deno.test("progressLines() draws a bar that fits the terminal", () => {
  const [wide] = progressLines([layer()], { columns: 120, rows: 24 });
  assertEquals(
    wide,
    `abababababab: Downloading [${"=".repeat(25)}>${" ".repeat(24)}] 1.5MB/3MB`,
  );
  const [narrow] = progressLines([layer()], { columns: 30, rows: 24 });
  assertEquals(narrow, "abababababab: Downloading 1.5");
});

Deno.test("progressLines() shows no bar for what is over or has no size", () => {
  const lines = progressLines(
    [
      layer({ state: "done" }),
      layer({ state: "exists" }),
      layer({ totalBytes: 0 }),
      layer({
        kind: "image",
        subject: "alpine:1",
        state: "resolving",
        totalBytes: 0,
      }),
    ],
    { columns: 80, rows: 24 },
  );
  assertEquals(lines, [
    "abababababab: Done",
    "abababababab: Already exists",
    "abababababab: Downloading",
    "alpine:1: Resolving",
  ]);
});

Deno.test("progressLines() never draws more, or wider, than the terminal", () => {
  const states: readonly ProgressState[] = ["waiting", "downloading", "done"];
  const progress = fc.record({
    kind: fc.constant("layer" as const),
    subject: fc.string(),
    state: fc.constantFrom(...states),
    doneBytes: fc.nat(),
    totalBytes: fc.nat(),
  });
  fc.assert(fc.property(
    fc.array(progress),
    fc.integer({ min: 20, max: 200 }),
    fc.integer({ min: 3, max: 50 }),
    (all, columns, rows) => {
      const lines = progressLines(all, { columns, rows });
      assert(lines.length < rows);
      for (const line of lines) assert(displayWidth(line) < columns + 1, line);
    },
  ));
});

Deno.test("progressView() writes a line for each step where it can't draw", () => {
  const out = screen(false);
  const now = () => new Date(0);
  {
    using view = progressView({ out, style: "plain", now });
    view.onProgress(layer({ doneBytes: 0 }));
    view.onProgress(layer());
    view.onProgress(layer({ kind: "config" }));
    view.onProgress(layer({ state: "done" }));
  }
  assertEquals(out.text, [
    "abababababab: Downloading\n",
    "abababababab: Done\n",
  ]);
});

Deno.test("progressView() redraws in place, seldom, and draws the end", () => {
  const out = screen(true);
  let time = 1000;
  {
    using view = progressView({
      out,
      style: "bars",
      now: () => new Date(time),
    });
    view.onProgress(layer());
    time += 10;
    view.onProgress(layer({ doneBytes: 2_000_000 }));
    assertEquals(out.text.length, 1);
    view.onProgress(layer({ state: "done" }));
  }
  assertEquals(out.text.at(-1), "\x1b[1A\r\x1b[Kabababababab: Done\n\x1b[J");
});

Deno.test("progressStyle() draws on terminals only", () => {
  const env = (name: string) => name === "TERM" ? "xterm" : undefined;
  const loud = { quiet: false, env };
  assertEquals(progressStyle(screen(true), loud), "bars");
  assertEquals(
    progressStyle(screen(true), { ...loud, env: () => "dumb" }),
    "plain",
  );
  assertEquals(progressStyle(screen(false), loud), "plain");
  assertEquals(progressStyle(screen(true), { ...loud, quiet: true }), "quiet");
});
