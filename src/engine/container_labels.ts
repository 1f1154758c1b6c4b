/** Labels of container records that mean something to us. */
export const CONTAINER_LABEL = {
  /** Of the task that ran last: a number. */
  exitCode: "coracle.io/exit-code",
  /** RFC 3339. */
  exitedAt: "coracle.io/exited-at",
  /** Name or number. */
  stopSignal: "coracle.io/stop-signal",
  /** Seconds. */
  stopTimeout: "coracle.io/stop-timeout",
} as const;
