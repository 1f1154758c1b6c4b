/** SETTINGS: what each side lets the other do (RFC 9113, section 6.5). */

import { Breach, ERROR, type ErrorNumber } from "./breach.ts";
import { encodeFrame, FRAME, FRAME_BYTES, LAST_31_BITS } from "./frame.ts";
import { TABLE_BYTES } from "./header_table.ts";

const ID = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Bytes of a window where nobody says another. */
export const DEFAULT_WINDOW_BYTES = 65_535;

const MOST_FRAME_BYTES = 2 ** 24 - 1;

/** What the peer allows, as far as it concerns what we send. */
export interface PeerSettings {
  /** Of a new stream. */
  readonly windowBytes: number;
  readonly frameBytes: number;
  readonly streams: number;
  /** Of headers that it keeps: the smallest that it has ever said. */
  readonly tableBytes: number;
}

export const DEFAULTS: PeerSettings = {
  windowBytes: DEFAULT_WINDOW_BYTES,
  frameBytes: FRAME_BYTES,
  streams: Infinity,
  tableBytes: TABLE_BYTES,
};

/** @throws {Breach} for values that nobody may send */
export function withSettings(
  settings: PeerSettings,
  payload: Uint8Array,
): PeerSettings {
  if (payload.length % 6 !== 0) {
    throw new Breach(ERROR.frameSize, "The peer's settings are cut off");
  }
  const view = new DataView(
    payload.buffer,
    payload.byteOffset,
    payload.length,
  );
  let { windowBytes, frameBytes, streams, tableBytes } = settings;
  for (let at = 0; at < payload.length; at += 6) {
    const value = view.getUint32(at + 2);
    switch (view.getUint16(at)) {
      case ID.headerTableSize:
        tableBytes = Math.min(tableBytes, value);
        break;
      case ID.initialWindowSize:
        if (value > LAST_31_BITS) throw wrong(ERROR.flowControl, value);
        windowBytes = value;
        break;
      case ID.maxFrameSize:
        if (value < FRAME_BYTES || value > MOST_FRAME_BYTES) {
          throw wrong(ERROR.protocol, value);
        }
        frameBytes = value;
        break;
      case ID.maxConcurrentStreams:
        streams = value;
        break;
      case ID.enablePush:
        if (value > 1) throw wrong(ERROR.protocol, value);
        break;
    }
  }
  return { windowBytes, frameBytes, streams, tableBytes };
}

function wrong(error: ErrorNumber, value: number): Breach {
  return new Breach(error, `The peer sends a setting of ${value}`);
}

export interface OwnSettings {
  readonly role: "client" | "server";
  /** Of each stream. */
  readonly windowBytes: number;
  readonly streams: number;
  readonly headerListBytes: number;
}

export function encodeSettings(
  { role, windowBytes, streams, headerListBytes }: OwnSettings,
): Uint8Array {
  const values: [id: number, value: number][] = [
    [ID.initialWindowSize, windowBytes],
    [ID.maxHeaderListSize, headerListBytes],
    // The other one is said by the side that it concerns only.
    role === "client" ? [ID.enablePush, 0] : [ID.maxConcurrentStreams, streams],
  ];
  const payload = new Uint8Array(6 * values.length);
  const view = new DataView(payload.buffer);
  for (const [index, [id, value]] of values.entries()) {
    view.setUint16(6 * index, id);
    view.setUint32(6 * index + 2, value);
  }
  return encodeFrame({ type: FRAME.settings, flags: 0, stream: 0 }, payload);
}
