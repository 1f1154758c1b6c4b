// deno-lint-ignore-file require-await -- controllers have this interface

/**
 * A controller of sandboxes as a program of its own:
 * `external_sandboxer_main.ts SOCKET DIRECTORY`. They run nothing, and outlive
 * it: each is a file of the directory. It ends with its standard input.
 */

import { apiContext } from "../../src/api/server/api_context.ts";
import { sandboxControllerService } from "../../src/api/server/sandbox_controller.ts";
import type { Context } from "../../src/base/context.ts";
import { alreadyExists, notFound } from "../../src/base/errors.ts";
import { silentLogger } from "../../src/base/log.ts";
import type {
  NewSandbox,
  SandboxController,
  SandboxCreation,
} from "../../src/core/sandbox.ts";
import type { SandboxControl } from "../../src/engine/sandbox_control.ts";
import { serveExternal } from "./serve_external.ts";

const [path = "", directory = ""] = Deno.args;
await Deno.mkdir(directory, { recursive: true });

interface Kept {
  readonly sandbox: Pick<NewSandbox, "id" | "sandboxer" | "labels">;
  readonly netnsPath: string;
  readonly annotations: SandboxCreation["annotations"];
  readonly timeoutMs?: number;
  readonly state: "CREATED" | "SANDBOX_READY" | "STOPPED";
}

function fileOf({ namespace }: Context, id: string): string {
  return `${directory}/${namespace}-${id}.json`;
}

function read(ctx: Context, id: string): Kept {
  try {
    return JSON.parse(Deno.readTextFileSync(fileOf(ctx, id)));
  } catch {
    throw notFound("sandbox", id);
  }
}

/** At once, whoever reads meanwhile. */
function change(ctx: Context, id: string, change: Partial<Kept>): void {
  const file = fileOf(ctx, id);
  Deno.writeTextFileSync(
    `${file}.new`,
    JSON.stringify({ ...read(ctx, id), ...change }),
  );
  Deno.renameSync(`${file}.new`, file);
}

const controller: SandboxController = {
  async create(ctx, { sandbox, netnsPath, annotations }) {
    const { id, labels = {}, sandboxer = "" } = sandbox;
    const kept: Kept = {
      sandbox: { id, labels, sandboxer },
      ...{ netnsPath, annotations, state: "CREATED" },
    };
    try {
      const options = { createNew: true };
      Deno.writeTextFileSync(fileOf(ctx, id), JSON.stringify(kept), options);
    } catch {
      throw alreadyExists("sandbox", id);
    }
  },
  async start(ctx, id) {
    change(ctx, id, { state: "SANDBOX_READY" });
    const { labels = {} } = read(ctx, id).sandbox;
    return {
      ...{ pid: Deno.pid, createdAt: new Date(0), labels },
      ...{ address: `unix://${directory}/${id}.sock`, version: 3 },
    };
  },
  async platform(ctx, id) {
    read(ctx, id);
    return { os: "linux", architecture: "arm", variant: "v6" };
  },
  async stop(ctx, id, timeoutMs) {
    change(ctx, id, { state: "STOPPED", timeoutMs });
  },
  async wait(ctx, id) {
    while (read(ctx, id).state !== "STOPPED") {
      ctx.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { exitCode: 7, exitedAt: new Date(1000) };
  },
  async status(ctx, id, detail) {
    const { state, ...rest } = read(ctx, id);
    return {
      ...{ pid: Deno.pid, state, address: "unix:///there", version: 3 },
      info: detail === "verbose" ? { kept: JSON.stringify(rest) } : {},
      extra: { typeUrl: "extra", value: new Uint8Array([1]) },
    };
  },
  async shutdown(ctx, id) {
    read(ctx, id);
    Deno.removeSync(fileOf(ctx, id));
  },
  async metrics(ctx, id) {
    read(ctx, id);
    return { id, data: { typeUrl: "figures", value: new Uint8Array([2]) } };
  },
  async update(ctx, { id, labels = {} }) {
    change(ctx, id, { sandbox: { ...read(ctx, id).sandbox, labels } });
  },
};

const control: SandboxControl = {
  controller: () => controller,
  create: (ctx, _sandboxer, creation) => controller.create(ctx, creation),
  start: (ctx, _sandboxer, id) => controller.start(ctx, id),
  wait: (ctx, _sandboxer, id) => controller.wait(ctx, id),
};
const context = apiContext(silentLogger);
await serveExternal(path, [sandboxControllerService({ control, context })]);
