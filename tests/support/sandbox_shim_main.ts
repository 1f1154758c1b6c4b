/**
 * A shim of sandboxes that run nothing, called as containerd calls shims. What
 * it was asked to do stands in the file `asked` of its bundle.
 */

import { SandboxDefinition } from "../../proto/gen/containerd/runtime/sandbox/v1/sandbox.ts";
import { DeleteResponse } from "../../proto/gen/containerd/task/v2/shim.ts";
import { EngineError } from "../../src/base/errors.ts";
import { serveTtrpc } from "../../src/rpc/ttrpc/server.ts";
import { service } from "../../src/rpc/ttrpc/service.ts";

const verb = Deno.args.at(-1);
const bundle = Deno.cwd();
const socket = `${bundle}/shim.sock`;

function note(what: unknown): void {
  const line = JSON.stringify(what) + "\n";
  Deno.writeTextFileSync(`${bundle}/asked`, line, { append: true });
}

async function start(): Promise<void> {
  const child = new Deno.Command("setsid", {
    args: [Deno.execPath(), ...ownArgs(), "serve"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
  for (let tries = 0; tries < 200; tries++) {
    try {
      (await Deno.connect({ transport: "unix", path: socket })).close();
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  await Deno.stdout.write(new TextEncoder().encode(`unix://${socket}`));
}

function ownArgs(): string[] {
  const root = new URL("../../", import.meta.url).pathname;
  return [
    ...["run", "-A", `--config=${root}deno.json`],
    new URL(import.meta.url).pathname,
  ];
}

function serve(): void {
  Deno.writeTextFileSync(`${bundle}/shim.pid`, String(Deno.pid));
  const ended = Promise.withResolvers<void>();
  let state = "SANDBOX_NOTREADY";
  const at = new Date("2030-01-02T03:04:05.006Z");
  serveTtrpc(Deno.listen({ transport: "unix", path: socket }), [
    service(SandboxDefinition, {
      createSandbox(_call, request) {
        const { sandboxId, bundlePath, netnsPath, annotations } = request;
        note({ sandboxId, bundlePath, netnsPath, annotations });
        if (annotations["fail"] === "create") {
          throw new EngineError("resourceExhausted", "No room for it");
        }
        return Promise.resolve({});
      },
      startSandbox() {
        if (bundle.endsWith("nostart")) {
          throw new EngineError("internal", "It does not start");
        }
        state = "SANDBOX_READY";
        const spec = { typeUrl: "spec", value: Uint8Array.of(1, 2) };
        return Promise.resolve({ pid: Deno.pid, createdAt: at, spec });
      },
      platform: () =>
        Promise.resolve({
          platform: {
            os: "linux",
            architecture: "arm",
            variant: "v6",
            osVersion: "",
            osFeatures: [],
          },
        }),
      stopSandbox(_call, { timeoutSecs }) {
        note({ timeoutSecs });
        state = "SANDBOX_NOTREADY";
        ended.resolve();
        return Promise.resolve({});
      },
      async waitSandbox() {
        await ended.promise;
        return { exitStatus: 7, exitedAt: at };
      },
      sandboxStatus: (_call, { sandboxId, verbose }) =>
        Promise.resolve({
          sandboxId,
          pid: Deno.pid,
          state,
          info: verbose ? { much: "more" } : {},
          createdAt: at,
          exitedAt: undefined,
          extra: { typeUrl: "extra", value: Uint8Array.of(3) },
        }),
      pingSandbox: () => Promise.resolve({}),
      shutdownSandbox() {
        setTimeout(() => Deno.exit(0), 50);
        return Promise.resolve({});
      },
      sandboxMetrics: (_call, { sandboxId: id }) =>
        Promise.resolve({
          metrics: {
            timestamp: at,
            id,
            data: { typeUrl: "figures", value: Uint8Array.of(4) },
          },
        }),
    }),
  ]);
}

switch (verb) {
  case "start":
    await start();
    break;
  case "serve":
    serve();
    break;
  case "delete":
    await Deno.stdout.write(
      DeleteResponse.encode(DeleteResponse.fromPartial({ pid: 1 })).finish(),
    );
    break;
  default:
    Deno.exit(1);
}
