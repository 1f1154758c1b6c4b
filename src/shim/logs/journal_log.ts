/** A log in systemd's journal, with the fields that docker sends. */

import { journalMessage } from "../../base/container_log/journal_fields.ts";
import {
  type EntryEnd,
  LineSplitter,
  type LogStream,
} from "../../base/container_log/line_splitter.ts";
import { EngineError } from "../../base/errors.ts";
import { connectDatagram, type DatagramSocket } from "../../sys/datagram.ts";
import type { LogWriter, LogWriterDeps } from "./log_writer.ts";

export const JOURNAL_SOCKET = "/run/systemd/journal/socket";

/** For so long the journal may be busy before an entry is given up. */
const PATIENCE_SECONDS = 2;

/** @see syslog(3): an error, and information */
const PRIORITY: Readonly<Record<LogStream, string>> = {
  stderr: "3",
  stdout: "6",
};

export interface JournalLogOptions {
  readonly id: string;
  readonly namespace: string;
  readonly socket: string;
}

/** @throws {EngineError} `failedPrecondition` if there is no journal */
export function openJournalLog(
  { report }: Pick<LogWriterDeps, "report">,
  { id, namespace, socket: path }: JournalLogOptions,
): LogWriter {
  const socket = connect(path);
  const shortId = id.slice(0, 12);
  const common = [
    ["CONTAINER_ID", shortId],
    ["CONTAINER_ID_FULL", id],
    ["CONTAINER_NAMESPACE", namespace],
    ["CONTAINER_TAG", shortId],
    ["SYSLOG_IDENTIFIER", shortId],
  ] as const;
  const splitter = new LineSplitter((stream, bytes, start, end, ending) => {
    const message = journalMessage([
      ["MESSAGE", bytes.subarray(start, end)],
      ["PRIORITY", PRIORITY[stream]],
      ...common,
      ...partial(ending),
    ]);
    try {
      socket.send(message);
    } catch (error) {
      report(error);
    }
  });
  return {
    write: (stream, chunk) => splitter.push(stream, chunk),
    get isWithinLine() {
      return splitter.isWithinLine;
    },
    close() {
      splitter.finish();
      socket[Symbol.dispose]();
    },
  };
}

function partial(ending: EntryEnd) {
  return ending === "cut"
    ? [["CONTAINER_PARTIAL_MESSAGE", "true"]] as const
    : [];
}

function connect(path: string): DatagramSocket {
  try {
    return connectDatagram(path, PATIENCE_SECONDS);
  } catch (cause) {
    throw new EngineError(
      "failedPrecondition",
      `Cannot log to journald: nothing listens on "${path}"`,
      { cause, hint: "Choose another log driver, for instance local" },
    );
  }
}
