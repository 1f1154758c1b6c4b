import { assert, assertEquals, assertRejects } from "@std/assert";
import { copyTree } from "./copy_tree.ts";
import { SysError } from "./errno.ts";

const ignore = Deno.uid() !== 0;

async function sh(script: string, directory: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euc", script],
    cwd: directory,
    env: { LC_ALL: "C" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(success, text + new TextDecoder().decode(stderr));
  return text;
}

/** One of everything that a root file system can hold. */
const MAKE = `
mkdir -p s/dir/deep s/empty s/sticky 
echo text > s/file; touch -d '2001-02-03 04:05:06.123456789' s/file
ln s/file s/dir/hard; ln s/file s/dir/deep/hard
ln -s /nowhere s/link; touch -h -d '2002-02-03 04:05:06.987654321' s/link
chown -h 12:34 s/link; ln -s $(printf 'x%.0s' $(seq 200)) s/longlink
cp /bin/true s/setuid; chown 7:8 s/setuid; chmod 6755 s/setuid
chmod 1777 s/sticky; chmod 0 s/empty
mkfifo s/fifo; mknod s/char c 10 229; mknod s/block b 259 300000
mknod s/whiteout c 0 0
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("s/sock")'
truncate -s 10M s/sparse
printf start | dd of=s/sparse conv=notrunc status=none
printf middle | dd of=s/sparse bs=1 seek=5000000 conv=notrunc status=none
truncate -s 64M s/hole
head -c 3000000 /dev/urandom > s/big
: > s/zero
python3 - <<'P'
import os
os.setxattr("s/file", "user.note", bytes(range(256)))
os.setxattr("s/file", "user.empty", b"")
os.setxattr("s/setuid", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
os.setxattr("s/dir", "trusted.overlay.opaque", b"y")
os.setxattr("s/link", "trusted.x", b"on a link", follow_symlinks=False)
open(b"s/not-utf8-\\xff\\xfe", "w").write("bytes")
open("s/naïve ☃ name\\n", "w").write("text")
P
touch -d '2003-02-03 04:05:06.5' s/dir/deep s/dir s
`;

/** Everything about each entry, in a form that can be compared. */
const LIST = `
import os, stat, hashlib, sys
seen = {}
def entry(path):
    s = os.lstat(path)
    first = seen.setdefault((s.st_dev, s.st_ino), path) if not stat.S_ISDIR(s.st_mode) else path
    x = {n: os.getxattr(path, n, follow_symlinks=False).hex() for n in sorted(os.listxattr(path, follow_symlinks=False))}
    what = os.readlink(path) if stat.S_ISLNK(s.st_mode) else b""
    if stat.S_ISREG(s.st_mode):
        what = hashlib.sha256(open(path, "rb").read()).hexdigest()
    print(path, oct(s.st_mode), s.st_uid, s.st_gid, s.st_rdev, s.st_mtime_ns, first,
      s.st_size if not stat.S_ISDIR(s.st_mode) else 0, s.st_blocks < 4000 or path == b"./big", x, what)
    if stat.S_ISDIR(s.st_mode):
        for n in sorted(os.listdir(path)): entry(path + b"/" + n)
entry(b".")
`;

async function describe(directory: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("python3", {
    args: ["-c", LIST],
    cwd: directory,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "copyTree() copies all that cp -a copies",
  ignore,
  // The symbols of libc that a copy opens stay open.
  sanitizeResources: false,
  fn: async () => {
    const base = await Deno.makeTempDir();
    try {
      await sh(MAKE, base);
      await sh("cp -a --sparse=auto s oracle", base);
      await copyTree(`${base}/s`, `${base}/copy`);
      const original = await describe(`${base}/s`);
      assertEquals(await describe(`${base}/copy`), original);
      assertEquals(await describe(`${base}/oracle`), original);
      assertEquals(original.split("\n").length, 23);
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  },
});

Deno.test({
  name: "copyTree() throws when the target is there or the source is not",
  ignore,
  sanitizeResources: false,
  fn: async () => {
    const base = await Deno.makeTempDir();
    try {
      await assertRejects(() => copyTree(base, base), SysError, base);
      await assertRejects(
        () => copyTree(`${base}/é`, `${base}/x`),
        SysError,
        "é",
      );
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  },
});
