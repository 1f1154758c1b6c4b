import {
  type IoDeps,
  type IoRequest,
  openPlainIo,
  type ProcessIo,
} from "./process_io.ts";
import { openTerminalIo } from "./terminal_io.ts";

/** Streams of a new process: a terminal's, or plain ones. */
export async function openProcessIo(
  deps: IoDeps,
  request: IoRequest,
): Promise<ProcessIo> {
  return request.stdio.terminal
    ? openTerminalIo(deps, request)
    : await openPlainIo(deps, request);
}
