/** What the daemon's clients can learn of runtimes, and of its health. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Options } from "../proto/gen/containerd/runc/v1/options.ts";
import { IntrospectionDefinition } from "../proto/gen/containerd/services/introspection/v1/introspection.ts";
import {
  RuntimeInfo,
  RuntimeRequest,
} from "../proto/gen/containerd/types/introspection.ts";
import { Any } from "../proto/gen/google/protobuf/any.ts";
import { HealthDefinition } from "../proto/gen/grpc/health/v1/health.ts";
import { EngineError } from "../src/base/errors.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { isThere } from "../src/sys/is_there.ts";

const ignore = Deno.uid() !== 0 || !isThere("/usr/sbin/runc");
const REQUEST = "containerd.types.RuntimeRequest";
const INFO = "containerd.types.RuntimeInfo";
const OPTIONS = "containerd.runc.v1.Options";

interface Asked {
  readonly runtimePath: string;
  readonly options?: Any;
  /** Instead of the request's. */
  readonly typeUrl?: string;
}

async function ask(daemon: Daemon, asked: Asked): Promise<RuntimeInfo> {
  const { runtimePath, options, typeUrl = REQUEST } = asked;
  const request = RuntimeRequest.create({ runtimePath, options });
  const value = RuntimeRequest.encode(request).finish();
  const { plugin, extra } = await daemon.stub(IntrospectionDefinition)
    .pluginInfo({
      ...{ type: "io.containerd.runtime.v2", id: "task" },
      options: { typeUrl, value },
    });
  assertEquals(plugin?.id, "task");
  assertEquals(extra?.typeUrl, INFO);
  return RuntimeInfo.decode(extra?.value ?? new Uint8Array());
}

async function refused(daemon: Daemon, asked: Asked): Promise<string> {
  try {
    await ask(daemon, asked);
    return "ok";
  } catch (error) {
    return EngineError.from(error).code;
  }
}

function featuresOf({ features }: RuntimeInfo): Record<string, unknown> {
  assertMatch(features?.typeUrl ?? "", /features\/Features$/);
  return JSON.parse(new TextDecoder().decode(features?.value));
}

function runcOptions(options: Partial<Options>): Any {
  const value = Options.encode(Options.create(options)).finish();
  return { typeUrl: OPTIONS, value };
}

Deno.test({
  name: "pluginInfo() tells what our own shim's runtime can do",
  ignore,
  async fn() {
    await using daemon = await openDaemon();
    const runtimePath = "io.containerd.runc.v2";
    const info = await ask(daemon, { runtimePath });
    assertEquals(info.name, "io.containerd.coracle.v1");
    assertMatch(info.version?.version ?? "", /^\d+\./);
    assert(Array.isArray(featuresOf(info)["hooks"]));
    const own = runcOptions({ binaryName: `${daemon.dir}/stand-in` });
    await Deno.writeTextFile(
      `${daemon.dir}/stand-in`,
      `#!/bin/sh\necho '{"ociVersionMax":"9.9.9"}'\n`,
      { mode: 0o755 },
    );
    const other = await ask(daemon, { runtimePath, options: own });
    assertEquals(featuresOf(other), { ociVersionMax: "9.9.9" });
    assertEquals(other.options, own);
  },
});

Deno.test({
  name: "pluginInfo() asks the program of somebody else's shim",
  ignore,
  async fn() {
    await using daemon = await openDaemon();
    const answer = RuntimeInfo.fromPartial({
      name: "io.containerd.boat.v1",
      annotations: { sails: "3" },
    });
    const path = `${daemon.dir}/containerd-shim-boat-v1`;
    await Deno.writeFile(`${path}.answer`, RuntimeInfo.encode(answer).finish());
    await Deno.writeTextFile(
      path,
      `#!/bin/sh\n[ "$1" = -info ] || exit 1\ncat > "$0.asked"\n` +
        `cat "$0.answer"\n`,
      { mode: 0o755 },
    );
    const options = runcOptions({ root: "/harbour" });
    const info = await ask(daemon, { runtimePath: path, options });
    assertEquals(info, answer);
    const asked = Any.decode(await Deno.readFile(`${path}.asked`));
    assertEquals(asked, options);
  },
});

Deno.test({
  name: "pluginInfo() refuses what no runtime can answer",
  ignore,
  async fn() {
    await using daemon = await openDaemon();
    const runtimePath = "io.containerd.runc.v2";
    assertEquals(
      await refused(daemon, { runtimePath, typeUrl: OPTIONS }),
      "unimplemented",
    );
    assertEquals(
      await refused(daemon, { runtimePath: "io.containerd.nosuch.v9" }),
      "failedPrecondition",
    );
    const failing = `${daemon.dir}/containerd-shim-wreck-v1`;
    await Deno.writeTextFile(failing, "#!/bin/sh\necho sunk >&2; exit 3\n", {
      mode: 0o755,
    });
    assertEquals(
      await refused(daemon, { runtimePath: failing }),
      "unavailable",
    );
  },
});

Deno.test("health's List tells of the server as a whole", async () => {
  await using daemon = await openDaemon();
  const { statuses } = await daemon.stub(HealthDefinition).list({});
  assertEquals(statuses, { "": { status: 1 } });
});
