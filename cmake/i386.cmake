# 32-bit x86 on a 64-bit machine: another word size, alignment and int64_t layout. Runs natively.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc-12)
# <asm/types.h> is in the 64-bit folder; the package that would link it conflicts with the s390x compiler.
set(CMAKE_C_FLAGS_INIT "-m32 -idirafter /usr/include/x86_64-linux-gnu")
set(CMAKE_ASM_FLAGS_INIT "-m32")
