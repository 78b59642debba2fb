#include "start.h"

uint64_t cai_start_signal_mask;
int cai_start_signals_are_held;

#ifdef __x86_64__
// The entry point of the static binary (Package.swift). A signal that arrives before an init has blocked it ends the init,
// or is dropped when that is process 1, and getting as far as the first constructor takes the C library 0.1 ms. So the very
// first instructions block every signal when the first argument is "run" or "entrypoint", and go on to the C library's. On
// entry the stack pointer is at the number of arguments, and %rdx belongs to the C library (System V ABI, x86-64, 3.4.1).
__asm__(
    ".text\n"
    ".globl cai_start\n"
    ".type cai_start, @function\n"
    "cai_start:\n"
    "    cmpq $2, (%rsp)\n"
    "    jl 1f\n"
    "    movq 16(%rsp), %rax\n"
    "    cmpl $0x006e7572, (%rax)\n"  // "run" and its zero byte
    "    je 3f\n"
    "    movabsq $0x696f707972746e65, %rcx\n"  // "entrypoi"
    "    cmpq %rcx, (%rax)\n"
    "    jne 1f\n"
    "    cmpw $0x746e, 8(%rax)\n"  // "nt"
    "    jne 1f\n"
    "    cmpb $0, 10(%rax)\n"
    "    jne 1f\n"
    "3:  movq %rdx, %r9\n"
    "    movl $14, %eax\n"  // rt_sigprocmask
    "    movl $2, %edi\n"   // SIG_SETMASK
    "    leaq 2f(%rip), %rsi\n"
    "    leaq cai_start_signal_mask(%rip), %rdx\n"
    "    movl $8, %r10d\n"
    "    syscall\n"
    "    movl $1, cai_start_signals_are_held(%rip)\n"
    "    movq %r9, %rdx\n"
    "1:  jmp _start\n"
    ".size cai_start, . - cai_start\n"
    ".section .rodata\n"
    ".balign 8\n"
    "2:  .quad -1\n"
    ".text\n");
#endif
