/**
 * Our own mistakes stop the program, in release builds too. No byte from the wire can reach one of these.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/** Says where and stops. The only function of base that reaches the outside world. */
_Noreturn void assert_failed(const char *expression, const char *file, int line);

#define ASSERT(expression) ((expression) ? (void)0 : assert_failed(#expression, __FILE__, __LINE__))

/** Invariants that are too dear for release builds: debug, test and fuzz builds check them. */
#if STRATA_CHECK
#define CHECKED 1
#else
#define CHECKED 0
#endif

#endif
