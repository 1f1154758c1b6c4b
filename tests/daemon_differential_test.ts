/**
 * The same calls in the same order to real containerd and to our daemon: the
 * answers must be the same, field by field, but for `differential/known.ts`.
 */

import { assert, assertEquals } from "@std/assert";
import { hasContainerd, IMAGE, openContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import {
  contentSteps,
  diffSteps,
  snapshotSteps,
} from "./differential/bytes.ts";
import {
  type Difference,
  differences,
  outcome,
} from "./differential/compare.ts";
import { KNOWN, type Known } from "./differential/known.ts";
import {
  containerSteps,
  imageSteps,
  leaseSteps,
  namespaceSteps,
} from "./differential/records.ts";
import { openSide, type Side, type Step } from "./differential/side.ts";
import { happeningSteps, listen, taskSteps } from "./differential/tasks.ts";

const GROUPS: Readonly<Record<string, readonly Step[]>> = {
  namespaces: namespaceSteps,
  containers: containerSteps,
  images: imageSteps,
  leases: leaseSteps,
  content: contentSteps,
  snapshots: snapshotSteps,
  diff: diffSteps,
  tasks: taskSteps,
  happenings: happeningSteps,
};

Deno.test({
  name: "containerd and our daemon answer alike",
  ignore: !hasContainerd(),
  fn: async (t) => {
    await using containerd = await openContainerd(Deno.execPath());
    await using daemon = await openDaemon();
    const socket = `${containerd.directory}/c.sock`;
    await using theirs = openSide("containerd", containerd.directory, socket);
    await using ours = openSide("coracle", daemon.dir, daemon.address);
    const run = crypto.randomUUID().slice(0, 8);
    for (const side of [theirs, ours]) {
      const rootfs = `${side.dir}/busybox`;
      writeBusyboxRoot(rootfs);
      side.kept.set("rootfs", rootfs).set("run", run);
    }
    await containerd.ctr("images", "rm", "--sync", IMAGE);
    await containerd.ctr("namespaces", "rm", containerd.namespace);
    let calls = 0;
    const used = new Set<Known>();
    for (const [group, steps] of Object.entries(GROUPS)) {
      await t.step(group, async () => {
        calls += steps.length;
        const found = await compareGroup(group, steps, theirs, ours);
        const unknown = found.filter((it) => !isKnown(it, used));
        assertEquals(unknown, []);
      });
    }
    assert(calls >= 200, `Only ${calls} calls`);
    await t.step("every known difference is one", () => {
      const needless = KNOWN.filter((it) => !used.has(it));
      assertEquals(needless, []);
    });
    removeCgroups(run);
  },
});

async function compareGroup(
  group: string,
  steps: readonly Step[],
  theirs: Side,
  ours: Side,
): Promise<readonly Difference[]> {
  const told = [await listen(theirs), await listen(ours)];
  const found: Difference[] = [];
  for (const step of steps) {
    const name = `${group}: ${step[0]}`;
    const theirAnswer = await outcome(step, theirs);
    const ourAnswer = await outcome(step, ours);
    found.push(...differences(name, theirAnswer, ourAnswer));
  }
  const [theirEvents, ourEvents] = await Promise.all(
    told.map((it) => it().catch((error) => String(error))),
  );
  found.push(...differences(`${group}: events`, theirEvents, ourEvents));
  return found;
}

function isKnown(
  { step, path, containerd }: Difference,
  used: Set<Known>,
): boolean {
  const known = KNOWN.find((it) =>
    it.step.test(step) && (it.path?.test(path) ?? true) &&
    (it.theirs === undefined || it.theirs === containerd)
  );
  if (known !== undefined) used.add(known);
  return known !== undefined;
}

function removeCgroups(run: string): void {
  for (const name of ["containerd", "coracle"]) {
    for (const { name: controller } of Deno.readDirSync("/sys/fs/cgroup")) {
      try {
        Deno.removeSync(
          `/sys/fs/cgroup/${controller}/coracle-differ-${run}-${name}`,
        );
      } catch {
        // Not every controller has it.
      }
    }
  }
}
