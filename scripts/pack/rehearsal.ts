/**
 * Plays a program as the executable runs it, and says what V8 has compiled by
 * then.
 *
 * `deno run -A rehearsal.ts daemon|commands <PLAY`, with a `Play` in JSON; the
 * last line of what it writes are the code caches, in base64 by the names of
 * the scripts that were loaded, as JSON.
 */

import { type Play, type Program, Stage } from "./rehearsal_stage.ts";

/** What can be rehearsed. */
export type Scene = "daemon" | "commands";

/** A build does not wait for ever for what does not start, or end. */
const MOST_MS = 30_000;
/** What of the environment is none of our settings. */
const KEPT = ["HOME", "PATH", "TMPDIR"];

async function rehearse(scene: Scene, play: Play): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-rehearsal-" });
  try {
    const stage = new Stage(play);
    const program = await stage.load(play.main) as unknown as Program;
    if (scene === "daemon") {
      const { rehearseDaemon } = await import("./rehearse_daemon.ts");
      await rehearseDaemon(program, dir);
    } else {
      const { rehearseCommands } = await import("./rehearse_commands.ts");
      await rehearseCommands(program, dir);
    }
    return JSON.stringify(stage.caches());
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Nothing of this host's settings, nor of who started the build. */
function forgetEnvironment(): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (!KEPT.includes(name)) Deno.env.delete(name);
  }
  Deno.env.set("CORACLE_CONFIG", "/dev/null");
}

if (import.meta.main) {
  setTimeout(() => Deno.exit(1), MOST_MS);
  const scene = Deno.args[0] === "daemon" ? "daemon" : "commands";
  const play = await new Response(Deno.stdin.readable).json() as Play;
  forgetEnvironment();
  // What is loaded only in the executable is to be there.
  Object.assign(globalThis, { [Symbol.for("coracle.package")]: {} });
  const caches = new TextEncoder().encode(`\n${await rehearse(scene, play)}`);
  for (let at = 0; at < caches.length;) {
    at += Deno.stdout.writeSync(caches.subarray(at));
  }
  // The daemon has been told nothing: it ends with this process.
  Deno.exit(0);
}
