/**
 * Archives made to do damage, for whatever unpacks them.
 *
 * They aim at a directory beside the layer's, called as `outside` says, which
 * has a file `victim` and a directory `dir` with a file `inner`.
 */

import { joinBytes, rawEntries, rawPax, rawTar } from "./raw_tar.ts";
import { hostileSparse } from "./tar_corpus_sparse.ts";

export interface HostileArchive {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * `error`: unpacking must fail. `contained`: it may fail or succeed. Either
   * way nothing outside is changed, linked or read.
   */
  readonly expect: "error" | "contained";
}

/** @param outside absolute path of the directory that is aimed at */
export function hostileArchives(outside: string): HostileArchive[] {
  return [
    ...dotDot(outside),
    ...symlinks(outside),
    ...replaced(outside),
    ...hardLinks(outside),
    ...whiteouts(outside),
    ...oddNames(outside),
    ...special(),
    ...malformed(),
    ...hostileSparse(),
  ];
}

function contained(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): HostileArchive {
  return { name, bytes, expect: "contained" };
}

function mustFail(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): HostileArchive {
  return { name, bytes, expect: "error" };
}

const EVIL = { data: "evil" } as const;
const dir = (name: string) => ({ name, flag: "5" } as const);
const link = (name: string, link: string) => ({ name, flag: "2", link });
const hard = (name: string, link: string) => ({ name, flag: "1", link });

function dotDot(outside: string): HostileArchive[] {
  const beside = `../${baseOf(outside)}`;
  const climb = "../".repeat(40) + outside.slice(1);
  return [
    contained("file by ..", rawTar({ name: `${beside}/victim`, ...EVIL })),
    contained("new file by ..", rawTar({ name: "../planted", ...EVIL })),
    contained("file by many ..", rawTar({ name: `${climb}/victim`, ...EVIL })),
    contained(
      "file by .. inside a name",
      rawTar(dir("a"), { name: `a/../../${baseOf(outside)}/victim`, ...EVIL }),
    ),
    contained(
      "file by .. under what does not exist",
      rawTar({ name: `no/such/../../../${baseOf(outside)}/victim`, ...EVIL }),
    ),
    contained("directory by ..", rawTar({ ...dir(beside), mode: 0o777 })),
    contained("the parent itself", rawTar({ ...dir(".."), mode: 0o777 })),
    contained("file called ..", rawTar({ name: "..", ...EVIL })),
    contained("symlink by ..", rawTar(link("../planted", "/etc/passwd"))),
    contained("fifo by ..", rawTar({ name: "../planted", flag: "6" })),
    contained(
      "file by .. in a pax path",
      rawTar(rawPax({ path: `${beside}/victim` }), { name: "a", ...EVIL }),
    ),
    contained(
      "file by .. in a global pax path",
      rawTar(rawPax({ path: `${beside}/victim` }, "g"), {
        name: "a",
        ...EVIL,
      }),
    ),
    contained(
      "file by .. in a GNU long name",
      rawTar(
        { name: "././@LongLink", flag: "L", data: `${beside}/victim\0` },
        { name: "a", ...EVIL },
      ),
    ),
    contained(
      "file by .. in a ustar prefix",
      rawTar({ prefix: beside, name: "victim", ...EVIL }),
    ),
    contained("absolute name", rawTar({ name: `${outside}/victim`, ...EVIL })),
    contained(
      "absolute name with many slashes",
      rawTar({ name: `//${outside}//victim`, ...EVIL }),
    ),
    contained("absolute directory", rawTar({ ...dir(outside), mode: 0o777 })),
  ];
}

