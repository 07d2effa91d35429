/* What every program here needs: its slice, its arguments, its output, and a sentence at the end. */
#ifndef SLICE_H
#define SLICE_H

#include <stddef.h>
#include <stdint.h>

/* The name in front of every sentence on standard error. Each program defines it. */
extern const char program_name[];

/* Bytes of a slice. They can be changed in place; a zero byte follows the last one. */
struct slice {
    char *bytes;
    size_t length;
};

/* A rectangle of a picture, in pixels from its upper left corner. */
struct tile {
    uint32_t x, y, width, height;
};

/* Ends the program with code 1 and a sentence on standard error. */
_Noreturn void fail(const char *sentence);

/* The same, for one line of the slice, counted from 1. */
_Noreturn void fail_at_line(size_t line, const char *sentence);

/* Memory for `count` things of `size` bytes each, or the end of the program. */
void *allocate(size_t count, size_t size);

/* All of standard input. */
struct slice read_slice(void);

/* Standard input as the one line `x y width height`, a tile within a picture of that size. */
struct tile read_tile(uint32_t picture_width, uint32_t picture_height);

/* Reads digits at `*text` and moves it behind them. Returns 0 without a digit or above `most`. */
int take_number(const char **text, uint64_t most, uint64_t *number);

/* A whole argument from `least` to `most`; ends the program with `sentence` otherwise. */
uint64_t number_argument(const char *text, uint64_t least, uint64_t most, const char *sentence);

/*
 * An argument like -0.7435, at most 15 digits: such a number is one exact integer divided by one
 * exact power of ten, so every machine rounds it once and alike.
 */
double decimal_argument(const char *text, const char *sentence);

/* Collects output and writes it in large pieces. */
void put_bytes(const void *bytes, size_t length);
void put_number(uint64_t number);

/* Writes what is collected. The last call of every program. */
void finish(void);

#endif
