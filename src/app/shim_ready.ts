/** What the process that serves says when it listens; else what went wrong. */
export const READY = "ready";

/** The first of the descriptors that a child is given. */
export const READY_FD = "3";
