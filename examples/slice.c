#include "slice.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char output[1 << 16];
static size_t collected;

/* Returns 0 when the descriptor takes no more. */
static int write_all(int descriptor, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written <= 0)
            return 0;
        bytes += written;
        length -= (size_t)written;
    }
    return 1;
}

static void complain(const char *text)
{
    write_all(2, text, strlen(text));
}

/* Writes a number that ends before `end` and returns its first digit. */
static char *digits_before(char *end, uint64_t number)
{
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return end;
}

_Noreturn void fail(const char *sentence)
{
    fail_at_line(0, sentence);
}

_Noreturn void fail_at_line(size_t line, const char *sentence)
{
    complain(program_name);
    if (line > 0) {
        char digits[24] = {0};
        complain(": line ");
        complain(digits_before(digits + sizeof digits - 1, line));
    }
    complain(": ");
    complain(sentence);
    complain("\n");
    exit(1);
}

void *allocate(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        fail("the slice is too large for this program; split the input into smaller ones");
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL)
        fail("the slice is too large for this program; split the input into smaller ones");
    return memory;
}

struct slice read_slice(void)
{
    size_t capacity = 1 << 14;
    struct slice slice = {allocate(capacity, 1), 0};
    for (;;) {
        if (slice.length + 1 == capacity) {
            char *larger = allocate(capacity, 2);
            memcpy(larger, slice.bytes, slice.length);
            free(slice.bytes);
            slice.bytes = larger;
            capacity *= 2;
        }
        ssize_t got = read(0, slice.bytes + slice.length, capacity - 1 - slice.length);
        if (got < 0)
            fail("standard input cannot be read");
        if (got == 0)
            break;
        slice.length += (size_t)got;
    }
    slice.bytes[slice.length] = 0;
    return slice;
}

int take_number(const char **text, uint64_t most, uint64_t *number)
{
    const char *first = *text, *at = first;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (digit > most || value > (most - digit) / 10)
            return 0;
        value = value * 10 + digit;
    }
    *text = at;
    *number = value;
    return at > first;
}

struct tile read_tile(uint32_t picture_width, uint32_t picture_height)
{
    struct slice slice = read_slice();
    const char *at = slice.bytes;
    uint64_t numbers[4];
    for (int i = 0; i < 4; i++) {
        if ((i > 0 && *at++ != ' ') || !take_number(&at, UINT32_MAX, &numbers[i]))
            fail("standard input must be one line: x y width height");
    }
    if (*at == '\n')
        at++;
    if (at != slice.bytes + slice.length)
        fail("standard input must be one line: x y width height");
    if (numbers[2] == 0 || numbers[3] == 0)
        fail("the tile must have at least one pixel");
    if (numbers[0] + numbers[2] > picture_width || numbers[1] + numbers[3] > picture_height)
        fail("the tile must lie within the picture");
    free(slice.bytes);
    return (struct tile){(uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2],
                         (uint32_t)numbers[3]};
}

uint64_t number_argument(const char *text, uint64_t least, uint64_t most, const char *sentence)
{
    uint64_t number;
    if (!take_number(&text, most, &number) || *text != 0 || number < least)
        fail(sentence);
    return number;
}

double decimal_argument(const char *text, const char *sentence)
{
    int negative = *text == '-', digits = 0;
    double value = 0, power = 1;
    text += negative;
    for (int after_point = 0; *text != 0; text++) {
        if (*text == '.' && !after_point) {
            after_point = 1;
            continue;
        }
        if (*text < '0' || *text > '9' || ++digits > 15)
            fail(sentence);
        value = value * 10 + (*text - '0');
        if (after_point)
            power *= 10;
    }
    if (digits == 0)
        fail(sentence);
    return (negative ? -value : value) / power;
}

void finish(void)
{
    if (!write_all(1, output, collected))
        fail("standard output cannot be written");
    collected = 0;
}

void put_bytes(const void *bytes, size_t length)
{
    const char *from = bytes;
    while (length > 0) {
        if (collected == sizeof output)
            finish();
        size_t part = sizeof output - collected;
        if (part > length)
            part = length;
        memcpy(output + collected, from, part);
        collected += part;
        from += part;
        length -= part;
    }
}

void put_number(uint64_t number)
{
    char digits[24];
    char *end = digits + sizeof digits;
    char *first = digits_before(end, number);
    put_bytes(first, (size_t)(end - first));
}
