/**
 * The start-up code for aarch64, as its listing. See `stub.ts` for what it does and
 * for the data that follows it.
 */

import { type Stub, stubOf } from "./stub.ts";

const LISTING = `
# Entry: sp points at argc; x0 (ld.so's exit function) is left alone.
00: 5f2403d5         bti c
# How long are argc, argv, envp and auxv together?
04: e1030091         mov x1, sp
08: 220040f9         ldr x2, [x1]
0c: 230c028b         add x3, x1, x2, lsl #3
10: 63400091         add x3, x3, #0x10
# skip the environment and its NULL
14: 648440f8         ldr x4, [x3], #8
18: e4ffffb5         cbnz x4, 14
# skip the auxiliary vector and its AT_NULL
1c: 640441f8         ldr x4, [x3], #16
20: e4ffffb5         cbnz x4, 1c
# Make room for that and our own additions, 16-byte aligned.
24: 630001cb         sub x3, x3, x1
28: 45060010         adr x5, f0
2c: a40840b9         ldr w4, [x5, #8]
30: 6300048b         add x3, x3, x4
34: 240003cb         sub x4, x1, x3
38: 84ec7c92         and x4, x4, #0xfffffffffffffff0
3c: 9f000091         mov sp, x4
40: 86200091         add x6, x4, #0x8
# argc is written last; argv[0] stays.
44: 278440f8         ldr x7, [x1], #8
48: 288440f8         ldr x8, [x1], #8
4c: c88400f8         str x8, [x6], #8
# Our arguments, then argc, then the user's own and their NULL.
50: a9300091         add x9, x5, #0xc
54: 1e000094         bl cc
58: 870000f9         str x7, [x4]
5c: 288440f8         ldr x8, [x1], #8
60: c88400f8         str x8, [x6], #8
64: c8ffffb5         cbnz x8, 5c
# Our environment, then the user's without the dropped prefixes.
68: 19000094         bl cc
6c: 288440f8         ldr x8, [x1], #8
70: e80100b4         cbz x8, ac
# does one of the prefixes match?
74: ea0309aa         mov x10, x9
78: 4b014039         ldrb w11, [x10]
7c: 4b010034         cbz w11, a4
80: ec0308aa         mov x12, x8
84: 4b154038         ldrb w11, [x10], #1
88: 2bffff34         cbz w11, 6c
8c: 8d154038         ldrb w13, [x12], #1
90: 7f010d6b         cmp w11, w13
94: 80ffff54         b.eq 84
# no: on to the next prefix
98: 4b154038         ldrb w11, [x10], #1
9c: ebffff35         cbnz w11, 98
a0: f6ffff17         b 78
# keep the variable
a4: c88400f8         str x8, [x6], #8
a8: f1ffff17         b 6c
# end of the environment; copy the auxiliary vector
ac: df8400f8         str xzr, [x6], #8
b0: 2828c1a8         ldp x8, x10, [x1], #16
b4: c82881a8         stp x8, x10, [x6], #16
b8: c8ffffb5         cbnz x8, b0
# Go where the executable would have started.
bc: 30faff10         adr x16, 0
c0: a90040f9         ldr x9, [x5]
c4: 1002098b         add x16, x16, x9
c8: 00021fd6         br x16
# append: pointers to the strings at x9, up to an empty one.
cc: 28014039         ldrb w8, [x9]
d0: c8000034         cbz w8, e8
d4: c98400f8         str x9, [x6], #8
d8: e7040091         add x7, x7, #0x1
dc: 28154038         ldrb w8, [x9], #1
e0: e8ffff35         cbnz w8, dc
e4: faffff17         b cc
e8: 29050091         add x9, x9, #0x1
ec: c0035fd6         ret
`;

export const STUB_AARCH64: Stub = stubOf({
  machine: 183,
  listing: LISTING,
});
