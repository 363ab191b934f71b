/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The input is what a client of metrics.listen sends. Invariants: a verdict stands, whatever comes behind
 * the head; nothing but GET or HEAD of the page is answered with it; a full buffer is always judged.
 */
#include "http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/metrics"
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	size_t n = size < HTTP_REQUEST_MAX ? size : HTTP_REQUEST_MAX;
	char answer[HTTP_HEAD_MAX];
	unsigned status, before;
	bool head, head_before;

	status = http_judge(p, n, PATH, &head);
	before = http_judge(p, n / 2, PATH, &head_before);
	CHECK(before == 0 || (before == status && head_before == head));
	CHECK(status != 0 || n < HTTP_REQUEST_MAX);
	CHECK(status == 0 || http_reason(status)[0]);
	if (status == 200)
		CHECK(memmem(p, n, PATH, strlen(PATH)) &&
			memcmp(p, head ? "HEAD " : "GET ", head ? 5 : 4) == 0);
	CHECK(http_head(answer, status, "text/plain", size) < sizeof(answer));
	return 0;
}
