/**
 * The start-up code for x86-64, as its listing. See `stub.ts` for what it does and
 * for the data that follows it.
 */

import { type Stub, stubOf } from "./stub.ts";

const LISTING = `
# Entry: rsp points at argc; rdx (ld.so's exit function) is left alone.
00: f30f1efa         endbr64
04: fc               cld
# Nothing starts in a directory that has been deleted: go where it can, and
# where nothing can be made by mistake. getcwd()
05: 488dbc2400f0ffff lea rdi,[rsp-0x1000]
0d: be00100000       mov esi,0x1000
12: b84f000000       mov eax,0x4f
17: 0f05             syscall
# not ENOENT?
19: 4883f8fe         cmp rax,0xfffffffffffffffe
1d: 7516             jne 35
# chdir("/proc")
1f: 48b82f70726f63000000 movabs rax,0x636f72702f
29: 50               push rax
2a: 4889e7           mov rdi,rsp
2d: b850000000       mov eax,0x50
32: 0f05             syscall
34: 58               pop rax
# How long are argc, argv, envp and auxv together?
35: 4889e6           mov rsi,rsp
38: 488b0e           mov rcx,QWORD PTR [rsi]
3b: 488d7cce10       lea rdi,[rsi+rcx*8+0x10]
# skip the environment and its NULL
40: 4883c708         add rdi,0x8
44: 48837ff800       cmp QWORD PTR [rdi-0x8],0x0
49: 75f5             jne 40
# skip the auxiliary vector and its AT_NULL
4b: 4883c710         add rdi,0x10
4f: 48837ff000       cmp QWORD PTR [rdi-0x10],0x0
54: 75f5             jne 4b
# Make room for that and our own additions, 16-byte aligned.
56: 4829f7           sub rdi,rsi
59: 8b05d1000000     mov eax,DWORD PTR [rip+0xd1]
5f: 4801c7           add rdi,rax
62: 4829fc           sub rsp,rdi
65: 4883e4f0         and rsp,0xfffffffffffffff0
69: 488d7c2408       lea rdi,[rsp+0x8]
# argc is written last; argv[0] stays.
6e: 48ad             lods rax,QWORD PTR ds:[rsi]
70: 4989c0           mov r8,rax
73: 48a5             movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
# Our arguments, then argc, then the user's own and their NULL.
75: 4c8d0db8000000   lea r9,[rip+0xb8]
7c: e87e000000       call ff
81: 4c890424         mov QWORD PTR [rsp],r8
85: 48ad             lods rax,QWORD PTR ds:[rsi]
87: 48ab             stos QWORD PTR es:[rdi],rax
89: 4885c0           test rax,rax
8c: 75f7             jne 85
# Our environment, then the user's without the dropped prefixes.
8e: 4889fb           mov rbx,rdi
91: e869000000       call ff
96: 48ad             lods rax,QWORD PTR ds:[rsi]
98: 4885c0           test rax,rax
9b: 742f             je cc
# does one of the prefixes match?
9d: 4d89ca           mov r10,r9
a0: 41803a00         cmp BYTE PTR [r10],0x0
a4: 7422             je c8
a6: 4989c3           mov r11,rax
a9: 418a0a           mov cl,BYTE PTR [r10]
ac: 49ffc2           inc r10
af: 84c9             test cl,cl
b1: 74e3             je 96
b3: 413a0b           cmp cl,BYTE PTR [r11]
b6: 4d8d5b01         lea r11,[r11+0x1]
ba: 74ed             je a9
# no: on to the next prefix
bc: 418a0a           mov cl,BYTE PTR [r10]
bf: 49ffc2           inc r10
c2: 84c9             test cl,cl
c4: 75f6             jne bc
c6: ebd8             jmp a0
# keep the variable
c8: 48ab             stos QWORD PTR es:[rdi],rax
ca: ebca             jmp 96
# end of the environment; copy the auxiliary vector
cc: 48ab             stos QWORD PTR es:[rdi],rax
ce: 48ad             lods rax,QWORD PTR ds:[rsi]
d0: 48ab             stos QWORD PTR es:[rdi],rax
d2: 4889c1           mov rcx,rax
d5: 48a5             movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]
d7: 4885c9           test rcx,rcx
da: 75f2             jne ce
# Point libc's environ, if there is one, at the new environment.
dc: 488d051dffffff   lea rax,[rip+0xffffffffffffff1d]
e3: 488b0d3e000000   mov rcx,QWORD PTR [rip+0x3e]
ea: 4885c9           test rcx,rcx
ed: 7407             je f6
ef: 488b0c08         mov rcx,QWORD PTR [rax+rcx*1]
f3: 488919           mov QWORD PTR [rcx],rbx
# Go where the executable would have started.
f6: 48030523000000   add rax,QWORD PTR [rip+0x23]
fd: ffe0             jmp rax
# append: pointers to the strings at r9, up to an empty one.
ff: 41803900         cmp BYTE PTR [r9],0x0
103: 7414             je 119
105: 4c89c8           mov rax,r9
108: 48ab             stos QWORD PTR es:[rdi],rax
10a: 49ffc0           inc r8
10d: 49ffc1           inc r9
110: 418079ff00       cmp BYTE PTR [r9-0x1],0x0
115: 75f6             jne 10d
117: ebe6             jmp ff
119: 49ffc1           inc r9
11c: c3               ret
# padding
11d: 0f1f00           nop DWORD PTR [rax]
`;

export const STUB_X86_64: Stub = stubOf({
  machine: 62,
  listing: LISTING,
});
