/** The tables of docs/configuration.md, from the keys that the daemon knows. */

import { formatPath } from "../../src/app/daemon/config/check.ts";
import {
  type Key,
  KEY_TABLES,
  type KeyTable,
} from "../../src/app/daemon/config/keys.ts";

/** Markdown, as `deno fmt` leaves it. */
export async function keysMarkdown(): Promise<string> {
  const used = KEY_TABLES.filter((it) => rows(it, "used").length > 0);
  const open = KEY_TABLES.filter((it) => it.keys === "open");
  const unused = KEY_TABLES.flatMap((it) => rows(it, "unused"));
  const free = open.filter(({ effect }) => effect === undefined);
  return await formatted([
    ...used.map(section),
    ...free.map(({ path, says }) =>
      `### \`[${formatPath(path)}]\`\n\n${says}.`
    ),
    "### What containerd has and changes nothing here\n\n" +
    table(["key", "instead"], [
      ...unused,
      ...open.filter(({ effect }) => effect !== undefined).map((it) => [
        `\`[${formatPath(it.path)}]\``,
        it.says,
      ]),
    ]),
  ].join("\n\n"));
}

function section(keyTable: KeyTable): string {
  const { path, formerly = [], says } = keyTable;
  const title = path.length === 0
    ? "At the top"
    : `\`[${formatPath(path.map((it) => it === "*" ? "NAME" : it))}]\``;
  const before = formerly.map((it) => `\`[${formatPath(it)}]\``).join(", ");
  const names = before === "" ? "" : ` In older versions ${before}.`;
  return `### ${title}\n\n${says}.${names}\n\n` +
    table(["key", "holds", "default", "meaning"], rows(keyTable, "used"));
}

function rows(
  { path, keys }: KeyTable,
  which: "used" | "unused",
): readonly (readonly string[])[] {
  if (keys === "open") return [];
  const entries = Object.entries(keys);
  if (which === "used") {
    return entries.filter(([, { effect }]) => effect === undefined)
      .map(([name, key]) => [
        `\`${name}\``,
        holds(key),
        key.default === undefined ? "" : `\`${JSON.stringify(key.default)}\``,
        key.says,
      ]);
  }
  return entries.filter(([, { effect }]) => effect === "none")
    .map(([name, key]) => [`\`${formatPath([...path, name])}\``, key.says]);
}

function holds({ kind, choices }: Key): string {
  return choices === undefined
    ? kind
    : choices.filter((it) => it !== "").join(", ");
}

function table(
  heads: readonly string[],
  lines: readonly (readonly string[])[],
): string {
  return [heads, heads.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

async function formatted(text: string): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout } = await process.output();
  return new TextDecoder().decode(stdout).trim();
}
