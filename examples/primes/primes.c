/*
 * For every line `from to`, both included: writes `from to count sum` of the primes between them.
 * A segmented sieve of Eratosthenes over the odd numbers.
 */
#include "../slice.h"

#include <stdlib.h>
#include <string.h>

const char program_name[] = "primes";

/* Largest number, and its root, up to which the sieve needs primes. */
#define MOST 1000000000000
#define ROOT 1000000
/* Most numbers in one line; the sum of all of them still fits 64 bits. */
#define WIDEST 10000000
/* Odd numbers in one segment: as many bytes as a fast cache holds. */
#define SEGMENT 32768

struct range {
    uint64_t from, to;
};

struct primes {
    uint32_t *first;
    size_t length;
};

/* The odd primes up to `most`. */
static struct primes small_primes(uint32_t most)
{
    unsigned char *crossed = allocate(most + 1, 1);
    memset(crossed, 0, most + 1);
    struct primes primes = {allocate(most / 2 + 1, sizeof(uint32_t)), 0};
    for (uint32_t number = 3; number <= most; number += 2) {
        if (crossed[number])
            continue;
        primes.first[primes.length++] = number;
        for (uint64_t multiple = (uint64_t)number * number; multiple <= most; multiple += 2 * number)
            crossed[multiple] = 1;
    }
    free(crossed);
    return primes;
}

/* Crosses out the odd multiples of the prime among the odd numbers from `low` to `high`. */
static void cross_out(unsigned char *crossed, uint32_t prime, uint64_t low, uint64_t high)
{
    uint64_t multiple = (uint64_t)prime * prime;
    if (multiple < low) {
        multiple = (low + prime - 1) / prime * prime;
        if (multiple % 2 == 0)
            multiple += prime;
    }
    if (multiple > high)
        return;
    size_t last = (size_t)(high - low) / 2;
    for (size_t at = (size_t)(multiple - low) / 2; at <= last; at += prime)
        crossed[at] = 1;
}

static void sieve(struct range range, struct primes primes)
{
    static unsigned char crossed[SEGMENT];
    uint64_t count = 0, sum = 0;
    if (range.from <= 2 && range.to >= 2) {
        count = 1;
        sum = 2;
    }
    uint64_t low = range.from < 3 ? 3 : range.from | 1;
    for (; low <= range.to; low += 2 * SEGMENT) {
        uint64_t high = low + 2 * (SEGMENT - 1);
        if (high > range.to)
            high = range.to - (range.to % 2 == 0);
        memset(crossed, 0, sizeof crossed);
        for (size_t i = 0; i < primes.length; i++) {
            if ((uint64_t)primes.first[i] * primes.first[i] > high)
                break;
            cross_out(crossed, primes.first[i], low, high);
        }
        for (uint64_t number = low; number <= high; number += 2) {
            if (!crossed[(number - low) / 2]) {
                count++;
                sum += number;
            }
        }
    }
    uint64_t numbers[4] = {range.from, range.to, count, sum};
    for (int i = 0; i < 4; i++) {
        put_number(numbers[i]);
        put_bytes(i < 3 ? " " : "\n", 1);
    }
}

/* Reads one line and moves behind its end. */
static struct range take_range(const char **at, const char *end, size_t line)
{
    struct range range;
    if (!take_number(at, MOST, &range.from) || *(*at)++ != ' ' || !take_number(at, MOST, &range.to))
        fail_at_line(line, "two numbers are needed: from to, each at most 1000000000000");
    if (*at < end && *(*at)++ != '\n')
        fail_at_line(line, "only two numbers are needed: from to");
    if (range.to < range.from || range.to - range.from >= WIDEST)
        fail_at_line(line, "to must be from 0 to 9999999 above from");
    return range;
}

/* The smallest number whose square is at least `number`, which is at most MOST. */
static uint32_t root_of(uint64_t number)
{
    uint32_t low = 0, high = ROOT;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if ((uint64_t)middle * middle < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1)
        fail("no arguments are needed");
    struct slice slice = read_slice();
    const char *end = slice.bytes + slice.length;
    uint64_t most = 0;
    size_t line = 1;
    for (const char *at = slice.bytes; at < end; line++) {
        struct range range = take_range(&at, end, line);
        if (range.to > most)
            most = range.to;
    }
    struct primes primes = small_primes(root_of(most));
    line = 1;
    for (const char *at = slice.bytes; at < end; line++)
        sieve(take_range(&at, end, line), primes);
    finish();
    return 0;
}
