import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { CommandEntry, CommandSpec, FlagSpec } from "./command.ts";
import {
  type CommandLine,
  CommandLineError,
  parseCommandLine,
} from "./parse.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "all", short: "a", kind: "boolean", help: "" },
  { name: "quiet", short: "q", kind: "boolean", help: "" },
  { name: "name", short: "n", kind: "string", help: "" },
  { name: "env", short: "e", kind: "list", help: "" },
  { name: "count", short: "c", kind: "number", help: "" },
  { name: "cpus", kind: "number", shape: "decimal", help: "" },
  { name: "no-trunc", kind: "boolean", help: "" },
  { name: "human", kind: "boolean", default: true, help: "" },
  { name: "pull", kind: "string", choices: ["always", "never"], help: "" },
];

const load = () => Promise.resolve({ run: () => Promise.resolve(0) });
const LS: CommandSpec = {
  name: "ls",
  aliases: ["list"],
  summary: "",
  flags: FLAGS,
  load,
};
const RUN: CommandSpec = {
  name: "run",
  summary: "",
  flags: [...FLAGS, {
    name: "hostname",
    short: "h",
    kind: "string",
    help: "",
  }],
  flagOrder: "first",
  args: { min: 1 },
  load,
};
const PRUNE: CommandSpec = { name: "prune", summary: "", load };
const TABLE: readonly CommandEntry[] = [
  LS,
  RUN,
  { name: "image", summary: "", commands: [LS, PRUNE] },
  { name: "system", summary: "", commands: [PRUNE] },
];

async function parse(...argv: readonly string[]) {
  const line = await parseCommandLine(argv, TABLE);
  if (line.kind !== "command") throw new Error(`It is ${line.kind}`);
  return line;
}

async function fails(argv: readonly string[], message: string) {
  const error = await assertRejects(
    () => parseCommandLine(argv, TABLE),
    CommandLineError,
  );
  assertStringIncludes(error.message, message);
  return error;
}

Deno.test("parseCommandLine() takes flags in every form of pflag's", async () => {
  const { flags, args } = await parse(
    ..."ls one -aq --name=x -e A=1 --env B=2 -c5 --cpus .5 two -n=y".split(" "),
  );
  assertEquals(args, ["one", "two"]);
  assertEquals(flags.boolean("all"), true);
  assertEquals(flags.boolean("quiet"), true);
  assertEquals(flags.boolean("no-trunc"), false);
  assertEquals(flags.string("name"), "y");
  assertEquals(flags.list("env"), ["A=1", "B=2"]);
  assertEquals(flags.number("count"), 5);
  assertEquals(flags.number("cpus"), 0.5);
  assertEquals(flags.given("pull"), false);
});

Deno.test("parseCommandLine() lets a boolean be unsaid", async () => {
  assertEquals((await parse("ls")).flags.boolean("human"), true);
  for (const off of ["--no-human", "--human=false", "--human=0"]) {
    assertEquals((await parse("ls", off)).flags.boolean("human"), false);
  }
  assertEquals(
    (await parse("ls", "--no-trunc")).flags.boolean("no-trunc"),
    true,
  );
});

Deno.test("parseCommandLine() leaves everything behind the image to the container", async () => {
  const { args, flags } = await parse("run", "-a", "img", "ls", "-la", "--all");
  assertEquals(args, ["img", "ls", "-la", "--all"]);
  assertEquals(flags.boolean("all"), true);
  const dashed = await parse("run", "--", "img", "--", "-x");
  assertEquals(dashed.args, ["img", "--", "-x"]);
});

Deno.test("parseCommandLine() keeps empty and single-dash arguments", async () => {
  assertEquals((await parse("ls", "", "-")).args, ["", "-"]);
  assertEquals((await parse("ls", "--name", "")).flags.string("name"), "");
});

Deno.test("parseCommandLine() takes global flags before and behind the command", async () => {
  const before = await parse("--root", "/r", "-D", "ls");
  assertEquals(before.global, { root: "/r", debug: true });
  const behind = await parse(
    "--root",
    "/r",
    "ls",
    "--root=/s",
    "--log-level",
    "warn",
  );
  assertEquals(behind.global, { root: "/s", logLevel: "warn" });
  // The letters of a command's own flags are its own.
  assertEquals((await parse("ls", "-n", "x")).global, {});
  const run = await parse("run", "-h", "host", "img");
  assertEquals(run.flags.string("hostname"), "host");
});

Deno.test("parseCommandLine() finds commands of groups and aliases", async () => {
  assertEquals((await parse("image", "ls")).path, "image ls");
  assertEquals((await parse("image", "list", "x")).args, ["x"]);
  assertEquals((await parse("list")).path, "ls");
});

