import {
  createLogger,
  formatJson,
  formatText,
  LOG_LEVELS,
  type LogEntry,
  type Logger,
  type LogLevel,
} from "../base/log.ts";
import { isSecretName, redact } from "../base/redact.ts";

const encoder = new TextEncoder();

/** What is logged and how; may change while the program runs. */
export interface LogSettings {
  level: LogLevel;
  format: "text" | "json";
}

/** A logger to standard error, one line an entry, that follows `settings`. */
export function stderrLogger(settings: LogSettings): Logger {
  return createLogger({
    level: "trace",
    sink: (entry) => {
      if (isWanted(entry, settings)) {
        writeAll(encoder.encode(render(entry, settings)));
      }
    },
  });
}

function isWanted(entry: LogEntry, { level }: LogSettings): boolean {
  return LOG_LEVELS.indexOf(entry.level) >= LOG_LEVELS.indexOf(level);
}

function render(entry: LogEntry, { format }: LogSettings): string {
  const line = format === "json"
    ? formatJson(withoutSecrets(entry))
    : formatText(withoutSecrets(entry));
  return `${redact(line)}\n`;
}

function withoutSecrets(entry: LogEntry): LogEntry {
  if (!Object.keys(entry.fields).some(isSecretName)) return entry;
  const fields = Object.entries(entry.fields).map(([name, value]) =>
    [name, isSecretName(name) ? "***" : value] as const
  );
  return { ...entry, fields: Object.fromEntries(fields) };
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
