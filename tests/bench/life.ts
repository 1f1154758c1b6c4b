/** The life of containers that outlive the command, against other engines. */

import { type Bench, median, milliseconds, type Row } from "./bench.ts";
import {
  type Engine,
  engines,
  type EngineSpec,
  isThere,
  makeArchive,
  openCoracle,
} from "./life_engines.ts";
import { meanMemory, type ProcessMemory } from "./life_memory.ts";

const ROUNDS = 15;
const AT_ONCE = 20;
const PARALLEL_ROUNDS = 5;
const IN_A_ROW = 50;
const RUNNING = 20;

/** How many times as long as the reference it may take. */
const BARS: Readonly<Partial<Record<Action, number>>> = {
  "run -d": 0.8,
  "exec true": 0.8,
  "20 run -d at once": 1,
};
/** The first against the second, as far as both are there. */
const PAIRS = [
  { ours: "coracle", theirs: "ctr" },
  { ours: "coracle", theirs: "ctr, filtered" },
  { ours: "coracle, unfiltered", theirs: "ctr" },
] as const;

/** MB of private memory of a shim with one container. */
const PRIVATE_BAR = 9.5;
/** And for each further one, if it keeps several. */
const FURTHER_BAR = 1.2;

type Action =
  | "run -d"
  | "exec true"
  | "stop"
  | "rm -f"
  | "20 run -d at once"
  | "50 run -d in a row";

const ACTIONS: readonly Action[] = [
  "run -d",
  "exec true",
  "stop",
  "rm -f",
  "20 run -d at once",
  "50 run -d in a row",
];

/** Milliseconds by action, then by engine. */
type Figures = Record<Action, Map<string, number[]>>;

type NamedEngine = Engine & { readonly name: string };

export const bench: Bench = {
  name: "life",
  async run({ coracle, say }) {
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "coracle-bench-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    // What does not survive a reboot is in memory on an ordinary machine.
    const memory = await Deno.makeTempDir({ dir: "/dev/shm" });
    stack.defer(() => Deno.remove(memory, { recursive: true }));
    const archive = await makeArchive(dir);
    const place = async (name: string) => {
      const at = {
        archive,
        disk: `${dir}/${name}`,
        state: `${memory}/${name}`,
      };
      await Deno.mkdir(at.disk, { recursive: true });
      await Deno.mkdir(at.state, { recursive: true });
      return at;
    };
    const opened: NamedEngine[] = [];
    for (const [index, spec] of engines(coracle).entries()) {
      const engine = await openEngine(
        spec,
        await place(`engine-${index}`),
        say,
      );
      if (engine === undefined) continue;
      opened.push({ ...tidy(stack.use(engine), stack), name: spec.name });
    }
    const figures = await measure(opened, say);
    say(table(opened, figures));
    const rows = ratioRows(figures);
    rows.push(...await memoryRows(opened, say));
    const engine = await openCoracle(coracle, await place("grouped"), {
      config: '[shim]\ngrouping = "namespace"\n',
    });
    const grouped = tidy(stack.use(engine), stack);
    rows.push(...await groupedRows(grouped, say));
    return rows;
  },
};

/** Whatever fails, what was started is removed before its files are. */
function tidy(engine: Engine, stack: AsyncDisposableStack): Engine {
  const running = new Set<string>();
  stack.defer(async () => {
    for (const id of running) await engine.remove(id).catch(() => {});
  });
  return {
    ...engine,
    async runDetached(id) {
      running.add(id);
      await engine.runDetached(id);
    },
    async remove(id) {
      await engine.remove(id);
      running.delete(id);
    },
  };
}

/** Undefined, and said so, if it isn't there or does not run here. */
async function openEngine(
  spec: EngineSpec,
  place: Parameters<EngineSpec["open"]>[0],
  say: (line: string) => void,
): Promise<Engine | undefined> {
  if (!await isThere(spec)) {
    say(`${spec.name}: not installed`);
    return undefined;
  }
  try {
    return await spec.open(place);
  } catch (error) {
    say(`${spec.name}: does not run here: ${error}`);
    return undefined;
  }
}

async function measure(
  opened: readonly NamedEngine[],
  say: (line: string) => void,
): Promise<Figures> {
  const figures = Object.fromEntries(
    ACTIONS.map((action) => [action, new Map()]),
  ) as Figures;
  const note = (engine: NamedEngine, action: Action, ms: number) => {
    const of = figures[action];
    of.set(engine.name, [...of.get(engine.name) ?? [], ms]);
  };
  say(`one after the other, ${ROUNDS} rounds`);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const engine of opened) {
      // The first is for what is only made once.
      await oneLife(engine, round === 0 ? () => {} : note, `one-${round}`);
    }
  }
  say(`${AT_ONCE} at once, ${PARALLEL_ROUNDS} rounds`);
  for (let round = 0; round < PARALLEL_ROUNDS; round++) {
    for (const engine of opened) {
      const ids = idsOf(`par-${round}`, AT_ONCE);
      note(
        engine,
        "20 run -d at once",
        await milliseconds(() => all(ids, (id) => engine.runDetached(id))),
      );
      await removeAll(engine, ids);
    }
  }
  say(`${IN_A_ROW} in a row`);
  for (const engine of opened) {
    const ids = idsOf("row", IN_A_ROW);
    note(
      engine,
      "50 run -d in a row",
      await milliseconds(async () => {
        for (const id of ids) await engine.runDetached(id);
      }),
    );
    await removeAll(engine, ids);
  }
  return figures;
}

