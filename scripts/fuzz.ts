/**
 * Feeds parsers with damaged input until told to stop, and says how to see a
 * failure again.
 *
 * ```
 * deno run -A scripts/fuzz.ts [SECONDS] [SEED]
 * ```
 */

import { EngineError } from "../src/base/errors.ts";
import { classifyEntry } from "../src/oci/layer/whiteout.ts";
import { TarReader } from "../src/oci/tar/reader.ts";
import { hostileArchives } from "../tests/support/tar_corpus.ts";

/** A small generator whose whole state is its seed (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One archive, read once whole and once in parts; both must say the same. */
export function fuzzTar(
  seeds: readonly Uint8Array[],
  random: (below: number) => number,
): void {
  const seed = seeds[random(seeds.length)] ?? new Uint8Array(0);
  const bytes = seed.slice(0, 1 << 16);
  for (let left = random(8); left > 0 && bytes.length > 0; left--) {
    bytes[random(bytes.length)] = random(256);
  }
  if (random(4) > 0) repairChecksums(bytes);
  const cut = random(3) === 0
    ? bytes.subarray(0, random(bytes.length + 1))
    : bytes;
  const whole = outcomeOf(cut, cut.length);
  const parts = outcomeOf(cut, 1 + random(2000));
  if (whole !== parts) {
    throw new Error(`read whole: ${whole}\nread in parts: ${parts}`);
  }
}

/** So that damage gets past the first check. */
function repairChecksums(bytes: Uint8Array): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (block[257] !== 0x75) continue;
    block.fill(0x20, 148, 156);
    const sum = block.reduce((sum, byte) => sum + byte, 0);
    const text = `${sum.toString(8).padStart(6, "0")}\0`;
    block.set(new TextEncoder().encode(text), 148);
  }
}

/** What a reader makes of it; anything but `dataLoss` is a failure. */
function outcomeOf(bytes: Uint8Array, step: number): string {
  const seen: string[] = [];
  let left = 0;
  const reader = new TarReader({
    entry(header) {
      seen.push(JSON.stringify(header), classifyEntry(header.name).kind);
      left = header.size;
    },
    data: (chunk) => left -= chunk.length,
    endEntry() {
      if (left !== 0) throw new Error(`"${left}" bytes are missing`);
    },
  });
  try {
    for (let at = 0; at < bytes.length; at += step) {
      reader.push(bytes.subarray(at, at + step));
    }
    reader.finish();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "dataLoss") {
      throw error;
    }
    seen.push(error.message);
  }
  return seen.join("\n");
}

function main([seconds = "10", seed = `${Date.now() % 1e9}`]: string[]): void {
  const seeds = hostileArchives("/outside").map(({ bytes }) => bytes);
  const end = performance.now() + Number(seconds) * 1000;
  let next = Number(seed);
  for (; performance.now() < end; next++) {
    try {
      fuzzTar(seeds, randomOf(next));
    } catch (error) {
      print(
        `Failed with seed ${next}: deno run -A scripts/fuzz.ts 0.001 ${next}`,
      );
      throw error;
    }
  }
  print(`${next - Number(seed)} archives, from seed ${seed}`);
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) main(Deno.args);
