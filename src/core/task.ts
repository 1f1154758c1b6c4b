/**
 * Tasks: what runs of a container.
 *
 * A *bundle* is the directory that an OCI runtime starts a container from. It
 * exists while the task does, and is locked by the process that runs it, so
 * that any other process can tell a live one from one whose runner was killed.
 */

import type { Context } from "../base/context.ts";
import type { SpecProcess, SpecResources } from "../oci/runtime_spec.ts";
import type { ContainerSettings, RestartPolicy } from "./container_settings.ts";
import type { AttachInput, AttachOutput } from "./keeper.ts";
import type { AskedSharing, Shareable } from "./shared_paths.ts";
import type { TaskStatus } from "./task_status.ts";

export interface ExitStatus {
  /** 0 to 255; 128 + n if signal n ended it. */
  readonly exitCode: number;
  readonly exitedAt: Date;
}

/** What a later process needs in order to clean up after a killed one. */
export interface BundleRecord {
  readonly id: string;
  readonly namespace: string;
  /** Name or path of the OCI runtime. */
  readonly runtime: string;
  /** Empty if the root file system is not a snapshot. */
  readonly snapshotter: string;
  readonly snapshotKey: string;
  /**
   * What becomes of the container afterwards. `byClient`: clients of the daemon
   * see to its record and its snapshot, and its task stays until they delete
   * it.
   */
  readonly removal: "onExit" | "keep" | "byClient";
}

/** A bundle that this process holds. Disposing lets go of it. */
export interface Bundle extends Disposable {
  readonly record: BundleRecord;
  /** The directory, absolute. */
  readonly path: string;
  /** The directory that the root file system is mounted on. */
  readonly rootfs: string;
  /**
   * Writes a file of the bundle.
   * @returns its path
   */
  write(name: string, text: string): string;
  /** The same; others see the file as it was, or as a whole. */
  replace(name: string, text: string): string;
  /** Writes `config.json`, which is there as a whole or not at all. */
  writeSpec(text: string): void;
  /** As written; undefined before. */
  spec(): string | undefined;
  /** Replaces the status; readers see the old one or the new one. */
  writeStatus(status: TaskStatus): void;
  /** As last written; undefined before the first time. */
  status(): TaskStatus | undefined;
  /** Disposes of it, instead of what was kept before, when it lets go. */
  keep(resource: Disposable): void;
  /** Deletes the directory and lets go. Nothing may be mounted there. */
  remove(): void;
}

/** What anybody may see of a bundle, whoever holds it. */
export interface BundleView {
  readonly record: BundleRecord;
  readonly path: string;
  /** As last written; undefined before the first time. */
  status(): TaskStatus | undefined;
}

export interface BundleStore {
  /** @throws {EngineError} `alreadyExists` */
  create(ctx: Context, record: BundleRecord): Bundle;
  /**
   * Bundles of any namespace whose holder has gone, held by us one after the
   * other.
   */
  abandoned(ctx: Context): Iterable<Bundle>;
  /** Holds one whose keepers have gone; undefined while somebody keeps it. */
  claim(ctx: Context, task: TaskRef): Bundle | undefined;
  /** Undefined if there is none. */
  find(ctx: Context, task: TaskRef): BundleView | undefined;
  /**
   * Keeps one as well; undefined if it is being cleaned up, or there is none.
   */
  join(ctx: Context, task: TaskRef): Bundle | undefined;
  /** Of all namespaces, kept or not. */
  list(ctx: Context): Iterable<BundleView>;
}

/** How the container's standard streams are connected to ours. */
export interface TaskStdio {
  /** `null`: reads end of file. */
  readonly stdin: "inherit" | "null";
  /** `terminal` gives the container a terminal, shown on ours. */
  readonly kind: "terminal" | "streams";
}

/** Which task is meant. */
export interface TaskRef {
  readonly namespace: string;
  readonly id: string;
}

/**
 * Starts tasks, and finds those that any process has started. There is one for
 * all runtimes; which of its parts drives a task is not seen from outside.
 */
export interface TaskManager {
  /** Name or path of the OCI runtime where none is asked for. */
  readonly defaultRuntime: string;
  /**
   * A hint that `runForeground` will follow with the same arguments: what can
   * be done before the bundle has its spec is done meanwhile. Disposing takes
   * back what was not used.
   */
  prepareForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
  ): AsyncDisposable;
  /**
   * Runs the bundle's container to its end, with our standard streams as its
   * own and the signals that we get passed on to it. Nothing of it is left
   * when it settles.
   * @param started called with its number on the host, once it has one
   * @throws {TaskStartError} if the container's process could not be started
   */
  runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
    started?: (pid: number) => void,
  ): Promise<ExitStatus>;
  /**
   * A hint that `start` will follow: what can be done before the bundle is
   * ready is done meanwhile. Disposing takes back what was not used.
   */
  prepareStart(ctx: Context, task: StartingTask): Disposable;
  /**
   * The same, with the arguments of `start`, for a bundle that has its place,
   * but perhaps no spec yet.
   */
  prepareLaunch(
    ctx: Context,
    bundle: Bundle,
    request: StartRequest,
  ): Promise<Disposable>;
  /**
   * Starts the bundle's container under a shim, which keeps it when this
   * process has gone. The shim holds the bundle, too, from then on.
   * @throws {TaskStartError}
   */
  start(ctx: Context, bundle: Bundle, request: StartRequest): Promise<Task>;
  /** What containers of a runtime can share with others here. */
  shares(runtime: string): Shareable;
  /**
   * Makes ready what the bundle's container shares with others, before it is
   * started, and until the bundle is let go of.
   * @throws {EngineError} `failedPrecondition` if another one does not run
   */
  shareNamespaces(
    ctx: Context,
    bundle: Bundle,
    sharing: AskedSharing,
  ): Promise<void>;
  /** Undefined if there is no bundle, or nobody keeps it. */
  find(ctx: Context, task: TaskRef): Promise<Task | undefined>;
  /**
   * Kills and deletes what is left of a bundle's container; nothing left is no
   * error.
   */
  destroy(ctx: Context, record: BundleRecord): Promise<void>;
}