function symlinks(outside: string): HostileArchive[] {
  const beside = `../${baseOf(outside)}`;
  const through = { name: "x/victim", ...EVIL };
  return [
    contained("through a symlink", rawTar(link("x", outside), through)),
    contained("through a .. symlink", rawTar(link("x", beside), through)),
    contained(
      "through a symlink to /",
      rawTar(link("x", "/"), { name: `x${outside}/victim`, ...EVIL }),
    ),
    contained(
      "through a chain of symlinks",
      rawTar(link("a", outside), link("b", "a"), link("x", "b"), through),
    ),
    contained(
      "through a chain that climbs",
      rawTar(
        dir("d"),
        link("d/up", ".."),
        link("d/up2", "up/.."),
        link("x", `d/up2/${baseOf(outside)}`),
        through,
      ),
    ),
    contained(
      "through a symlink in the middle",
      rawTar(dir("d"), link("d/x", outside), {
        name: "d/x/dir/inner",
        ...EVIL,
      }),
    ),
    contained(
      "through a symlink by ..",
      rawTar(link("x", `${outside}/dir`), { name: "x/../victim", ...EVIL }),
    ),
    contained(
      "file over a symlink to a file",
      rawTar(link("x", `${outside}/victim`), { name: "x", ...EVIL }),
    ),
    contained(
      "directory over a symlink",
      rawTar(link("x", outside), { ...dir("x"), mode: 0o777 }, through),
    ),
    contained(
      "directory with a slash over a symlink",
      rawTar(link("x", outside), { ...dir("x/"), mode: 0o777, uid: 7 }),
    ),
    contained(
      "new directories through a symlink",
      rawTar(link("x", outside), dir("x/planted/deep")),
    ),
    contained(
      "mode of a symlink's target",
      rawTar({ ...link("x", `${outside}/victim`), mode: 0o777, uid: 9 }),
    ),
    contained(
      "xattrs of a symlink's target",
      rawTar(
        rawPax({ "SCHILY.xattr.user.evil": "1", mtime: "1.5" }),
        link("x", `${outside}/victim`),
      ),
    ),
    contained(
      "symlink through a symlink",
      rawTar(link("x", outside), link("x/planted", "/")),
    ),
    contained(
      "through /proc/self/root",
      rawTar(link("x", `/proc/self/root${outside}`), through),
    ),
    contained(
      "circular symlinks",
      rawTar(link("x", "y"), link("y", "x"), through),
    ),
    contained("symlink to itself", rawTar(link("x", "x"), through)),
    contained("empty symlink", rawTar(link("x", ""), through)),
    contained(
      "symlink longer than a path may be",
      rawTar(rawPax({ linkpath: "a/".repeat(3000) }), link("x", "")),
    ),
  ];
}

function replaced(outside: string): HostileArchive[] {
  const evil = { name: "d/victim", ...EVIL };
  return [
    contained(
      "directory replaced by a symlink",
      rawTar(dir("d"), { name: "d/a" }, link("d", outside), evil),
    ),
    contained(
      "open parent replaced by a symlink",
      rawTar(
        dir("a"),
        dir("a/d"),
        { name: "a/d/one" },
        link("a", outside),
        { name: "a/dir/inner", ...EVIL },
      ),
    ),
    contained(
      "directory hidden, then a symlink",
      rawTar(dir("d"), { name: "d/a" }, { name: ".wh.d" }, link("d", outside), {
        ...evil,
      }),
    ),
    contained(
      "file over a directory, then under it",
      rawTar(dir("d"), { name: "d/a" }, { name: "d", data: "file" }, evil),
    ),
    contained(
      "the root replaced by a symlink",
      rawTar(link(".", outside), { name: "victim", ...EVIL }),
    ),
    contained(
      "the root replaced by a file",
      rawTar({ name: "./", flag: "0", ...EVIL }, { name: "victim" }),
    ),
    contained(
      "the same name many times",
      rawTar(
        { name: "x", data: "1" },
        link("x", outside),
        dir("x"),
        { name: "x", flag: "6" },
        hard("x", `${outside}/victim`),
        { name: "x", data: "2" },
      ),
    ),
    contained(
      "directory time set after it became a symlink",
      rawTar({ ...dir("d"), mtime: 1, mode: 0o700 }, link("d", outside)),
    ),
  ];
}

function hardLinks(outside: string): HostileArchive[] {
  const beside = `../${baseOf(outside)}`;
  const then = { name: "x", ...EVIL };
  return [
    contained("hard link outside", rawTar(hard("x", `${outside}/victim`))),
    contained("hard link to /etc/passwd", rawTar(hard("x", "/etc/passwd"))),
    contained("hard link by ..", rawTar(hard("x", `${beside}/victim`), then)),
    contained("hard link to ..", rawTar(hard("x", ".."))),
    contained("hard link to the root", rawTar(hard("x", "/"))),
    contained("hard link to nothing", rawTar(hard("x", ""))),
    contained(
      "hard link by a symlinked parent",
      rawTar(link("d", outside), hard("x", "d/victim"), then),
    ),
    contained(
      "hard link into a symlinked parent",
      rawTar(link("d", outside), { name: "a" }, hard("d/planted", "a")),
    ),
    contained(
      "hard link to a symlink, then written",
      rawTar(link("l", `${outside}/victim`), hard("x", "l"), then),
    ),
    contained(
      "hard link to a symlink, with another mode",
      rawTar(link("l", `${outside}/victim`), {
        ...hard("x", "l"),
        mode: 0o777,
        uid: 5,
      }),
    ),
    contained("hard link to itself", rawTar(hard("x", "x"))),
    contained(
      "hard link over its own target",
      rawTar({ name: "x", data: "1" }, hard("x", "./x")),
    ),
    contained("hard link to a directory", rawTar(dir("d"), hard("x", "d"))),
  ];
}

