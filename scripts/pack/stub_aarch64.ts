/**
 * The start-up code for aarch64, as its listing. See `stub.ts` for what it does and
 * for the data that follows it.
 */

import { type Stub, stubOf } from "./stub.ts";

const LISTING = `
# Entry: sp points at argc; x0 (ld.so's exit function) is left alone.
00: 5f2403d5         bti c
# Nothing starts in a directory that has been deleted: go where it can, and
# where nothing can be made by mistake. getcwd()
04: e90300aa         mov x9, x0
08: e00740d1         sub x0, sp, #0x1, lsl #12
0c: 010082d2         mov x1, #0x1000
10: 280280d2         mov x8, #0x11
14: 010000d4         svc #0x0
# not ENOENT?
18: 1f0800b1         cmn x0, #0x2
1c: 21010054         b.ne 40
# chdir("/proc")
20: ea058ed2         mov x10, #0x702f
24: 4aeeadf2         movk x10, #0x6f72, lsl #16
28: 6a0cc0f2         movk x10, #0x63, lsl #32
2c: ea0f1ff8         str x10, [sp, #-16]!
30: e0030091         mov x0, sp
34: 280680d2         mov x8, #0x31
38: 010000d4         svc #0x0
3c: ff430091         add sp, sp, #0x10
40: e00309aa         mov x0, x9
# How long are argc, argv, envp and auxv together?
44: e1030091         mov x1, sp
48: 220040f9         ldr x2, [x1]
4c: 230c028b         add x3, x1, x2, lsl #3
50: 63400091         add x3, x3, #0x10
# skip the environment and its NULL
54: 648440f8         ldr x4, [x3], #8
58: e4ffffb5         cbnz x4, 54
# skip the auxiliary vector and its AT_NULL
5c: 640441f8         ldr x4, [x3], #16
60: e4ffffb5         cbnz x4, 5c
# Make room for that and our own additions, 16-byte aligned.
64: 630001cb         sub x3, x3, x1
68: 05070010         adr x5, 148
6c: a41040b9         ldr w4, [x5, #16]
70: 6300048b         add x3, x3, x4
74: 240003cb         sub x4, x1, x3
78: 84ec7c92         and x4, x4, #0xfffffffffffffff0
7c: 9f000091         mov sp, x4
80: 86200091         add x6, x4, #0x8
# argc is written last; argv[0] stays.
84: 278440f8         ldr x7, [x1], #8
88: 288440f8         ldr x8, [x1], #8
8c: c88400f8         str x8, [x6], #8
# Our arguments, then argc, then the user's own and their NULL.
90: a9500091         add x9, x5, #0x14
94: 23000094         bl 120
98: 870000f9         str x7, [x4]
9c: 288440f8         ldr x8, [x1], #8
a0: c88400f8         str x8, [x6], #8
a4: c8ffffb5         cbnz x8, 9c
# Our environment, then the user's without the dropped prefixes.
a8: ee0306aa         mov x14, x6
ac: 1d000094         bl 120
b0: 288440f8         ldr x8, [x1], #8
b4: e80100b4         cbz x8, b0
# does one of the prefixes match?
b8: ea0309aa         mov x10, x9
bc: 4b014039         ldrb w11, [x10]
c0: 4b010034         cbz w11, a8
c4: ec0308aa         mov x12, x8
c8: 4b154038         ldrb w11, [x10], #1
cc: 2bffff34         cbz w11, 70
d0: 8d154038         ldrb w13, [x12], #1
d4: 7f010d6b         cmp w11, w13
d8: 80ffff54         b.eq c8
# no: on to the next prefix
dc: 4b154038         ldrb w11, [x10], #1
e0: ebffff35         cbnz w11, dc
e4: f6ffff17         b bc
# keep the variable
e8: c88400f8         str x8, [x6], #8
ec: f1ffff17         b b0
# end of the environment; copy the auxiliary vector
f0: df8400f8         str xzr, [x6], #8
f4: 2828c1a8         ldp x8, x10, [x1], #16
f8: c82881a8         stp x8, x10, [x6], #16
fc: c8ffffb5         cbnz x8, f4
# Point libc's environ, if there is one, at the new environment.
100: 10f8ff10         adr x16, 0
104: a90440f9         ldr x9, [x5, #8]
108: 690000b4         cbz x9, d4
10c: 0a6a69f8         ldr x10, [x16, x9]
110: 4e0100f9         str x14, [x10]
# Go where the executable would have started.
114: a90040f9         ldr x9, [x5]
118: 1002098b         add x16, x16, x9
11c: 00021fd6         br x16
# append: pointers to the strings at x9, up to an empty one.
120: 28014039         ldrb w8, [x9]
124: c8000034         cbz w8, fc
128: c98400f8         str x9, [x6], #8
12c: e7040091         add x7, x7, #0x1
130: 28154038         ldrb w8, [x9], #1
134: e8ffff35         cbnz w8, 130
138: faffff17         b 120
13c: 29050091         add x9, x9, #0x1
140: c0035fd6         ret
# padding
144: 1f2003d5         nop
`;

export const STUB_AARCH64: Stub = stubOf({
  machine: 183,
  listing: LISTING,
});