Deno.test("parseCommandLine() asks for help where help is wanted or needed", async () => {
  const kinds: [string[], Partial<CommandLine>][] = [
    [[], { path: "", asked: false } as Partial<CommandLine>],
    [["--help"], { path: "", asked: true } as Partial<CommandLine>],
    [["image"], { path: "image", asked: false } as Partial<CommandLine>],
    [["image", "-h"], { path: "image", asked: true } as Partial<CommandLine>],
    [
      ["image", "ls", "-h"],
      { path: "image ls", asked: true } as Partial<CommandLine>,
    ],
    [["run", "--help"], { path: "run", asked: true } as Partial<CommandLine>],
  ];
  for (const [argv, expected] of kinds) {
    const line = await parseCommandLine(argv, TABLE);
    assertEquals(line.kind, "help", argv.join(" "));
    assertEquals({ ...line, ...expected }, line, argv.join(" "));
  }
  assertEquals((await parseCommandLine(["-v"], TABLE)).kind, "version");
});

Deno.test("parseCommandLine() refuses what is wrong, in docker's words", async () => {
  const unknown = await fails(["ls", "--quite"], "unknown flag: --quite");
  assertEquals(unknown.exitCode, 125);
  assertEquals(unknown.hint, "Did you mean --quiet?");
  await fails(["ls", "-aZ"], "unknown shorthand flag: 'Z' in -aZ");
  await fails(["ls", "--name"], "flag needs an argument: --name");
  await fails(["ls", "-n"], "flag needs an argument: 'n' in -n");
  await fails(["ls", "--all=x"], 'invalid argument "x" for "-a, --all" flag');
  await fails(["ls", "-c", "1.5"], 'invalid argument "1.5"');
  await fails(["ls", "--pull", "x"], 'must be one of "always", "never"');
  const none = await fails(["lss"], "unknown command: coracle lss");
  assertEquals([none.exitCode, none.hint], [1, "Did you mean coracle ls?"]);
  const inGroups = await fails(["prune"], "unknown command: coracle prune");
  assertEquals(
    inGroups.hint,
    "Did you mean coracle system prune, coracle image prune?",
  );
  await fails(["image", "lz"], "unknown command: coracle image lz");
  const few = await fails(
    ["run"],
    "'coracle run' requires at least 1 argument",
  );
  assertEquals(few.exitCode, 1);
});

Deno.test("parseCommandLine() gives back any values that it is given", async () => {
  const text = fc.string({ unit: "binary" });
  const positional = text.filter((word) => !word.startsWith("-"));
  await fc.assert(fc.asyncProperty(
    fc.array(text),
    fc.array(positional),
    text,
    async (env, words, name) => {
      const { flags, args } = await parse(
        "ls",
        ...env.map((value) => `--env=${value}`),
        ...words,
        "--name",
        name,
      );
      assertEquals(flags.list("env"), env);
      assertEquals(flags.string("name"), name);
      assertEquals(args, words);
    },
  ));
});

Deno.test("parseCommandLine() touches nothing behind the first positional of run", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.oneof(fc.string(), fc.constantFrom("--", "-a", "--help"))),
    async (rest) => {
      const { args } = await parse("run", "-aq", "image", ...rest);
      assertEquals(args, ["image", ...rest]);
    },
  ));
});

Deno.test("parseCommandLine() never throws anything but its own error", async () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("ls", "run", "image", "-", "--", "-a", "--name", "-e", "="),
  );
  await fc.assert(fc.asyncProperty(fc.array(word), async (argv) => {
    try {
      await parseCommandLine(argv, TABLE);
    } catch (error) {
      if (!(error instanceof CommandLineError)) throw error;
    }
  }));
});

Deno.test("parseCommandLine() loads rare flags only when it must", async () => {
  let loaded = 0;
  const table = [{
    ...RUN,
    loadRareFlags: () => {
      loaded++;
      const flag = { name: "expose", short: "x", kind: "list", help: "" };
      return Promise.resolve([flag as FlagSpec]);
    },
  }];
  const flagsOf = async (...argv: readonly string[]) => {
    const line = await parseCommandLine(argv, table);
    if (line.kind !== "command") throw new Error(`It is ${line.kind}`);
    return line.flags;
  };
  const usual = await flagsOf("run", "-a", "image", "--expose", "80");
  assertEquals([loaded, usual.declares("expose")], [0, false]);
  for (const typed of [["--expose", "80"], ["-x80"], ["-ax", "80"]]) {
    const flags = await flagsOf("run", ...typed, "--name", "web", "image");
    assertEquals(flags.list("expose"), ["80"]);
    assertEquals(flags.string("name"), "web");
  }
  const error = await assertRejects(
    () => parseCommandLine(["run", "--expos", "80", "image"], table),
    CommandLineError,
  );
  assertEquals(error.hint, "Did you mean --expose?");
});