/** What a part of a manager does with tasks that one kind of shim keeps. */
export type KeptTasks = Pick<
  TaskManager,
  "prepareStart" | "prepareLaunch" | "start" | "find"
>;

/** The same for shims of others, which keep all tasks of their runtimes. */
export type ForeignTasks =
  & KeptTasks
  & Pick<TaskManager, "runForeground" | "destroy">;

/** A task that is about to be started. */
export interface StartingTask extends TaskRef {
  readonly runtime: string;
  /** `later`: it may be that its shim has nothing to do at first. */
  readonly shim?: "later";
}

export interface StartRequest {
  readonly settings: ContainerSettings;
  /** Directory for the log's files. */
  readonly logDirectory: string;
  /** `held`: nothing is lost if whoever starts it attaches at once. */
  readonly output?: "held";
}

/** A container's processes. It may end at any moment. */
export interface Task {
  readonly id: string;
  /** Runs in the foreground of a command, or is kept by a shim. */
  readonly keeping: "foreground" | "shim";
  status(ctx: Context): Promise<TaskStatus>;
  /** @throws {EngineError} `notFound` if it has ended */
  kill(ctx: Context, signal: number, scope: "init" | "all"): Promise<void>;
  /** The user is about to end it: it must not be started again. */
  retire(ctx: Context): Promise<void>;
  /**
   * Kills it together with what keeps it: nobody sees its end, for it is about
   * to be removed.
   * @returns false, having done nothing, if what keeps it is at work
   */
  discard?(ctx: Context): Promise<boolean>;
  setRestartPolicy(ctx: Context, policy: RestartPolicy): Promise<void>;
  pause(ctx: Context): Promise<void>;
  resume(ctx: Context): Promise<void>;
  /** Runs one more process in the container. @throws {TaskStartError} */
  exec(ctx: Context, request: ExecRequest): Promise<ExecProcess>;
  /** Numbers on the host of all processes. */
  pids(ctx: Context): Promise<readonly number[]>;
  stats(ctx: Context): Promise<TaskStats>;
  update(ctx: Context, resources: SpecResources): Promise<void>;
  /** Settles when it has ended for good. */
  wait(ctx: Context): Promise<ExitStatus>;
  /**
   * @throws {EngineError} `failedPrecondition` if it runs in the foreground of
   * a command, whose streams are not ours to take
   */
  attach(
    ctx: Context,
    stdin: "send" | "none",
    input: AsyncIterable<AttachInput>,
  ): AsyncIterable<AttachOutput>;
  /** Writes an image of its state into a directory. */
  checkpoint(
    ctx: Context,
    options: { readonly path: string; readonly after: "stop" | "goOn" },
  ): Promise<void>;
}

export interface ExecRequest {
  /** Unique in the container. */
  readonly execId: string;
  /** Asked for once, while what starts it is started. */
  readonly process: () => Promise<SpecProcess>;
  /**
   * `ours`: our streams are its own, signals that we get are passed on.
   * `none`: it goes on when we have gone.
   */
  readonly stdio:
    | ({
      readonly to: "ours";
      /** Of a terminal at which somebody types. */
      readonly leaving?: Leaving;
    } & TaskStdio)
    | { readonly to: "none" };
}

/** How the user of a process's terminal leaves it without ending it. */
export interface Leaving {
  /** @returns what is not part of the keys that leave it */
  filter(typed: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | "detach";
  /** He has left it: this process is about to end. */
  keep(streams: LeftStreams): void;
}

/** What somebody has to keep open while a process that was left goes on. */
export interface LeftStreams {
  /** On the host. */
  readonly pid: number;
  /** Descriptor of what it writes, which is to be read. */
  readonly output: number;
  /** Descriptor that is to be kept open, if it is another one. */
  readonly input?: number;
}

export interface ExecProcess {
  /** On the host. */
  readonly pid: number;
  /**
   * Only where its streams are ours.
   * @returns `detached` if its user has left it: it goes on
   */
  wait(): Promise<ExitStatus | "detached">;
}

/** Figures of a container's control groups. Counters only grow. */
export interface TaskStats {
  readonly at: Date;
  readonly cpuNs: bigint;
  readonly cpuUserNs: bigint;
  readonly cpuSystemNs: bigint;
  readonly throttledPeriods: number;
  readonly memoryBytes: number;
  /** Of `memoryBytes`, what the kernel could give back: file cache. */
  readonly memoryInactiveFileBytes: number;
  /** Undefined if there is none. */
  readonly memoryLimitBytes?: number;
  readonly pids: number;
  readonly pidsLimit?: number;
  readonly blockReadBytes: number;
  readonly blockWriteBytes: number;
  /** Of the network namespace, all interfaces but `lo`. */
  readonly networkReceivedBytes: number;
  readonly networkSentBytes: number;
}
