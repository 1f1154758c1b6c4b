/** What is said to a shim over ttrpc arrives, under either version's name. */

import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { background } from "../base/context.ts";
import { EngineError, ERROR_CODES, type ErrorCode } from "../base/errors.ts";
import { silentLogger } from "../base/log.ts";
import type { TypedValue } from "../core/container.ts";
import type { Mount } from "../core/mount.ts";
import type { ShimProcessState, ShimService } from "../core/shim.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { serveTtrpc } from "../rpc/ttrpc/server.ts";
import { remoteShim } from "./remote/shim_task.ts";
import { taskServices } from "./server/shim_task.ts";

type Method = keyof ShimService;

/** Answers each call with what it is told to, and remembers the last one. */
class Recorder {
  last: { method: string; namespace: string; args: readonly unknown[] } = {
    method: "",
    namespace: "",
    args: [],
  };
  answer: unknown;

  readonly service = new Proxy({}, {
    get: (_target, method: string) =>
    (
      { namespace }: { namespace: string },
      ...args: unknown[]
    ) => {
      this.last = { method, namespace, args };
      return this.answer instanceof Error
        ? Promise.reject(this.answer)
        : Promise.resolve(this.answer);
    },
  }) as ShimService;
}

interface Pair extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly shims: readonly ShimService[];
}

async function openPair(): Promise<Pair> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-task-" });
  const path = `${dir}/s`;
  const recorder = new Recorder();
  const server = serveTtrpc(
    Deno.listen({ transport: "unix", path }),
    taskServices(recorder.service, silentLogger),
  );
  const client = new TtrpcClient(
    await Deno.connect({ transport: "unix", path }),
  );
  return {
    recorder,
    shims: [remoteShim(client, 2), remoteShim(client, 3)],
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

const text = fc.string({ maxLength: 20, unit: "grapheme" });
const named = fc.string({ minLength: 1, maxLength: 20 });
const u32 = fc.nat({ max: 0xffff_ffff });
const time = fc.date({
  min: new Date(0),
  max: new Date("9999-01-01T00:00:00Z"),
  noInvalidDate: true,
});
const value: fc.Arbitrary<TypedValue> = fc.record({
  typeUrl: named,
  value: fc.uint8Array({ maxLength: 50 }),
});
const mount: fc.Arbitrary<Mount> = fc.record({
  type: text,
  source: text,
  options: fc.array(text, { maxLength: 3 }),
});
const process = fc.record({ id: text, execId: text });
const exit = fc.record({ exitCode: u32, exitedAt: time });
const stdio = {
  stdin: text,
  stdout: text,
  stderr: text,
  terminal: fc.boolean(),
};
const nothing = fc.constant(undefined);

const state = fc.record({
  ...{ id: text, execId: text, bundle: text, pid: u32, ...stdio },
}).chain((common): fc.Arbitrary<ShimProcessState> =>
  fc.oneof(
    exit.map((it) => ({ ...common, status: "stopped" as const, exit: it })),
    fc.constantFrom("unknown", "created", "running", "paused", "pausing")
      .map((status) => ({ ...common, status } as ShimProcessState)),
  )
);

/** Of each method, what it may be asked and what it may answer. */
const CALLS: Readonly<
  Record<Method, readonly [fc.Arbitrary<unknown>, fc.Arbitrary<unknown>]>
> = {
  create: [
    fc.record(
      {
        ...{ id: text, bundle: text, checkpoint: text, ...stdio },
        rootfs: fc.array(mount, { maxLength: 3 }),
        options: value,
      },
      { requiredKeys: ["id", "bundle", "checkpoint", "rootfs", ...keys()] },
    ),
    u32,
  ],
  start: [process, u32],
  delete: [process, fc.record({ pid: u32, exit })],
  pids: [
    text,
    fc.array(
      fc.record({ pid: u32, info: value }, { requiredKeys: ["pid"] }),
      { maxLength: 3 },
    ),
  ],
  pause: [text, nothing],
  resume: [text, nothing],
  checkpoint: [
    fc.record(
      { id: text, path: text, options: value },
      { requiredKeys: ["id", "path"] },
    ),
    nothing,
  ],
  kill: [
    fc.record({
      ...{ id: text, execId: text, signal: u32 },
      scope: fc.constantFrom("process", "all"),
    }),
    nothing,
  ],
  exec: [
    fc.record({ id: text, execId: text, spec: value, ...stdio }),
    nothing,
  ],
  resizePty: [
    fc.record({ id: text, execId: text, columns: u32, rows: u32 }),
    nothing,
  ],
  closeStdin: [process, nothing],
  update: [
    fc.record({
      id: text,
      resources: value,
      annotations: fc.dictionary(named, text, {
        maxKeys: 3,
        noNullPrototype: true,
      }),
    }),
    nothing,
  ],
  wait: [process, exit],
  state: [process, state],
  stats: [text, value],
  connect: [text, fc.record({ shimPid: u32, taskPid: u32, version: text })],
  shutdown: [
    fc.record({ id: text, when: fc.constantFrom("now", "idle") }),
    nothing,
  ],
};

function keys() {
  return ["stdin", "stdout", "stderr", "terminal"] as const;
}

Deno.test("remoteShim() asks taskServices() what it was asked, and gives its answer", async (t) => {
  await using pair = await openPair();
  const { recorder, shims } = pair;
  for (const [method, [requests, answers]] of Object.entries(CALLS)) {
    await t.step(method, () =>
      fc.assert(
        fc.asyncProperty(
          ...[requests, answers, named, fc.constantFrom(...shims)] as const,
          async (request, answer, namespace, shim) => {
            recorder.answer = answer;
            // deno-lint-ignore no-explicit-any -- one call for all methods
            const call = (shim as any)[method];
            assertEquals(
              await call(background({ namespace }), request),
              answer,
            );
            assertEquals(recorder.last, { method, namespace, args: [request] });
          },
        ),
        { numRuns: 50 },
      ));
  }
});

Deno.test("remoteShim() throws what the shim threw, by its code", async () => {
  await using pair = await openPair();
  const codes = new Set<ErrorCode>();
  for (const code of ERROR_CODES) {
    pair.recorder.answer = new EngineError(code, `Cannot "${code}"`);
    const error = await assertRejects(
      async () => await pair.shims[0]?.pause(background(), "x"),
      EngineError,
      `Cannot "${code}"`,
    );
    codes.add(error.code);
  }
  assertEquals(codes, new Set(ERROR_CODES));
});
