/**
 * Every command of the table through a daemon's socket, ours and containerd's:
 * none says that it can't, but for those that are listed here with the reason.
 */

import { assert, assertEquals } from "@std/assert";
import { type CommandEntry, isGroup } from "../src/cli/command.ts";
import { COMMANDS } from "../src/cli/table.ts";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
} from "./support/remote_store.ts";

/** With an exit code other than 0 if it should have one. */
type Step = readonly [line: string, code?: number];

/** Each in its order, beside the others: what they make is their own. */
const WALKS: readonly (readonly Step[])[] = [
  [
    [`run -d --name web ${REMOTE_IMAGE} sleep 1000`],
    ["exec web true"],
    ["exec -i --detach-keys ctrl-x web cat"],
    ["logs web"],
    ["top web"],
    ["stats --no-stream web"],
    ["port web"],
    ["pause web"],
    ["unpause web"],
    ["update --restart always web"],
    ["update --restart no web"],
    ["cp web:/etc/passwd DIR/new"],
    ["cp DIR/new web:/newer"],
    ["diff web"],
    ["rename web other"],
    ["inspect -s other"],
    ["container inspect other"],
    ["restart -t 0 other"],
    ["kill other"],
    ["attach other", 1],
    ["start other"],
    ["stop -t 0 other"],
    ["rm other"],
  ],
  [
    [`create --name made ${REMOTE_IMAGE} true`],
    ["start made"],
    ["wait made"],
    ["commit made made:1"],
    ["export -o DIR/export.tar made"],
    ["tag made:1 made:2"],
    ["history made:1"],
    ["save -o DIR/save.tar made:1"],
    ["load -i DIR/save.tar"],
    ["import DIR/export.tar imported:1"],
    ["image inspect made:1"],
    ["rmi made:2"],
    [`run --rm -i --restart no -a stdin -a stdout ${REMOTE_IMAGE} cat`],
    [`run --rm -i --sig-proxy=false --detach-keys ctrl-x ${REMOTE_IMAGE} cat`],
    ["volume create data"],
    ["volume ls"],
    ["volume inspect data"],
    ["volume rm data"],
  ],
  [
    ["ps -as"],
    ["images -a --digests"],
    // Nobody is there: it is asked all the same.
    ["pull 127.0.0.1:9/none", 1],
    ["push 127.0.0.1:9/none", 1],
    ["login -u user -p word 127.0.0.1:9", 1],
    ["logout 127.0.0.1:9"],
    ["info"],
    ["version"],
    ["doctor"],
    ["events --until 0s"],
    ["events --since 1h --until 0s"],
    ["plugins ls"],
    ["debug stack"],
    ["debug info"],
    ["debug profile --seconds 1 -o DIR/profile"],
    ["debug heap -o DIR/heap"],
    ["__complete image"],
    ["completion bash"],
    ["install-service --print"],
    ["daemon config default"],
  ],
];

/** What would be about all that the others have. */
const LAST: readonly Step[] = [
  ["container prune -f"],
  ["image prune -f"],
  ["volume prune -f"],
  ["fsck"],
  ["fsck --repair"],
  ["system df -v"],
  ["system gc"],
  [`system gc sha256:${"0".repeat(64)}`],
  ["system start"],
  ["system reconcile"],
  ["system prune -af"],
];

/** What containerd's API has nothing for. */
const NOT_OF_CONTAINERD: Readonly<Record<string, string>> = {
  "events --since": "It keeps no events",
};

/** All that are not hidden, `system df`, but for other names of the same. */
function commandNames(entries: readonly CommandEntry[]): readonly string[] {
  const top = entries.filter((entry) => !isGroup(entry))
    .map(({ name }) => name);
  const synonyms = new Set(["image ls", "image rm", "container ls"]);
  const grouped = entries.flatMap((entry) =>
    isGroup(entry) && entry.hidden !== true
      ? entry.commands.filter(({ name, hidden }) =>
        hidden !== true && !top.includes(name)
      ).map(({ name }) => `${entry.name} ${name}`)
      : []
  );
  const shown = entries.filter((entry) =>
    !isGroup(entry) && entry.hidden !== true
  ).map(({ name }) => name);
  return [...shown, ...grouped.filter((name) => !synonyms.has(name))];
}

/** @returns the reasons for what was refused */
async function walk(
  { call, dir }: RemoteStore,
  steps: readonly Step[],
  reasons: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const refusals = new Set<string>();
  for (const [line, expected = 0] of steps) {
    const args = line.replaceAll("DIR", dir).split(" ");
    const reason = Object.keys(reasons).find((it) => line.startsWith(it));
    const { code, stderr } = await call(args, { stdin: "" });
    if (/through a socket$/m.test(stderr)) {
      assert(reason !== undefined, `coracle ${line}: ${stderr}`);
      assertEquals(code, 125, line);
      refusals.add(reason);
    } else if (line !== "doctor") { // whose code tells what the host lacks
      assertEquals(code, expected, `coracle ${line}: ${stderr}`);
    }
  }
  return [...refusals];
}

async function walkAll(
  store: RemoteStore,
  reasons: Readonly<Record<string, string>>,
): Promise<void> {
  const walks = WALKS.map((steps) => walk(store, steps, reasons));
  // One that fails leaves the others their store.
  await Promise.allSettled(walks);
  const refusals = (await Promise.all(walks)).flat();
  refusals.push(...await walk(store, LAST, reasons));
  assertEquals(refusals.sort(), Object.keys(reasons).sort());
}

Deno.test("the walk through all commands leaves none out", () => {
  const walked = [...WALKS.flat(), ...LAST].map(([line]) => `${line} `);
  for (const name of commandNames(COMMANDS)) {
    assert(walked.some((line) => line.startsWith(`${name} `)), name);
  }
});

for (const { name, ignore, isOurs, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `every command works through the socket of ${name}`,
    ignore,
    fn: async () => {
      await using store = await open();
      await walkAll(store, isOurs ? {} : NOT_OF_CONTAINERD);
    },
  });
}
