/**
 * SHA-256 (FIPS 180-4), for checks that compare files.
 */
#ifndef LAB_SHA256_H
#define LAB_SHA256_H

#include <stddef.h>
#include <stdint.h>

/** Writes 64 hexadecimal digits and a NUL. */
void sha256_text(const void *data, size_t size, char text[65]);

#endif
