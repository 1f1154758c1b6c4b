/**
 * The start-up code for x86-64, as its listing. See `stub.ts` for what it does and
 * for the data that follows it.
 */

import { type Stub, stubOf } from "./stub.ts";

const LISTING = `
# Entry: rsp points at argc; rdx (ld.so's exit function) is left alone.
00: f30f1efa         endbr64
04: fc               cld
# How long are argc, argv, envp and auxv together?
05: 4889e6           mov rsi,rsp
08: 488b0e           mov rcx,QWORD PTR [rsi]
0b: 488d7cce10       lea rdi,[rsi+rcx*8+0x10]
# skip the environment and its NULL
10: 4883c708         add rdi,0x8
14: 48837ff800       cmp QWORD PTR [rdi-0x8],0x0
19: 75f5             jne 10
# skip the auxiliary vector and its AT_NULL
1b: 4883c710         add rdi,0x10
1f: 48837ff000       cmp QWORD PTR [rdi-0x10],0x0
24: 75f5             jne 1b
# Make room for that and our own additions, 16-byte aligned.
26: 4829f7           sub rdi,rsi
29: 8b05d1000000     mov eax,DWORD PTR [rip+0xd1]
2f: 4801c7           add rdi,rax
32: 4829fc           sub rsp,rdi
35: 4883e4f0         and rsp,0xfffffffffffffff0
39: 488d7c2408       lea rdi,[rsp+0x8]
# argc is written last; argv[0] stays.
3e: 48ad             lods rax,QWORD PTR ds:[rsi]
40: 4989c0           mov r8,rax
43: 48a5             movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
# Our arguments, then argc, then the user's own and their NULL.
45: 4c8d0db8000000   lea r9,[rip+0xb8]
4c: e87e000000       call cf
51: 4c890424         mov QWORD PTR [rsp],r8
55: 48ad             lods rax,QWORD PTR ds:[rsi]
57: 48ab             stos QWORD PTR es:[rdi],rax
59: 4885c0           test rax,rax
5c: 75f7             jne 55
# Our environment, then the user's without the dropped prefixes.
5e: 4889fb           mov rbx,rdi
61: e869000000       call cf
66: 48ad             lods rax,QWORD PTR ds:[rsi]
68: 4885c0           test rax,rax
6b: 742f             je 9c
# does one of the prefixes match?
6d: 4d89ca           mov r10,r9
70: 41803a00         cmp BYTE PTR [r10],0x0
74: 7422             je 98
76: 4989c3           mov r11,rax
79: 418a0a           mov cl,BYTE PTR [r10]
7c: 49ffc2           inc r10
7f: 84c9             test cl,cl
81: 74e3             je 66
83: 413a0b           cmp cl,BYTE PTR [r11]
86: 4d8d5b01         lea r11,[r11+0x1]
8a: 74ed             je 79
# no: on to the next prefix
8c: 418a0a           mov cl,BYTE PTR [r10]
8f: 49ffc2           inc r10
92: 84c9             test cl,cl
94: 75f6             jne 8c
96: ebd8             jmp 70
# keep the variable
98: 48ab             stos QWORD PTR es:[rdi],rax
9a: ebca             jmp 66
# end of the environment; copy the auxiliary vector
9c: 48ab             stos QWORD PTR es:[rdi],rax
9e: 48ad             lods rax,QWORD PTR ds:[rsi]
a0: 48ab             stos QWORD PTR es:[rdi],rax
a2: 4889c1           mov rcx,rax
a5: 48a5             movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
a7: 4885c9           test rcx,rcx
aa: 75f2             jne 9e
# Point libc's environ, if there is one, at the new environment.
ac: 488d054dffffff   lea rax,[rip+0xffffffffffffff4d]
b3: 488b0d3e000000   mov rcx,QWORD PTR [rip+0x3e]
ba: 4885c9           test rcx,rcx
bd: 7407             je c6
bf: 488b0c08         mov rcx,QWORD PTR [rax+rcx*1]
c3: 488919           mov QWORD PTR [rcx],rbx
# Go where the executable would have started.
c6: 48030523000000   add rax,QWORD PTR [rip+0x23]
cd: ffe0             jmp rax
# append: pointers to the strings at r9, up to an empty one.
cf: 41803900         cmp BYTE PTR [r9],0x0
d3: 7414             je e9
d5: 4c89c8           mov rax,r9
d8: 48ab             stos QWORD PTR es:[rdi],rax
da: 49ffc0           inc r8
dd: 49ffc1           inc r9
e0: 418079ff00       cmp BYTE PTR [r9-0x1],0x0
e5: 75f6             jne dd
e7: ebe6             jmp cf
e9: 49ffc1           inc r9
ec: c3               ret
# padding
ed: 0f1f00           nop DWORD PTR [rax]
`;

export const STUB_X86_64: Stub = stubOf({
  machine: 62,
  listing: LISTING,
});