function whiteouts(outside: string): HostileArchive[] {
  const beside = `../${baseOf(outside)}`;
  return [
    contained("whiteout by ..", rawTar({ name: `${beside}/.wh.victim` })),
    contained("whiteout, absolute", rawTar({ name: `${outside}/.wh.victim` })),
    mustFail("whiteout of ..", rawTar({ name: ".wh..." })),
    mustFail("whiteout of .. below", rawTar(dir("d"), { name: "d/.wh..." })),
    mustFail("whiteout of .", rawTar({ name: ".wh.." })),
    mustFail("whiteout of nothing", rawTar({ name: ".wh." })),
    contained(
      "whiteout through a symlink",
      rawTar(link("x", outside), { name: "x/.wh.victim" }),
    ),
    contained(
      "whiteout of a symlink",
      rawTar(link("x", outside), { name: ".wh.x" }),
    ),
    contained(
      "opaque marker by ..",
      rawTar({ name: `${beside}/.wh..wh..opq` }),
    ),
    contained(
      "opaque marker in a symlinked directory",
      rawTar(link("x", outside), { name: "x/.wh..wh..opq" }),
    ),
    contained(
      "AUFS link directory",
      rawTar(dir(".wh..wh.plnk"), hard(".wh..wh.plnk/1", `${outside}/victim`)),
    ),
    contained(
      "overlay xattr that redirects a directory",
      rawTar(
        rawPax({
          "SCHILY.xattr.trusted.overlay.redirect": outside,
          "SCHILY.xattr.user.overlay.redirect": outside,
        }),
        dir("d"),
      ),
    ),
  ];
}

function oddNames(outside: string): HostileArchive[] {
  return [
    contained("empty name", rawTar({ name: "", ...EVIL })),
    contained("name .", rawTar({ name: ".", ...EVIL })),
    contained("name ./", rawTar({ ...dir("./"), mode: 0o755 })),
    contained("name /", rawTar({ name: "/", ...EVIL })),
    contained("file with a slash at its end", rawTar({ name: "x///" })),
    contained("newline in a name", rawTar({ name: "a\nb", ...EVIL })),
    contained(
      "name that is no UTF-8",
      rawTar({ name: new Uint8Array([0x61, 0xff, 0x2f, 0xc0, 0xae]) }),
    ),
    contained(
      "overlong encoding of ..",
      rawTar({
        name: joinBytes([
          new Uint8Array([0xc0, 0xae, 0xc0, 0xae]),
          `/${baseOf(outside)}/victim`,
        ]),
        ...EVIL,
      }),
    ),
    contained(
      "name of 300 bytes",
      rawTar(rawPax({ path: "n".repeat(300) }), {}),
    ),
    contained(
      "path of 8000 bytes",
      rawTar(rawPax({ path: "p/".repeat(4000) + "f" }), {}),
    ),
    contained(
      "3000 directories deep",
      rawTar(rawPax({ path: "d/".repeat(1500) }), { flag: "5" }),
    ),
    mustFail(
      "NUL in a pax path",
      rawTar(rawPax({ path: `a\0/../../victim` }), EVIL),
    ),
    mustFail(
      "NUL in a pax link",
      rawTar(rawPax({ linkpath: `${outside}\0x` }), link("x", "")),
    ),
    contained(
      "NUL in a GNU long name",
      rawTar({ flag: "L", data: `a\0/../../victim\0` }, EVIL),
    ),
  ];
}

