/** The logging interface; sinks are injected by the composition root. */

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every entry. */
  with(fields: LogFields): Logger;
}

export interface LogEntry {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export type LogSink = (entry: LogEntry) => void;

interface LoggerOptions {
  readonly level: LogLevel;
  readonly sink: LogSink;
  readonly fields?: LogFields;
  readonly now?: () => Date;
}

/** A logger that passes entries at or above `level` to `sink`. */
export function createLogger(options: LoggerOptions): Logger {
  const { level, sink, fields = {}, now = () => new Date() } = options;
  const least = LOG_LEVELS.indexOf(level);
  const at = (entryLevel: LogLevel) => {
    const enabled = LOG_LEVELS.indexOf(entryLevel) >= least;
    return (message: string, more?: LogFields): void => {
      if (!enabled) return;
      const all = more === undefined ? fields : { ...fields, ...more };
      sink({ time: now(), level: entryLevel, message, fields: all });
    };
  };
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (more) =>
      createLogger({ ...options, fields: { ...fields, ...more } }),
  };
}

/** Drops everything. */
export const silentLogger: Logger = createLogger({
  level: "error",
  sink: () => {},
});

/** One line in logrus' text form: `time=… level=… msg="…" key=value`. */
export function formatText(entry: LogEntry): string {
  const head = `time="${entry.time.toISOString()}" level=${entry.level} ` +
    `msg=${JSON.stringify(entry.message)}`;
  const rest = Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${formatValue(value)}`);
  return head + rest.join("");
}

/** One line in logrus' JSON form. */
export function formatJson(entry: LogEntry): string {
  const fields = Object.fromEntries(
    Object.entries(entry.fields).map(([key, value]) => [key, plain(value)]),
  );
  return JSON.stringify({
    level: entry.level,
    msg: entry.message,
    time: entry.time.toISOString(),
    ...fields,
  });
}

function plain(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  if (typeof value === "bigint") return value.toString();
  return value;
}

function formatValue(value: unknown): string {
  const text = typeof value === "object" && !(value instanceof Error)
    ? JSON.stringify(value)
    : String(plain(value));
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text);
}
