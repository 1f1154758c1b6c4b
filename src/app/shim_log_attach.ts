/** Showing what our logger reads to those who are attached, too. */

import {
  ATTACH_SOCKET,
  encodeFrame,
} from "../base/container_log/attach_frame.ts";
import type { LogStream } from "../base/container_log/line_splitter.ts";
import { within } from "../base/within.ts";
import { Attachment } from "../shim/keeper/attachment.ts";
import type { Gate } from "./shim_log_gate.ts";
import { listenUnix } from "./unix_socket.ts";

/** Without bytes: tells who is attached that all is shown from now on. */
const GREETING = encodeFrame({ stream: "stdout", bytes: new Uint8Array() });

/** Who has taken nothing of the rest for so long does not read. */
const PATIENCE_MS = 2_000;

/** The shim, and who deletes the container, wait for us: shims do for 12 s. */
const GOODBYE_MS = 10_000;

export class AttachServer {
  readonly #listener: Deno.UnixListener;
  readonly #attachments = new Set<Attachment>();
  /** Of clients that have not got everything yet. */
  readonly #shown = new Set<Promise<void>>();
  readonly #gate: Gate;
  #mayHoldUp = true;
  /** Frames that somebody has taken. */
  #taken = 0;

  /**
   * The logger of the container's last life may still have its socket, which
   * this one takes the place of.
   * @param bundle directory, where the socket is made
   * @param gate which a slow client holds
   */
  static listen(bundle: string, gate: Gate): AttachServer {
    const path = `${bundle}/${ATTACH_SOCKET}`;
    const own = `${path}.${Deno.pid}`;
    const listener = listenUnix(own, "leaves");
    Deno.renameSync(own, path);
    const server = new AttachServer(listener, gate);
    void server.#serve();
    return server;
  }

  private constructor(listener: Deno.UnixListener, gate: Gate) {
    this.#listener = listener;
    this.#gate = gate;
  }

  /** @param bytes valid during the call only */
  push(kind: LogStream, bytes: Uint8Array): void {
    if (this.#attachments.size === 0) return;
    const copy = bytes.slice();
    for (const attachment of this.#attachments) {
      attachment.push({ kind, bytes: copy });
    }
    if (this.#isHeldUp) this.#gate.hold(this);
  }

  /** The container has ended: nobody hides that by not reading. */
  release(): void {
    this.#mayHoldUp = false;
    this.#goOn();
  }

  /**
   * Nothing more comes. Settles when all have got what came, or those who have
   * not don't read.
   */
  async end(): Promise<void> {
    this.#listener.close();
    for (const attachment of this.#attachments) attachment.end();
    const shown = Promise.all(this.#shown);
    const end = performance.now() + GOODBYE_MS;
    for (let taken = -1; taken !== this.#taken && performance.now() < end;) {
      taken = this.#taken;
      if (await within(PATIENCE_MS, shown)) return;
    }
  }

  get #isHeldUp(): boolean {
    return this.#mayHoldUp &&
      [...this.#attachments].some(({ isFull }) => isFull);
  }

  #goOn(): void {
    if (!this.#isHeldUp) this.#gate.letGo(this);
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      const shown = this.#show(connection);
      this.#shown.add(shown);
      void shown.then(() => this.#shown.delete(shown));
    }
  }

  async #show(connection: Deno.UnixConn): Promise<void> {
    const attachment = new Attachment(() => this.#goOn());
    this.#attachments.add(attachment);
    const gone = whenGone(connection).then(() => attachment.end());
    try {
      await writeAll(connection, GREETING);
      for await (const output of attachment) {
        if (output.kind === "exit") continue;
        const { kind: stream, bytes } = output;
        await writeAll(connection, encodeFrame({ stream, bytes }));
        this.#taken++;
      }
    } catch {
      // It has gone.
    }
    this.#attachments.delete(attachment);
    this.#goOn();
    connection.close();
    await gone;
  }
}

/** Clients say nothing: what can be read is the end. */
async function whenGone(connection: Deno.UnixConn): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // It was closed by us.
  }
}

async function writeAll(
  connection: Deno.UnixConn,
  bytes: Uint8Array,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(await connection.write(rest));
  }
}
