import {
  createLogger,
  formatJson,
  formatText,
  type Logger,
  type LogLevel,
  type LogSink,
} from "../base/log.ts";

const encoder = new TextEncoder();

/** Writes entries to standard error, one line each. */
export function stderrSink(format: "text" | "json"): LogSink {
  const render = format === "json" ? formatJson : formatText;
  return (entry) => {
    writeAll(encoder.encode(render(entry) + "\n"));
  };
}

function writeAll(bytes: Uint8Array): void {
  try {
    let written = 0;
    while (written < bytes.length) {
      written += Deno.stderr.writeSync(bytes.subarray(written));
    }
  } catch {
    // Nobody reads our standard error any more: a log line is not worth dying.
  }
}

export interface LogOptions {
  readonly level?: LogLevel;
  readonly format?: "text" | "json";
}

/** The logger of a command line: warnings and errors unless told otherwise. */
export function stderrLogger(options: LogOptions = {}): Logger {
  const { level = "warn", format = "text" } = options;
  return createLogger({ level, sink: stderrSink(format) });
}
