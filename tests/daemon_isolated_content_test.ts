/** Content that a namespace has to bring although another one has it. */

import { assert, assertEquals } from "@std/assert";
import {
  ContentDefinition,
  WriteAction,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { NamespacesDefinition } from "../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import { EngineError } from "../src/base/errors.ts";
import { digestOf } from "../src/base/hash.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";

const POLICY = `
[plugins."io.containerd.metadata.v1.bolt"]
  content_sharing_policy = "isolated"
`;
const DATA = new TextEncoder().encode("a crate of oranges");
const { STAT, COMMIT } = WriteAction;

/** What came of each step: offsets, or the code of an error. */
type Outcomes = Readonly<Record<string, unknown>>;

/** @param release older ones of containerd know no namespaces that share */
async function bring(
  address: string,
  release: "1.6" | "later",
): Promise<Outcomes> {
  await using client = new GrpcClient({ path: address });
  const digest = await digestOf(DATA);
  const size = BigInt(DATA.length);
  const write = (
    namespace: string,
    ...steps: readonly Partial<WriteContentRequest>[]
  ) =>
    outcome(async () => {
      const requests = steps.map((step) =>
        WriteContentRequest.fromPartial({
          ...{ ref: "crate", expected: digest, total: size },
          // Else the collector may take it at any time.
          labels: { "containerd.io/gc.root": "1" },
          ...step,
        })
      );
      const answers = client.stub(ContentDefinition).write(each(requests), {
        metadata: { "containerd-namespace": namespace },
      });
      // containerd repeats its last answer.
      const [answer] = await Array.fromAsync(answers);
      return answer?.offset;
    });
  const has = (namespace: string) =>
    outcome(async () => {
      const { info } = await client.stub(ContentDefinition).info({ digest }, {
        metadata: { "containerd-namespace": namespace },
      });
      return info?.size;
    });
  const found: Record<string, unknown> = {};
  found["brought by one"] = await write("one", { action: COMMIT, data: DATA });
  found["asked by two"] = await write("two", { action: STAT });
  found["claimed by two"] = await write("two", { action: COMMIT });
  found["two has it not"] = await has("two");
  found["brought by two"] = await write("two", { action: COMMIT, data: DATA });
  found["two has it"] = await has("two");
  found["brought again"] = await write("two", { action: COMMIT, data: DATA });
  if (release === "1.6") return found;
  const labels = { "containerd.io/namespace.shareable": "true" };
  await client.stub(NamespacesDefinition).update({
    namespace: { name: "one", labels },
    updateMask: undefined,
  }, { metadata: { "containerd-namespace": "one" } });
  found["asked by three"] = await write("three", { action: STAT });
  found["claimed by three"] = await write("three", {
    ...{ action: COMMIT, offset: size },
  });
  found["three has it"] = await has("three");
  return found;
}

async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return error.code;
  }
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  for await (const value of values) yield value;
}

async function openIsolated() {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  await Deno.writeTextFile(path, `version = 2\n${POLICY}`);
  const daemon = await openDaemon({ args: ["--config", path] });
  return {
    daemon,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await Deno.remove(path);
    },
  };
}

Deno.test("isolated content has to be brought by each namespace", async () => {
  await using isolated = await openIsolated();
  const found = await bring(isolated.daemon.address, "later");
  assertEquals(found["asked by two"], 0n);
  assertEquals(found["claimed by two"], "failedPrecondition");
  assertEquals(found["two has it not"], "notFound");
  assertEquals(found["brought by two"], BigInt(DATA.length));
  assertEquals(found["brought again"], "alreadyExists");
  assertEquals(found["asked by three"], BigInt(DATA.length));
  assertEquals(found["three has it"], BigInt(DATA.length));
  assert(!isolated.daemon.log().includes("changes nothing here"));
});

Deno.test({
  name: "isolated content is as isolated as containerd's",
  ignore: !hasContainerd(),
  async fn() {
    await using containerd = await openBareContainerd(POLICY);
    await using isolated = await openIsolated();
    assertEquals(
      await bring(isolated.daemon.address, "1.6"),
      await bring(containerd.address, "1.6"),
    );
  },
});
