import { assert, assertEquals } from "@std/assert";
import { type CommandEntry, isGroup } from "../src/cli/command.ts";
import { bashScript, fishScript, zshScript } from "../src/cli/completion.ts";
import { completionTree } from "../src/cli/completion_tree.ts";
import { helpFor } from "../src/cli/help.ts";
import { flagsOf } from "../src/cli/parse.ts";
import { COMMANDS } from "../src/cli/table.ts";
import { coracle } from "./support/coracle.ts";
import { assertGolden } from "./support/golden.ts";

/** Every command with its path, those of groups too. */
function* allCommands(entries: readonly CommandEntry[], prefix = "") {
  for (const entry of entries) {
    if (isGroup(entry)) {
      for (const command of entry.commands) {
        yield { path: `${prefix}${entry.name} ${command.name}`, spec: command };
      }
    } else {
      yield { path: `${prefix}${entry.name}`, spec: entry };
    }
  }
}

Deno.test("helpFor() shows the program, its groups and commands", async () => {
  const texts = [await helpFor(undefined, "", COMMANDS)];
  for (const entry of COMMANDS) {
    if (isGroup(entry)) texts.push(await helpFor(entry, entry.name, COMMANDS));
  }
  for (const { path, spec } of allCommands(COMMANDS)) {
    texts.push(await helpFor(spec, path, COMMANDS));
  }
  await assertGolden("cli_help.txt", texts.join("\f\n"));
});

Deno.test("COMMANDS loads a module that runs for every command", async () => {
  for (const { path, spec } of allCommands(COMMANDS)) {
    const command = await spec.load();
    assertEquals(typeof command.run, "function", path);
  }
});

Deno.test("COMMANDS uses no name and no letter twice", async () => {
  for (const { path, spec } of allCommands(COMMANDS)) {
    const flags = await flagsOf(spec);
    const words = flags.flatMap(({ name, short }) =>
      short === undefined ? [name] : [name, short]
    );
    assertEquals(words.length, new Set(words).size, path);
    for (const { help, short } of flags) {
      assert(help.length > 0 && !help.endsWith("."), `${path}: ${help}`);
      assert(short === undefined || short.length === 1, path);
    }
  }
  const names = COMMANDS.flatMap((entry) =>
    isGroup(entry) ? [entry.name] : [entry.name, ...entry.aliases ?? []]
  );
  assertEquals(names.length, new Set(names).size);
});

const SHELLS = [
  { shell: "bash", script: bashScript, check: ["-n"] },
  { shell: "zsh", script: zshScript, check: ["-n"] },
  { shell: "fish", script: fishScript, check: ["--no-execute"] },
] as const;

for (const { shell, script, check } of SHELLS) {
  Deno.test({
    name: `${shell}Script() is a script that ${shell} can read`,
    ignore: !await isThere(shell),
    fn: async () => {
      const path = await Deno.makeTempFile();
      try {
        await Deno.writeTextFile(path, script(await completionTree(COMMANDS)));
        const { code, stderr } = await new Deno.Command(shell, {
          args: [...check, path],
        }).output();
        assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      } finally {
        await Deno.remove(path);
      }
    },
  });
}

async function isThere(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"] }).output();
    return true;
  } catch {
    return false;
  }
}

/** Words typed, the last one unfinished; what bash must offer, among others. */
const BASH_CASES: readonly (readonly [string, readonly string[]])[] = [
  ["coracle im", ["images", "image", "import"]],
  ["coracle image l", ["ls", "load"]],
  ["coracle --root /x image l", ["ls", "load"]],
  ["coracle images --no", ["--no-trunc"]],
  ["coracle completion f", ["fish"]],
  ["coracle run --mem", ["--memory"]],
];

Deno.test({
  name: "bashScript() completes commands, flags and choices",
  ignore: !await isThere("bash"),
  fn: async () => {
    const script = bashScript(await completionTree(COMMANDS));
    for (const [line, expected] of BASH_CASES) {
      const words = line.split(" ");
      const { stdout } = await new Deno.Command("bash", {
        args: [
          "--norc",
          "-c",
          `${script}
compopt() { :; }
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length - 1}
_coracle
printf '%s\\n' "\${COMPREPLY[@]}"`,
        ],
      }).output();
      const offered = new TextDecoder().decode(stdout).split("\n");
      for (const word of expected) assert(offered.includes(word), line);
    }
  },
});

Deno.test("coracle answers help and version without a store", async () => {
  const env = { CORACLE_ROOT: "/proc/nowhere", CORACLE_STATE: "/proc/nowhere" };
  const calls = [["--help"], ["images", "--help"], ["help", "image", "ls"]];
  for (const args of [...calls, ["version"], ["--version"]]) {
    const { code, stderr } = await coracle(args, { env });
    assertEquals([code, stderr], [0, ""], args.join(" "));
  }
});

Deno.test("coracle says what is wrong with a command line, and exits as docker", async () => {
  const cases: readonly (readonly [readonly string[], number])[] = [
    [[], 1],
    [["image"], 1],
    [["imagse"], 1],
    [["image", "lss"], 1],
    [["images", "--fromat", "json"], 125],
    [["run", "--memoy", "1g", "x"], 125],
    [["run"], 1],
    [["tag", "one"], 1],
    [["rmi", "-Z"], 125],
    [["--log-level", "loud", "images"], 125],
    [["--address", "/run/x.sock", "images"], 1],
    [["images", "--namespace", "a b"], 1],
  ];
  const texts: string[] = [];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await coracle(args);
    assertEquals([code, stdout], [expected, ""], args.join(" "));
    texts.push(`$ coracle ${args.join(" ")}\n${stderr}`);
  }
  await assertGolden("cli_errors.txt", texts.join("\n"));
});
