/**
 * Starting shims, and asking their programs to clean up after dead ones.
 * @see containerd, "Runtime v2", "Commands" and "Bootstrap"
 */

import { type EngineError, unavailable } from "../../base/errors.ts";
import type { Poller } from "../../sys/poller.ts";
import type { ExitStatus, TaskRef } from "../../core/task.ts";
import { parseBootstrap } from "./bootstrap.ts";
import { makeLog, writeEndpoint, writeShimPath } from "./bundle_files.ts";
import { type ProgramResult, runProgram } from "./run_program.ts";
import { ensureSocketDirectory } from "./socket_directory.ts";
import type { BootstrapParams, ShimEndpoint, ShimWire } from "./wire.ts";

export interface LaunchDeps {
  readonly poller: Poller;
  readonly wire: ShimWire;
  /** Remembers between commands what each program understands. */
  readonly memory: BootstrapMemory;
  /** Of this process, `NAME=value`. */
  readonly env: () => readonly string[];
  /** Names this engine to shims, which derive their socket's name from it. */
  readonly engineAddress: string;
  /** The program that publishes events, called as containerd's own. */
  readonly publishBinary: string;
  /** For sockets, where the usual place is not ours to write. */
  readonly socketDirectory: string;
}

/** Which shim, for which container. */
export interface ShimCall extends TaskRef {
  /** Absolute path of the shim's program. */
  readonly program: string;
  /** What it wants before its flags, if anything. */
  readonly programArgs?: readonly string[];
  /** The bundle's directory. */
  readonly bundle: string;
  /** Socket that takes events, which has to answer meanwhile. */
  readonly eventsAddress: string;
  /** `info` if absent. */
  readonly logLevel?: "debug" | "info";
}

/** What a shim's `start` reads: nothing, or protobuf. */
export type BootstrapStyle = "legacy" | "protobuf";

export interface BootstrapMemory {
  /** @param program absolute path */
  recall(program: string): BootstrapStyle | undefined;
  remember(program: string, style: BootstrapStyle): void;
}

/**
 * Starts the shim; it may be one that keeps other containers, too.
 * @throws {EngineError} `unavailable` with what it said
 */
export async function launchShim(
  deps: LaunchDeps,
  call: ShimCall,
): Promise<ShimEndpoint> {
  ensureSocketDirectory(deps.socketDirectory);
  makeLog(call.bundle);
  const { program } = call;
  const known = deps.memory.recall(program);
  const style = known ?? await probe(deps, call);
  let result = await start(deps, call, style);
  if (result.exitCode !== 0 && style === "protobuf") {
    // It is older than it seems: it takes what it read for something else.
    result = await start(deps, call, "legacy");
    if (result.exitCode === 0) deps.memory.remember(program, "legacy");
  } else if (result.exitCode === 0 && known === undefined) {
    deps.memory.remember(program, style);
  }
  if (result.exitCode !== 0) throw callError("start", program, result);
  writeShimPath(call.bundle, program);
  const endpoint = parseBootstrap(
    result.stdout,
    (bytes) => deps.wire.decodeBootstrapResult(bytes),
  );
  writeEndpoint(call.bundle, endpoint);
  return endpoint;
}

/**
 * Lets the program kill and delete what a dead shim has left.
 * @returns how the container ended
 * @throws {EngineError} `unavailable`
 */
export async function cleanUpAfterShim(
  deps: LaunchDeps,
  call: ShimCall,
): Promise<{ readonly pid: number; readonly exit: ExitStatus }> {
  const cwd = namedById(call);
  const result = await runVerb(deps, { ...call, cwd }, "delete", [
    ...["-bundle", call.bundle],
  ]);
  if (result.exitCode !== 0) throw callError("delete", call.program, result);
  return await deps.wire.decodeDeleted(result.stdout);
}

/**
 * containerd's bundles are called by the container's id, and its own shim
 * looks for the bundle by that name beside its working directory.
 * @returns a path of the bundle that ends so
 */
