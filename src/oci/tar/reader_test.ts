import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import { TarReader } from "./reader.ts";
import { readArchive, type ReadEntry } from "./testing/collect.ts";
import { encodeHeader, END_OF_ARCHIVE, paddingOf } from "./writer.ts";

const MTIME = { sec: 1_700_000_000, nsec: 123_456_789 };

/** The same tree as GNU tar writes it. */
async function gnuTar(
  fill: (root: string) => Promise<void> | void,
  args: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  const root = await Deno.makeTempDir();
  try {
    await fill(root);
    const { stdout, stderr, success } = await new Deno.Command("tar", {
      args: [...args, "--sort=name", "-C", root, "-cf", "-", "."],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return stdout;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function shell(root: string, script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-ec", script],
    cwd: root,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

const LONG = `${"x".repeat(90)}/${"y".repeat(90)}/${"z".repeat(120)}`;

function named(entries: readonly ReadEntry[], name: string): ReadEntry {
  const found = entries.find(({ header }) => header.name === name);
  if (found === undefined) throw new Error(`no ${JSON.stringify(name)}`);
  return found;
}

for (const format of ["v7", "oldgnu", "gnu", "ustar", "pax"] as const) {
  Deno.test(`TarReader reads what GNU tar writes as ${format}`, async () => {
    const isShort = format === "v7" || format === "ustar";
    const archive = await gnuTar((root) =>
      shell(
        root,
        `
        mkdir d; echo hi >d/a; ln d/a d/b; ln -s a d/c; chmod 4751 d/a
        ${format === "v7" ? "" : "mkfifo d/f"}
        ${isShort ? "" : `mkdir -p ${LONG.replace(/\/z.*/, "")}; >${LONG}`}
        ${isShort ? "" : `ln -s ${LONG} long`}
        touch -d @${MTIME.sec}.${MTIME.nsec} d/a
      `,
      ), [`--format=${format}`, "--owner=:70000", "--group=:80000"]);
    const entries = readArchive(archive, 700);
    const a = named(entries, "./d/a");
    assertEquals(new TextDecoder().decode(a.data), "hi\n");
    assertEquals([a.header.mode, a.header.uid, a.header.gid], [
      0o4751,
      70_000,
      80_000,
    ]);
    assertEquals(
      a.header.mtime,
      format === "pax" ? MTIME : { ...MTIME, nsec: 0 },
    );
    const b = named(entries, "./d/b").header;
    assertEquals([b.type, b.linkName, b.size], ["hardlink", "./d/a", 0]);
    const c = named(entries, "./d/c").header;
    assertEquals([c.type, c.linkName], ["symlink", "a"]);
    assertEquals(named(entries, "./d/").header.type, "directory");
    if (format !== "v7") {
      assertEquals(named(entries, "./d/f").header.type, "fifo");
    }
    if (isShort) return;
    assertEquals(named(entries, `./${LONG}`).header.type, "file");
    assertEquals(named(entries, "./long").header.linkName, LONG);
  });
}

for (const version of ["0.0", "0.1", "1.0", "gnu", "oldgnu"]) {
  Deno.test(`TarReader reads sparse files of format ${version}`, async () => {
    const parts = 60;
    const args = version.includes("gnu")
      ? [`--format=${version}`, "-S"]
      : ["--format=pax", "-S", `--sparse-version=${version}`];
    const step = 1 << 16;
    const archive = await gnuTar((root) => {
      using file = Deno.openSync(`${root}/s`, { write: true, create: true });
      for (let i = 0; i < parts; i++) {
        file.seekSync(2 * i * step, Deno.SeekMode.Start);
        file.writeSync(new TextEncoder().encode(`part ${i}`));
      }
      file.truncateSync(parts * 2 * step + 5);
    }, args);
    const { header, data } = named(readArchive(archive, 1000), "./s");
    assertEquals(header.realSize, parts * 2 * step + 5);
    const whole = new Uint8Array(header.realSize);
    let at = 0;
    for (const { offset, length } of header.sparse ?? []) {
      whole.set(data.subarray(at, at + length), offset);
      at += length;
    }
    assertEquals(at, header.size);
    assertEquals(header.size < header.realSize, true);
    for (let i = 0; i < parts; i++) {
      const text = `part ${i}`;
      const part = whole.subarray(2 * i * step, 2 * i * step + text.length);
      assertEquals(new TextDecoder().decode(part), text);
    }
  });
}

Deno.test("TarReader gives data as parts of what was pushed", () => {
  const size = 5000;
  const archive = new Uint8Array([
    ...encodeHeader({
      type: "file",
      name: "a",
      mode: 0o644,
      uid: 0,
      gid: 0,
      size,
      mtime: { sec: 0, nsec: 0 },
    }),
    ...new Uint8Array(size),
    ...paddingOf(size),
    ...END_OF_ARCHIVE,
  ]);
  let isSame = false;
  const reader = new TarReader({
    entry: () => {},
    data: (chunk) => isSame = chunk.buffer === archive.buffer,
    endEntry: () => {},
  });
  reader.push(archive);
  assertEquals(isSame, true);
});

Deno.test("TarReader ignores what follows the first block of zeros", () => {
  const header = encodeHeader({
    type: "directory",
    name: "d",
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: { sec: 0, nsec: 0 },
  });
  const garbage = new Uint8Array(700).fill(7);
  assertEquals(readArchive(header).length, 1);
  assertEquals(
    readArchive(new Uint8Array([...header, ...new Uint8Array(512)])).length,
    1,
  );
  assertEquals(
    readArchive(
      new Uint8Array([...header, ...END_OF_ARCHIVE, ...header, ...garbage]),
      100,
    ).length,
    1,
  );
  assertEquals(readArchive(new Uint8Array(0)), []);
});

Deno.test("TarReader lets the handler's own error through", () => {
  const reader = new TarReader({
    entry: () => {
      throw new RangeError("disk is full");
    },
    data: () => {},
    endEntry: () => {},
  });
  const entry = { mode: 0, uid: 0, gid: 0, mtime: { sec: 0, nsec: 0 } };
  const header = encodeHeader({ ...entry, type: "fifo", name: "f" });
  assertThrows(() => reader.push(header), RangeError, "disk is full");
});

Deno.test("TarReader says where an archive is damaged", () => {
  const entry = { mode: 0, uid: 0, gid: 0, mtime: { sec: 0, nsec: 0 } };
  const good = encodeHeader({ ...entry, type: "fifo", name: "f" });
  const bad = good.slice();
  bad[0] = 0x21;
  const error = assertThrows(
    () => readArchive(new Uint8Array([...good, ...bad])),
    EngineError,
  );
  assertEquals(error.code, "dataLoss");
  assertStringIncludes(error.message, 'entry "1" at offset "512"');
  assertStringIncludes(error.message, "checksum");
});

Deno.test("TarReader takes signed checksums of names that are no ASCII", () => {
  const entry = { mode: 0, uid: 0, gid: 0, mtime: { sec: 0, nsec: 0 } };
  const block = encodeHeader({ ...entry, type: "fifo", name: "xy" });
  block.set([0xe9, 0xff]);
  let sum = 0;
  block.fill(0x20, 148, 156);
  for (const byte of new Int8Array(block.buffer)) sum += byte;
  block.set(
    new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0`),
    148,
  );
  assertEquals(readArchive(block)[0]?.header.name, "\udce9\udcff");
});

Deno.test("TarReader throws only dataLoss, whatever bytes it is given", () => {
  const entry = { mode: 0o644, uid: 1, gid: 2, mtime: { sec: -5, nsec: 7 } };
  const seed = new Uint8Array([
    ...encodeHeader({
      ...entry,
      type: "file",
      name: "é".repeat(80),
      size: 600,
      xattrs: new Map([["user.x", new Uint8Array(300)]]),
    }),
    ...new Uint8Array(1024),
    ...encodeHeader({ ...entry, type: "symlink", name: "l", linkName: "t" }),
    ...END_OF_ARCHIVE,
  ]);
  const change = fc.tuple(fc.nat(seed.length - 1), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.nat(seed.length),
      fc.integer({ min: 1, max: 3000 }),
      (changes, length, step) => {
        const bytes = seed.slice();
        for (const [at, value] of changes) bytes[at] = value;
        fixChecksums(bytes);
        try {
          readArchive(bytes.subarray(0, length), step);
        } catch (error) {
          assertEquals(error instanceof EngineError, true, `${error}`);
          assertEquals((error as EngineError).code, "dataLoss");
        }
      },
    ),
    { numRuns: 3000 },
  );
});

/** So that changes get past the first check. */
function fixChecksums(bytes: Uint8Array): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (block[257] !== 0x75) continue;
    block.fill(0x20, 148, 156);
    const sum = block.reduce((sum, byte) => sum + byte, 0);
    const text = `${sum.toString(8).padStart(6, "0")}\0`;
    block.set(new TextEncoder().encode(text), 148);
  }
}
