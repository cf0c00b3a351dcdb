/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "judge.h"

/* xorshift64*, Vigna 2014. */
static uint64_t next(struct chance *chance)
{
	uint64_t x = chance->state ? chance->state : 0x9e3779b97f4a7c15u;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	chance->state = x;
	return x * 0x2545f4914f6cdd1du;
}

uint32_t chance_below(struct chance *chance, uint32_t bound)
{
	return bound ? (uint32_t)((next(chance) >> 32) % bound) : 0;
}

bool chance_of(struct chance *chance, unsigned percent)
{
	return chance_below(chance, 100) < percent;
}
