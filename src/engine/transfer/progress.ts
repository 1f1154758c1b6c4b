/** What a transfer tells, in the words that containerd's clients show. */

import type { Progress, ProgressState } from "../../core/progress.ts";
import type {
  OnTransferProgress,
  TransferProgress,
} from "../../core/transfer.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import {
  isConfig,
  isIndex,
  isLayer,
  isManifest,
} from "../../oci/media_types.ts";

const REF_NAME = "org.opencontainers.image.ref.name";

/** `layer-sha256:…`: names a part of an image in what is shown. */
export function partName(descriptor: Descriptor): string {
  const { digest, mediaType, annotations } = descriptor;
  const name = annotations?.[REF_NAME];
  const key = name === undefined ? digest : `${name}@${digest}`;
  return `${kindOf(mediaType)}-${key}`;
}

function kindOf(mediaType: string): string {
  if (isManifest(mediaType)) return "manifest";
  if (isIndex(mediaType)) return "index";
  if (isLayer(mediaType)) return "layer";
  return isConfig(mediaType) ? "config" : "unknown";
}

interface Part {
  readonly descriptor: Descriptor;
  readonly parents: readonly string[];
  /** Of what is told of it again, nothing is new any more. */
  isDone?: true;
  isUnpacked?: true;
}

/** Knows the parts of one image and tells how far each of them is. */
export class ProgressTracker {
  readonly #parts = new Map<string, Part>();
  readonly #root: string;
  readonly #tell: OnTransferProgress;

  /** @param root name of the image, above all parts */
  constructor(root: string, tell: OnTransferProgress = () => {}) {
    this.#root = root;
    this.#tell = tell;
  }

  /** Says something about the whole. */
  say(event: string): void {
    this.#tell({ event, name: "", parents: [], done: 0, total: 0 });
  }

  /** Says something about an image. */
  sayImage(event: string, name: string, descriptor: Descriptor): void {
    this.#tell({ event, name, parents: [], done: 0, total: 0, descriptor });
  }

  /** @param parent undefined for the target of the image */
  add(parent: Descriptor | undefined, parts: readonly Descriptor[]): void {
    for (const descriptor of parts) {
      if (this.#parts.has(descriptor.digest)) continue;
      const above = parent === undefined ? this.#root : partName(parent);
      this.#parts.set(descriptor.digest, { descriptor, parents: [above] });
      this.#tellPart(descriptor.digest, "waiting", 0);
    }
  }

  /** What a use case tells of a part that was added. */
  readonly update = ({ subject, state, doneBytes }: Progress): void => {
    const part = this.#parts.get(subject);
    if (part === undefined) return;
    if (state === "unpacking") part.isUnpacked = true;
    else if (part.isDone) return;
    if (state === "done") part.isDone = true;
    const event = eventOf(state, part);
    if (event !== undefined) this.#tellPart(subject, event, doneBytes);
  };

  #tellPart(digest: string, event: string, done: number): void {
    const part = this.#parts.get(digest);
    if (part === undefined) return;
    const { descriptor, parents } = part;
    const total = descriptor.size;
    const name = partName(descriptor);
    this.#tell({ event, name, parents, done, total, descriptor });
  }
}

function eventOf(state: ProgressState, part: Part): string | undefined {
  switch (state) {
    case "downloading":
    case "uploading":
      return state;
    case "unpacking":
      return "extracting";
    case "exists":
    case "mounted":
      return "already exists";
    case "done":
      return part.isUnpacked === undefined ? "complete" : "extracted";
    case "resolving":
    case "waiting":
      return undefined;
    default:
      return state satisfies never;
  }
}

/**
 * Between work that tells much and a client that may read slowly: of what has
 * not been sent yet, only the latest about each thing is kept.
 */
export class ProgressPump {
  readonly #waiting = new Map<string, TransferProgress>();
  readonly #send: (progress: TransferProgress) => Promise<void>;
  #running: Promise<void> | undefined;
  #isBroken = false;

  /** @param send rejects when nobody listens any more */
  constructor(send: (progress: TransferProgress) => Promise<void>) {
    this.#send = send;
  }

  readonly tell = (progress: TransferProgress): void => {
    if (this.#isBroken) return;
    const key = progress.name === "" ? ` ${progress.event}` : progress.name;
    this.#waiting.set(key, progress);
    this.#running ??= this.#run();
  };

  /** Settles when all has been sent, or nobody listens. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      // What is told in one go is told once.
      await Promise.resolve();
      for (;;) {
        const [first] = this.#waiting;
        if (first === undefined) return;
        this.#waiting.delete(first[0]);
        await this.#send(first[1]);
      }
    } catch {
      this.#isBroken = true;
      this.#waiting.clear();
    } finally {
      this.#running = undefined;
    }
  }
}
