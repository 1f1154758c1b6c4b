/** How the runtime is started that a packed executable is made of. */

/**
 * A command that runs a container makes 5 MB of objects; with the default of
 * one MB for young ones the collector would stop it twice for that. It also
 * calls some 150 functions often enough to have them compiled once more, which
 * pays only for what lasts longer; the daemon would do that while its first
 * client waits. On a thread of its own it costs more: both threads want a lock
 * of V8's then, and the first one sleeps for it, four milliseconds at worst.
 *
 * What is read from files and sockets lies outside V8's heap; by default it
 * collects its whole heap each time that has grown by a tenth, ten times during
 * a long list.
 */
export const V8_FLAGS = "--v8-flags=--min-semi-space-size=4," +
  "--external-memory-max-growing-factor=4," +
  "--baseline-batch-compilation-threshold=1048576,--no-concurrent-sparkplug";

export const RUN_ARGS = [
  "run",
  V8_FLAGS,
  "-A",
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--cached-only",
  "--no-code-cache",
  "--ext=js",
];

/**
 * What the runtime must see while it starts. `/dev/null/x` can't be created
 * by anybody, so the runtime keeps its caches in memory.
 */
export const ADDED_ENV = [
  "DENO_DIR=/dev/null/x",
  // What nobody has caught is told of, but not the caches that can't be made,
  // of which it would complain on a terminal.
  "DENO_LOG=error,deno::cache=off",
  "DENO_NO_UPDATE_CHECK=1",
  "DENO_NO_PACKAGE_JSON=1",
  // A shim asks for this when it has started its container.
  "DENO_USR2_MEMORY_TRIM=1",
];

/** What it must not see: settings that the user made for other programs. */
export const HIDDEN_ENV = [
  "DENO_",
  "NODE_CHANNEL_FD=",
  "NODE_DEBUG",
  "NODE_OPTIONS=",
  "NODE_TLS_REJECT_UNAUTHORIZED=",
  "NODE_V8_COVERAGE=",
];

/** Of those, what would weaken or confuse a process that has started. */
export const REFUSED_ENV = [
  "NODE_CHANNEL_FD=",
  "NODE_TLS_REJECT_UNAUTHORIZED=",
];
