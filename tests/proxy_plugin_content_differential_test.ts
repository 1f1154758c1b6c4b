/** Content of other programs: what our daemon answers, and containerd. */

import { assert, assertEquals } from "@std/assert";
import { remoteContent } from "../src/api/remote/content.ts";
import { background } from "../src/base/context.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { contentSteps } from "./differential/bytes.ts";
import {
  type Difference,
  differences,
  outcome,
} from "./differential/compare.ts";
import { KNOWN, type Known } from "./differential/known.ts";
import { leaseSteps } from "./differential/records.ts";
import { openSide, type Side } from "./differential/side.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";
import { ExternalProgram } from "./support/external_program.ts";

interface ProxiedSide extends Side {
  /** Digests of what the program has. */
  has(): Promise<readonly string[]>;
}

async function openProxied(name: Side["name"]): Promise<ProxiedSide> {
  await using undo = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "coracle-proxy-" });
  undo.defer(() => Deno.remove(dir, { recursive: true }));
  const program = undo.use(
    new ExternalProgram({
      main: "external_content_main.ts",
      address: `${dir}/content.sock`,
      args: [`${dir}/content`],
    }),
  );
  await program.start();
  const proxy = `[proxy_plugins.blobs]\n  type = "content"\n` +
    `  address = "${program.address}"\n`;
  const address = name === "coracle"
    ? await openOurs(undo, dir, proxy)
    : undo.use(await openBareContainerd(proxy, ["content.v1.content"]))
      .address;
  const side = undo.use(openSide(name, dir, address));
  const there = remoteContent(
    undo.use(new GrpcClient({ path: program.address })),
  );
  const has = async () => {
    const infos = await Array.fromAsync(there.walk(background()));
    return infos.map(({ digest }) => digest).sort();
  };
  const owned = undo.move();
  return { ...side, has, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function openOurs(
  undo: AsyncDisposableStack,
  dir: string,
  proxy: string,
): Promise<string> {
  const config = `disabled_plugins = ["io.containerd.content.v1.content"]\n` +
    proxy;
  await Deno.writeTextFile(`${dir}/config.toml`, config);
  const args = ["--config", `${dir}/config.toml`];
  return undo.use(await openDaemon({ args })).address;
}

Deno.test({
  name: "our daemon answers as containerd with a content store of others",
  ignore: !hasContainerd(),
  fn: async () => {
    await using theirs = await openProxied("containerd");
    await using ours = await openProxied("coracle");
    const found: Difference[] = [];
    for (
      const [group, steps] of Object.entries({
        leases: leaseSteps,
        content: contentSteps,
      })
    ) {
      for (const step of steps) {
        const name = `${group}: ${step[0]}`;
        found.push(
          ...differences(
            name,
            await outcome(step, theirs),
            await outcome(step, ours),
          ),
        );
      }
    }
    assertEquals(found.filter((it) => !isKnown(it, KNOWN)), []);
    // Containerd leaves what is deleted to its next collection.
    const there = await theirs.has();
    const kept = await ours.has();
    assert(kept.length > 0);
    assertEquals(kept.filter((digest) => !there.includes(digest)), []);
  },
});

function isKnown(
  { step, path, containerd }: Difference,
  known: readonly Known[],
): boolean {
  return known.some((it) =>
    it.step.test(step) && (it.path?.test(path) ?? true) &&
    (it.theirs === undefined || it.theirs === containerd)
  );
}