function special(): HostileArchive[] {
  const device = { name: "dev", mode: 0o666, major: 1, minor: 3 };
  return [
    contained("character device", rawTar({ ...device, flag: "3" })),
    contained("block device", rawTar({ ...device, flag: "4", major: 8 })),
    contained(
      "device 0:0, overlay's whiteout",
      rawTar({ ...device, flag: "3", major: 0, minor: 0 }),
    ),
    contained(
      "device numbers that are too large",
      rawTar({ ...device, flag: "3", major: 0o7777777, minor: 0o7777777 }),
    ),
    contained(
      "write through a fifo",
      rawTar({ name: "f", flag: "6" }, { name: "f", ...EVIL }),
    ),
    contained(
      "setuid root",
      rawTar({ name: "su", mode: 0o6755, data: "#!/bin/sh\n" }),
    ),
    contained(
      "mode with bits that are none",
      rawTar({ name: "x", mode: 0o7777777 }),
    ),
    contained(
      "directory that nobody may enter",
      rawTar(
        { ...dir("d"), mode: 0 },
        { name: "d/a", ...EVIL },
      ),
    ),
    mustFail(
      "owner beyond 32 bits",
      rawTar(rawPax({ uid: "4294967296" }), EVIL),
    ),
    mustFail(
      "owner that chown takes for none",
      rawTar(rawPax({ gid: "4294967295" }), EVIL),
    ),
    contained(
      "time at the end of the world",
      rawTar(rawPax({ mtime: "999999999999999.999999999" }), EVIL),
    ),
    contained(
      "time before the beginning",
      rawTar(rawPax({ mtime: "-999999999999.5" }), EVIL),
    ),
    contained(
      "directory with data",
      rawTar({ ...dir("d/"), claimedSize: 512 }, { name: "victim" }),
    ),
  ];
}

function malformed(): HostileArchive[] {
  const whole = rawTar({ name: "x", data: "data".repeat(1000) });
  const patched = (patch: Record<number, string | Uint8Array>) =>
    rawTar({ name: "x", patch });
  return [
    mustFail("no archive at all", joinBytes(["hello ".repeat(200)])),
    mustFail("wrong checksum", rawTar({ name: "x", checksumError: 1 })),
    mustFail("truncated in a header", whole.slice(0, 300)),
    mustFail("truncated in data", whole.slice(0, 1000)),
    mustFail(
      "truncated in a pax header",
      rawTar(rawPax({ path: "x".repeat(2000) })).slice(0, 1000),
    ),
    mustFail("truncated after a pax header", rawEntries(rawPax({ path: "x" }))),
    mustFail("size that lies", rawTar({ name: "x", claimedSize: 1 << 20 })),
    mustFail(
      "negative size",
      patched({ 124: new Uint8Array(12).fill(0xff) }),
    ),
    mustFail(
      "size beyond all numbers",
      patched({ 124: new Uint8Array(12).fill(0x80, 0, 1).fill(0x7f, 1) }),
    ),
    mustFail("size that is no number", patched({ 124: "12x45678901\0" })),
    mustFail("negative owner", patched({ 108: new Uint8Array(8).fill(0xff) })),
    mustFail("unknown type", rawTar({ name: "x", flag: "Q" })),
    mustFail("part of another volume", rawTar({ name: "x", flag: "M" })),
    mustFail(
      "pax header of 8 GiB",
      rawTar({ name: "x", flag: "x", claimedSize: 0o77777777777 }),
    ),
    mustFail(
      "GNU long name of 2 MiB",
      rawTar({ flag: "L", data: "n".repeat(2 << 20) }, { name: "x" }),
    ),
    mustFail(
      "pax record longer than its header",
      rawTar({ flag: "x", data: "99 path=x\n" }, { name: "x" }),
    ),
    mustFail(
      "pax record of no length",
      rawTar({ flag: "x", data: "0 path=x\n" }, { name: "x" }),
    ),
    mustFail(
      "pax record without a key",
      rawTar({ flag: "x", data: "5 =x\n" }, { name: "x" }),
    ),
    mustFail("pax size that is negative", rawTar(rawPax({ size: "-1" }), EVIL)),
    mustFail(
      "pax size that is no number",
      rawTar(rawPax({ size: "1e3" }), EVIL),
    ),
    mustFail("pax size that lies", rawTar(rawPax({ size: "99999" }), EVIL)),
    mustFail("pax time that is none", rawTar(rawPax({ mtime: "now" }), EVIL)),
    mustFail(
      "xattr without a name",
      rawTar(rawPax({ "SCHILY.xattr.": "x" }), EVIL),
    ),
    contained(
      "xattr that no kernel knows",
      rawTar(rawPax({ "SCHILY.xattr.bogus.name": "x" }), EVIL),
    ),
    contained(
      "xattr of 100 KiB",
      rawTar(rawPax({ "SCHILY.xattr.user.big": "x".repeat(100_000) }), EVIL),
    ),
  ];
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
