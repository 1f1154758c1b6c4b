import { shortDigest } from "../../base/digest.ts";
import type { Context } from "../../base/context.ts";
import { dataLoss, EngineError, hasCode, internal } from "../../base/errors.ts";
import {
  BrokenLayerError,
  type LayerJob,
  type LowerTree,
  type StagedTree,
  type UnpackedLayer,
  type UnpackedTree,
  type UnpackSession,
} from "../../core/unpack.ts";
import { syncFileSystem } from "../../sys/fs.ts";
import { EarlyWriteback } from "./early_writeback.ts";
import { downloadLayer } from "./download.ts";
import { FileGrowth } from "./growing_file.ts";
import { Lane, type LaneReports } from "./lane.ts";
import { LanePool } from "./lane_pool.ts";
import type { ExtractOptions } from "./layer_extractor.ts";
import { fromPlainError } from "./messages.ts";
import { Semaphore } from "./semaphore.ts";
import { type SettleDeps, settleTree } from "./settle.ts";

export interface SessionDeps extends SettleDeps {
  readonly workerUrl: string | URL;
  readonly lanes: number;
  readonly downloads: number;
  readonly extract: Omit<ExtractOptions, "target" | "how">;
}

const PROGRESS_INTERVAL_MS = 100;

/** One transfer: its threads end with it. */
export class Session implements UnpackSession {
  readonly #deps: SessionDeps;
  readonly #lanes: LanePool;
  readonly #downloads: Semaphore;
  readonly #writeback = new EarlyWriteback();

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.#lanes = new LanePool(deps.lanes, () => new Lane(deps.workerUrl));
    this.#downloads = new Semaphore(deps.downloads);
  }

  async unpack(ctx: Context, job: LayerJob): Promise<UnpackedLayer> {
    ctx.signal.throwIfAborted();
    using _writeback = this.#writeback.during(job.target?.path);
    const growth = new FileGrowth();
    const stop = new AbortController();
    const signal = AbortSignal.any([ctx.signal, stop.signal]);
    using _progress = reportProgress(job, growth);
    const download = this.#download(job, growth, signal);
    const [downloaded, flowed] = await Promise.allSettled([
      download,
      this.#flow(ctx, job, growth).catch((error) => {
        stop.abort(error);
        throw error;
      }),
    ]);
    ctx.signal.throwIfAborted();
    // Each of them ends the other, which then only says that it was stopped.
    if (flowed.status === "rejected" && !hasCode(flowed.reason, "cancelled")) {
      throw flowed.reason;
    }
    if (downloaded.status === "rejected") throw downloaded.reason;
    if (flowed.status === "rejected") throw flowed.reason;
    for (const note of flowed.value.notes) {
      ctx.log.debug(note, { layer: job.layer.digest });
    }
    return flowed.value.layer;
  }

  async #download(
    { source, layer }: LayerJob,
    growth: FileGrowth,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      using _turn = await this.#downloads.acquire();
      signal.throwIfAborted();
      await downloadLayer(source, layer.size, growth, signal);
    } catch (error) {
      growth.end("failed");
      throw error;
    }
  }

  async #flow(
    ctx: Context,
    job: LayerJob,
    growth: FileGrowth,
  ): Promise<{ layer: UnpackedLayer; notes: readonly string[] }> {
    const { layer, source: { path }, target } = job;
    using turn = await this.#lanes.acquire(layer.size);
    const extract = target === undefined ? {} : {
      extract: {
        ...this.#deps.extract,
        target: target.path,
        how: target.how,
      },
    };
    const onAbort = () => {
      growth.end("failed");
      turn.lane.abort();
    };
    ctx.signal.addEventListener("abort", onAbort, { once: true });
    try {
      ctx.signal.throwIfAborted();
      return judge(
        job,
        await turn.lane.run({ layer, path, growth, ...extract }),
      );
    } finally {
      ctx.signal.removeEventListener("abort", onAbort);
    }
  }

  settle(
    ctx: Context,
    staged: StagedTree,
    lower: LowerTree,
  ): Promise<string | undefined> {
    return settleTree(ctx, this.#deps, staged, lower);
  }

  async barrier(_ctx: Context, path: string): Promise<void> {
    await this.#writeback.stop();
    await syncFileSystem(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writeback.stop();
    this.#lanes[Symbol.dispose]();
  }
}

function reportProgress(job: LayerJob, growth: FileGrowth): Disposable {
  if (job.onProgress === undefined) return { [Symbol.dispose]: () => {} };
  const report = () =>
    job.onProgress?.(growth.availableBytes, growth.consumedBytes);
  const timer = setInterval(report, PROGRESS_INTERVAL_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      report();
    },
  };
}

/** What came out, or why it can't be used, the deepest reason first. */
function judge(
  { layer, diffId }: LayerJob,
  { read, extract }: LaneReports,
): { layer: UnpackedLayer; notes: readonly string[] } {
  const short = shortDigest(layer.digest);
  if (read.kind === "failed") {
    if (extract?.kind === "failed" && extract.error !== undefined) {
      throw located(short, fromPlainError(extract.error));
    }
    throw read.error === undefined
      ? new EngineError("cancelled", `Unpacking layer "${short}" was stopped`)
      : located(short, fromPlainError(read.error));
  }
  const { digest, size } = read;
  if (digest !== layer.digest || size !== layer.size) {
    throw dataLoss(
      `Cannot use layer "${layer.digest}": the ${size} bytes that came have ` +
        `the digest "${digest}"`,
      { hint: "The registry or something on the way to it changed the layer" },
    );
  }
  if (read.error !== undefined) {
    throw asBuilt(located(short, fromPlainError(read.error)));
  }
  if (extract === undefined) return { layer: { digest, size }, notes: [] };
  if (extract.kind === "failed") {
    throw extract.error === undefined
      ? internal(`Cannot unpack layer "${short}": it ended early`)
      : asBuilt(located(short, fromPlainError(extract.error)));
  }
  if (extract.kind !== "extract") throw internal("Cannot mix up two threads");
  if (diffId !== undefined && extract.diffId !== diffId) {
    throw asBuilt(dataLoss(
      `Cannot use layer "${layer.digest}": its diff ID is ` +
        `"${extract.diffId}", but the image's config says "${diffId}"`,
      { hint: "The image was put together wrongly; build it again" },
    ));
  }
  const { kind: _, notes, ...tree } = extract;
  return { layer: { digest, size, tree: tree satisfies UnpackedTree }, notes };
}

/** The bytes are the right ones. */
function asBuilt(error: EngineError): EngineError {
  return error.code === "dataLoss" ? new BrokenLayerError(error) : error;
}

/** Says which layer it was. */
function located(short: string, error: EngineError): EngineError {
  return new EngineError(
    error.code,
    `Cannot unpack layer "${short}": ${error.message}`,
    {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  );
}
