/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * As much of HTTP/1.1 (RFC 9112) as one page behind GET needs: whether a request is one, and the head
 * of the answer. No I/O and no state, so that a test or a fuzzer can give it any bytes.
 */
#ifndef GWD_HTTP_H
#define GWD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REQUEST_MAX 4096 /* bytes of a request's line and fields */
#define HTTP_HEAD_MAX 256     /* of an answer's, with the NUL */

/*
 * Judges the @n bytes that came so far against the one @path there is: 0, the head is not complete; or
 * the status to answer with, 200 for GET and HEAD (*head tells which) of @path with any query. Above
 * HTTP_REQUEST_MAX - 1 bytes a head that is not complete is 431.
 */
unsigned http_judge(const char *p, size_t n, const char *path, bool *head);

/* What stands behind the number, e.g. "Not Found"; also the body of an answer that is no page. */
const char *http_reason(unsigned status);

/* Writes the head of an answer of @length bytes of @type, after which the connection is closed; how
 * long it is, always less than HTTP_HEAD_MAX. @type is at most 80 bytes. */
size_t http_head(char buf[HTTP_HEAD_MAX], unsigned status, const char *type, size_t length);

#endif
