/**
 * Progress of a transfer: on a terminal a line for each layer, redrawn in
 * place; elsewhere a line for each step that is done.
 */

import { isDigest, shortDigest } from "../base/digest.ts";
import type { OnProgress, Progress, ProgressState } from "../core/progress.ts";
import type { Output } from "./command.ts";
import { humanSize } from "./format/human.ts";
import { displayWidth } from "./format/table.ts";

export interface ProgressView extends Disposable {
  readonly onProgress: OnProgress;
}

interface ViewOptions {
  readonly out: Output;
  readonly style: "quiet" | "plain" | "bars";
  readonly now: () => Date;
}

interface StyleOptions {
  readonly quiet: boolean;
  readonly env: (name: string) => string | undefined;
}

/** Bars on a terminal that can move its cursor, lines elsewhere. */
export function progressStyle(
  out: Output,
  { quiet, env }: StyleOptions,
): ViewOptions["style"] {
  if (quiet) return "quiet";
  return out.isTerminal && env("TERM") !== "dumb" ? "bars" : "plain";
}

/** Disposing draws the last state. */
export function progressView(options: ViewOptions): ProgressView {
  switch (options.style) {
    case "quiet":
      return { onProgress: () => {}, [Symbol.dispose]: () => {} };
    case "plain":
      return plainView(options.out);
    case "bars":
      return new BarsView(options);
    default:
      return options.style satisfies never;
  }
}

const STATE_TEXT: Readonly<Record<ProgressState, string>> = {
  resolving: "Resolving",
  waiting: "Waiting",
  downloading: "Downloading",
  unpacking: "Unpacking",
  uploading: "Uploading",
  mounted: "Mounted from another repository",
  exists: "Already exists",
  done: "Done",
};

/** States that nothing follows. */
const FINAL: readonly ProgressState[] = ["mounted", "exists", "done"];

function plainView(out: Output): ProgressView {
  const told = new Map<string, ProgressState>();
  return {
    onProgress: ({ kind, subject, state }) => {
      // Manifests and configs are small: their steps are noise in a log.
      if (kind !== "layer" && kind !== "image") return;
      if (told.get(subject) === state || state === "waiting") return;
      told.set(subject, state);
      out.line(`${nameOf(subject)}: ${STATE_TEXT[state]}`);
    },
    [Symbol.dispose]: () => {},
  };
}

function nameOf(subject: string): string {
  return isDigest(subject) ? shortDigest(subject) : subject;
}

/** Redrawing more often only burns time. */
const REDRAW_MS = 80;

class BarsView implements ProgressView {
  readonly #options: ViewOptions;
  readonly #latest = new Map<string, Progress>();
  #drawnLines = 0;
  #drawnAt = 0;

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  readonly onProgress: OnProgress = (progress) => {
    if (progress.kind !== "layer" && progress.kind !== "image") return;
    this.#latest.set(progress.subject, progress);
    const now = this.#options.now().getTime();
    if (now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#draw();
  };

  [Symbol.dispose](): void {
    if (this.#latest.size > 0) this.#draw();
  }

  #draw(): void {
    const { out } = this.#options;
    const lines = progressLines(
      [...this.#latest.values()],
      { columns: out.columns(), rows: out.rows() },
    );
    const up = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A` : "";
    const text = lines.map((line) => `\r\x1b[K${line}\n`).join("");
    // Lines that are no longer there are wiped, and taken back.
    out.write(`${up}${text}\x1b[J`);
    this.#drawnLines = lines.length;
  }
}

interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The lines of the display; what is done goes first if there are too many. */
export function progressLines(
  all: readonly Progress[],
  { columns, rows }: ScreenSize,
): readonly string[] {
  const room = Math.max(1, rows - 2);
  const isFinal = (progress: Progress) => FINAL.includes(progress.state);
  const shown = all.length <= room ? all : [
    ...all.filter((progress) => !isFinal(progress)),
    ...all.filter(isFinal),
  ].slice(0, room);
  return shown.map((progress) => progressLine(progress, columns));
}

/** Docker's width of a bar, between its brackets. */
const BAR_WIDTH = 50;

function progressLine(progress: Progress, columns: number): string {
  const { state, doneBytes, totalBytes, subject } = progress;
  const head = `${nameOf(subject)}: ${STATE_TEXT[state]}`;
  if (FINAL.includes(state) || totalBytes === 0) return fit(head, columns);
  const sizes = `${humanSize(doneBytes)}/${humanSize(totalBytes)}`;
  const padded = head.padEnd("0123456789ab: Downloading".length);
  const room = columns - padded.length - sizes.length - "  []  ".length;
  if (room < 10) return fit(`${padded} ${sizes}`, columns);
  const width = Math.min(BAR_WIDTH, room);
  return `${padded} [${bar(doneBytes / totalBytes, width)}] ${sizes}`;
}

function bar(share: number, width: number): string {
  const filled = Math.min(width, Math.max(0, Math.floor(share * width)));
  if (filled === width) return "=".repeat(width);
  return `${"=".repeat(filled)}>${" ".repeat(width - filled - 1)}`;
}

/** A line that wraps would be drawn over wrongly. */
function fit(line: string, columns: number): string {
  if (displayWidth(line) < columns) return line;
  return line.slice(0, Math.max(0, columns - 1));
}
