/**
 * What became of a container's task. While the task lives, whoever keeps it
 * writes this into its bundle; afterwards it is in the container's record.
 * Both are JSON, so times are RFC 3339 texts.
 */

/** `paused` is never written down: the kernel knows. */
export type TaskState =
  | "created"
  | "running"
  | "paused"
  /** Ended, and about to be started again. */
  | "restarting"
  | "stopped";

export interface TaskExit {
  /** 0 to 255; 128 + n if signal n ended it. */
  readonly exitCode: number;
  readonly exitedAt: string;
  /** `guessed`: nobody saw it end; 137 and the time of discovery are given. */
  readonly certainty: "seen" | "guessed";
  /** On the host, of the process that has ended; 0 if that is not known. */
  readonly pid?: number;
}

export interface TaskStatus {
  readonly state: TaskState;
  /** Of the container's first process on the host; 0 if there is none. */
  readonly pid: number;
  /**
   * When that process started, in clock ticks since boot (field 22 of
   * `/proc/PID/stat`): a later process with the same number is another one.
   */
  readonly pidStartTime?: number;
  /** Of the last start. */
  readonly startedAt?: string;
  /** How it ended last; absent if it never has. */
  readonly exit?: TaskExit;
  /** Why it did not start. */
  readonly error?: string;
  readonly oomKilled: boolean;
  /** Why its log lacks some of what it wrote; of the first that was lost. */
  readonly logError?: string;
  /** Restarts by its policy since the user started it. */
  readonly restartCount: number;
  /**
   * The user ended it: no policy starts it again. `system start` does so after
   * all with `always`, but not with `unless-stopped`.
   */
  readonly stoppedByUser: boolean;
  readonly health?: HealthStatus;
}

export interface HealthStatus {
  readonly status: "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
  /** The last five, oldest first. */
  readonly log: readonly HealthResult[];
}

export interface HealthResult {
  readonly start: string;
  readonly end: string;
  /** -1 if the probe did not end in time. */
  readonly exitCode: number;
  /** At most 4096 bytes. */
  readonly output: string;
}

/** Of a task that has not started yet. */
export const NEW_STATUS: TaskStatus = {
  state: "created",
  pid: 0,
  oomKilled: false,
  restartCount: 0,
  stoppedByUser: false,
};

/** Of a container that is probed and has just started. */
export const NEW_HEALTH: HealthStatus = {
  status: "starting",
  failingStreak: 0,
  log: [],
};
