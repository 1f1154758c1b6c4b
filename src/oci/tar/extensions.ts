import { dataLoss } from "../../base/errors.ts";
import { decodePath } from "../../base/path_bytes.ts";
import { MAX_EXTENSION_BYTES } from "./header.ts";
import type { Extensions } from "./parse_header.ts";
import { mergePax, parsePax, type PaxRecords } from "./pax.ts";

const NONE: Extensions = {
  longName: undefined,
  longLink: undefined,
  pax: undefined,
};

/** Type flags of what says more about the entry, or entries, to come. */
export type ExtensionFlag = "x" | "X" | "g" | "L" | "K";

/** Gathers what precedes an entry: pax records, and GNU's long names. */
export class ExtensionCollector {
  #flag: ExtensionFlag = "x";
  #body: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #size = 0;
  #taken = 0;
  #global: PaxRecords | undefined;
  #local: PaxRecords | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;

  /**
   * @param size bytes that `push` will bring
   * @throws {EngineError} `dataLoss` if they are too many
   */
  start(flag: ExtensionFlag, size: number): void {
    if (size > MAX_EXTENSION_BYTES) {
      throw dataLoss(
        `an extended header of "${size}" bytes exceeds the limit of ` +
          `"${MAX_EXTENSION_BYTES}"`,
      );
    }
    if (this.#body.length < size) this.#body = new Uint8Array(size);
    this.#flag = flag;
    this.#size = size;
    this.#taken = 0;
  }

  push(chunk: Uint8Array): void {
    this.#body.set(chunk, this.#taken);
    this.#taken += chunk.length;
  }

  /** @throws {EngineError} `dataLoss` if it is malformed */
  end(): void {
    const body = this.#body.subarray(0, this.#size);
    switch (this.#flag) {
      case "g":
        return parsePax(body, this.#global ??= {});
      case "L":
        this.#longName = untilNul(body);
        return;
      case "K":
        this.#longLink = untilNul(body);
        return;
      case "x":
      case "X":
        return parsePax(body, this.#local ??= {});
      default:
        return this.#flag satisfies never;
    }
  }

  /** True if an entry has to follow. */
  isPending(): boolean {
    return this.#local !== undefined || this.#longName !== undefined ||
      this.#longLink !== undefined;
  }

  /** All that concerns the entry that begins; what is not global is used up. */
  take(): Extensions {
    if (this.#global === undefined && !this.isPending()) return NONE;
    const taken = {
      longName: this.#longName,
      longLink: this.#longLink,
      pax: mergePax(this.#global, this.#local),
    };
    this.#local = undefined;
    this.#longName = this.#longLink = undefined;
    return taken;
  }
}

function untilNul(body: Uint8Array): string {
  const nul = body.indexOf(0);
  return decodePath(body, 0, nul < 0 ? body.length : nul);
}
