/*
 * The switch between fibers for x86-64, System V ABI: a call, so that only what a callee must preserve is saved.
 */
#if defined(__x86_64__)
    .text

/* void fiber_switch(void **save, void *load) */
    .globl fiber_switch
    .hidden fiber_switch
    .type fiber_switch, @function
    .balign 16
fiber_switch:
    .cfi_startproc
#if defined(__CET__)
    endbr64
#endif
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .cfi_endproc
    .size fiber_switch, . - fiber_switch

/* Where a fresh stack returns to: the entry is in r12, its argument in r13. */
    .globl fiber_trampoline
    .hidden fiber_trampoline
    .type fiber_trampoline, @function
    .balign 16
fiber_trampoline:
    .cfi_startproc
    .cfi_undefined rip
#if defined(__CET__)
    endbr64
#endif
    movq %r13, %rdi
    call *%r12
    ud2
    .cfi_endproc
    .size fiber_trampoline, . - fiber_trampoline
#endif

    .section .note.GNU-stack, "", %progbits