function namedById({ bundle, id }: ShimCall): string {
  const path = `${bundle}/by-id/${id}`;
  // A bundle that others have removed meanwhile is not made anew.
  unlessThere(() => Deno.mkdirSync(`${bundle}/by-id`));
  unlessThere(() => Deno.symlinkSync("..", path));
  return path;
}

function unlessThere(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function start(
  deps: LaunchDeps,
  call: ShimCall,
  style: BootstrapStyle,
): Promise<ProgramResult> {
  const stdin = style === "legacy"
    ? undefined
    : deps.wire.encodeBootstrapParams(bootstrapParams(deps, call));
  return runVerb(deps, call, "start", [], stdin);
}

function runVerb(
  deps: LaunchDeps,
  call: ShimCall & { readonly cwd?: string },
  verb: "start" | "delete",
  more: readonly string[],
  stdin?: Uint8Array<ArrayBuffer>,
): Promise<ProgramResult> {
  return runProgram(deps.poller, {
    path: call.program,
    args: [
      ...call.programArgs ?? [],
      ...["-namespace", call.namespace],
      ...["-address", deps.engineAddress],
      ...["-publish-binary", deps.publishBinary],
      ...["-id", call.id],
      ...call.logLevel === "debug" ? ["-debug"] : [],
      ...more,
      verb,
    ],
    // Programs take their directory's name from there, if it is right.
    env: [...environment(deps, call), `PWD=${call.cwd ?? call.bundle}`],
    cwd: call.cwd ?? call.bundle,
    ...stdin === undefined ? {} : { stdin },
  });
}

/** What a shim and its runtime see, `NAME=value`. */
export function environment(
  { env, engineAddress }: Pick<LaunchDeps, "env" | "engineAddress">,
  { namespace, eventsAddress }: Pick<ShimCall, "namespace" | "eventsAddress">,
): readonly string[] {
  const ours: Readonly<Record<string, string>> = {
    TTRPC_ADDRESS: eventsAddress,
    GRPC_ADDRESS: engineAddress,
    NAMESPACE: namespace,
    MAX_SHIM_VERSION: "2",
    GOMAXPROCS: "2",
  };
  const replaced = new Set([...Object.keys(ours), "PWD"]);
  const others = env().filter((pair) =>
    !replaced.has(pair.slice(0, pair.indexOf("=")))
  );
  return [
    ...others,
    ...Object.entries(ours).map(([name, value]) => `${name}=${value}`),
  ];
}

function bootstrapParams(
  { engineAddress, publishBinary }: LaunchDeps,
  { id, namespace, eventsAddress }: ShimCall,
): BootstrapParams {
  return { id, namespace, eventsAddress, engineAddress, publishBinary };
}

/** The first whose `start` reads protobuf. */
const PROTOBUF_SINCE = [2, 3] as const;

/** Asks its version; those that know no `-info` are older than that. */
async function probe(
  deps: LaunchDeps,
  call: ShimCall,
): Promise<BootstrapStyle> {
  const result = await runProgram(deps.poller, {
    path: call.program,
    args: ["-info"],
    env: environment(deps, call),
    cwd: call.bundle,
  });
  if (result.exitCode !== 0) return "legacy";
  return understandsProtobuf(deps.wire.decodeRuntimeVersion(result.stdout))
    ? "protobuf"
    : "legacy";
}

/** @param version `v2.3.0`; any text, as other projects have their own */
function understandsProtobuf(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  const [sinceMajor, sinceMinor] = PROTOBUF_SINCE;
  return Number(major) > sinceMajor ||
    (Number(major) === sinceMajor && Number(minor) >= sinceMinor);
}

function callError(
  verb: string,
  program: string,
  { exitCode, stderr, stdout }: ProgramResult,
): EngineError {
  const said = stderr === "" ? new TextDecoder().decode(stdout).trim() : stderr;
  return unavailable(
    `Cannot ${verb} shim "${program}": ${
      said === "" ? `exit code ${exitCode}` : said
    }`,
  );
}
