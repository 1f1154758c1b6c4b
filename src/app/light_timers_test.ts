import { assertEquals } from "@std/assert";

const MODULE = new URL("./light_timers.ts", import.meta.url).href;

/** What a process of its own prints that uses them: they are of all of it. */
async function printed(body: string): Promise<string> {
  const program = `import { useLightTimers } from ${JSON.stringify(MODULE)};
    const before = setTimeout;
    useLightTimers();
    const isLight = setTimeout !== before;
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
    ${body}`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-config", "--ext=ts"],
      `data:application/typescript,${encodeURIComponent(program)}`,
    ],
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return new TextDecoder().decode(stdout);
}

Deno.test("useLightTimers() takes the place of the runtime's", async () => {
  assertEquals(await printed("console.log(isLight);"), "true\n");
});

Deno.test("useLightTimers() gives timers that fire in order, with arguments", async () => {
  const body = `
    setTimeout((...it) => console.log(...it), 20, "c", 3);
    setTimeout(() => console.log("a"));
    setTimeout((it) => console.log(it), 10, "b");`;
  assertEquals(await printed(body), "a\nb\nc 3\n");
});

Deno.test("useLightTimers() gives timers that can be cleared, before and after", async () => {
  const body = `
    clearTimeout(setTimeout(() => console.log("never"), 5));
    const fired = setTimeout(() => console.log("a"), 10);
    await sleep(30);
    clearTimeout(fired);
    clearTimeout(fired);
    clearTimeout(undefined);
    setTimeout(() => console.log("b"), 20);`;
  assertEquals(await printed(body), "a\nb\n");
});

Deno.test("useLightTimers() gives intervals until they are cleared", async () => {
  const body = `
    let count = 0;
    const timer = setInterval(() => {
      console.log(++count);
      if (count === 3) clearInterval(timer);
    }, 5);`;
  assertEquals(await printed(body), "1\n2\n3\n");
});

Deno.test("useLightTimers() gives timers that need not hold the process", async () => {
  const body = `
    Deno.unrefTimer(setTimeout(() => console.log("never"), 60_000));
    const held = setTimeout(() => console.log("a"), 20);
    Deno.unrefTimer(held);
    Deno.refTimer(held);`;
  assertEquals(await printed(body), "a\n");
});