async function oneLife(
  engine: NamedEngine,
  note: (engine: NamedEngine, action: Action, ms: number) => void,
  id: string,
): Promise<void> {
  const time = async (action: Action, call: () => Promise<void>) =>
    note(engine, action, await milliseconds(call));
  await time("run -d", () => engine.runDetached(id));
  await time("exec true", () => engine.exec(id));
  const { stop } = engine;
  if (stop !== undefined) {
    await time("stop", () => stop(id));
    await engine.remove(id);
    await engine.runDetached(id);
  }
  await time("rm -f", () => engine.remove(id));
}

function idsOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}-${at}`);
}

async function all(
  ids: readonly string[],
  call: (id: string) => Promise<void>,
): Promise<void> {
  await Promise.all(ids.map((id) => call(id)));
}

async function removeAll(
  engine: Engine,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) await engine.remove(id);
}

function table(opened: readonly NamedEngine[], figures: Figures): string {
  const names = opened.map(({ name }) => name);
  const lines = ACTIONS.map((action) => {
    const cells = names.map((name) => {
      const samples = figures[action].get(name);
      return samples === undefined ? "-" : median(samples).toFixed(1);
    });
    return [action, ...cells];
  });
  const header = ["median, ms", ...names];
  return [header, header.map(() => "---"), ...lines]
    .map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function ratioRows(figures: Figures): Row[] {
  return PAIRS.flatMap((pair) =>
    ACTIONS.flatMap((action) => {
      const bar = BARS[action];
      const ours = figures[action].get(pair.ours);
      const theirs = figures[action].get(pair.theirs);
      if (bar === undefined || ours === undefined || theirs === undefined) {
        return [];
      }
      const [first, second] = [median(ours), median(theirs)];
      return [{
        what: `${action} (${pair.ours})`,
        measured: `${first.toFixed(1)} ms`,
        reference: `${pair.theirs}: ${second.toFixed(1)} ms`,
        figure: first / second,
        bar,
      }];
    })
  );
}

async function memoryRows(
  opened: readonly NamedEngine[],
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  say(`memory of a shim, MB, mean of ${RUNNING}`);
  for (const engine of opened) {
    const ids = idsOf("mem", RUNNING);
    for (const id of ids) await engine.runDetached(id);
    const shims = engine.shims();
    if (shims.length > 0) {
      const what = `${engine.name} (${shims.length})`;
      const memory = meanMemory(shims);
      say(memoryLine(what, memory));
      const { wake } = engine;
      await all(ids, async (id) => await wake?.(id));
      const awake = meanMemory(shims);
      if (wake !== undefined) say(memoryLine(`${what}, awake`, awake));
      if (engine.name === "coracle") {
        rows.push(
          memoryRow("private memory of a shim", memory, PRIVATE_BAR),
          memoryRow("private memory of a shim, awake", awake, PRIVATE_BAR),
        );
      }
    }
    await removeAll(engine, ids);
  }
  return rows;
}

/** What each container costs beyond the first in a shim for all of them. */
async function groupedRows(
  engine: Engine,
  say: (line: string) => void,
): Promise<readonly Row[]> {
  const ids = idsOf("group", RUNNING);
  const [first = "", ...others] = ids;
  await engine.runDetached(first);
  const one = meanMemory(engine.shims());
  for (const id of others) await engine.runDetached(id);
  const shims = engine.shims();
  const many = meanMemory(shims);
  await removeAll(engine, ids);
  if (shims.length > 1) {
    say(`grouped: there are ${shims.length} shims, so nothing is grouped`);
    return [];
  }
  say(memoryLine("grouped, 1", one));
  say(memoryLine(`grouped, ${RUNNING}`, many));
  const further = (many.privateMb - one.privateMb) / others.length;
  return [{
    what: "private memory of a further container in a shim",
    measured: `${further.toFixed(2)} MB`,
    reference: "",
    figure: further,
    bar: FURTHER_BAR,
  }];
}

function memoryLine(what: string, memory: ProcessMemory): string {
  const { privateMb, proportionalMb, residentMb } = memory;
  return `${what}: private ${privateMb.toFixed(2)}, ` +
    `proportional ${proportionalMb.toFixed(2)}, ` +
    `resident ${residentMb.toFixed(2)}`;
}

function memoryRow(what: string, memory: ProcessMemory, bar: number): Row {
  return {
    what,
    measured: `${memory.privateMb.toFixed(2)} MB`,
    reference: "",
    figure: memory.privateMb,
    bar,
  };
}
