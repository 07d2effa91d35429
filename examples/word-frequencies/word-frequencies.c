/*
 * Without an argument: counts the words of a text and writes `word<TAB>count`, by word.
 * With the argument `reduce`: adds up such lines and writes them by falling count, then by word.
 *
 * A word is a run of letters and digits, with apostrophes between them. Every byte from 128 on is a
 * letter, so UTF-8 passes unharmed; only A to Z become small.
 */
#include "../slice.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char program_name[] = "word-frequencies";

/* A word, which lies in the slice, and how often it stands there. */
struct entry {
    const char *word;
    size_t length;
    uint64_t count;
};

struct entries {
    struct entry *first;
    size_t length, capacity;
};

static void append(struct entries *entries, struct entry entry)
{
    if (entries->length == entries->capacity) {
        size_t capacity = entries->capacity > 0 ? entries->capacity * 2 : 1024;
        struct entry *larger = allocate(capacity, sizeof *larger);
        if (entries->length > 0)
            memcpy(larger, entries->first, entries->length * sizeof *larger);
        free(entries->first);
        entries->first = larger;
        entries->capacity = capacity;
    }
    entries->first[entries->length++] = entry;
}

static int by_word(const void *one, const void *other)
{
    const struct entry *a = one, *b = other;
    int order = memcmp(a->word, b->word, a->length < b->length ? a->length : b->length);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int by_count(const void *one, const void *other)
{
    const struct entry *a = one, *b = other;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : by_word(one, other);
}

/* Sorts by word and makes one entry of equal words. */
static void merge(struct entries *entries)
{
    if (entries->length == 0)
        return;
    qsort(entries->first, entries->length, sizeof *entries->first, by_word);
    size_t last = 0;
    for (size_t i = 1; i < entries->length; i++) {
        struct entry *into = &entries->first[last], *entry = &entries->first[i];
        if (by_word(into, entry) != 0)
            entries->first[++last] = *entry;
        else if (__builtin_add_overflow(into->count, entry->count, &into->count))
            fail("the sum of the counts of one word is above 2^64 - 1");
    }
    entries->length = last + 1;
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (unsigned char)byte >= 128;
}

static struct entries words_of(struct slice slice)
{
    struct entries entries = {NULL, 0, 0};
    char *at = slice.bytes, *end = slice.bytes + slice.length;
    while (at < end) {
        char *word = at;
        /* The zero byte behind the slice is no letter, so looking one byte ahead is safe. */
        while (is_letter(*at) || (*at == '\'' && at > word && is_letter(at[1]))) {
            if (*at >= 'A' && *at <= 'Z')
                *at += 'a' - 'A';
            at++;
        }
        if (at > word)
            append(&entries, (struct entry){word, (size_t)(at - word), 1});
        else
            at++;
    }
    return entries;
}

static struct entries counts_of(struct slice slice)
{
    struct entries entries = {NULL, 0, 0};
    const char *at = slice.bytes, *end = slice.bytes + slice.length;
    for (size_t line = 1; at < end; line++) {
        struct entry entry = {at, 0, 0};
        while (is_letter(*at) || *at == '\'')
            at++;
        entry.length = (size_t)(at - entry.word);
        if (entry.length == 0 || *at++ != '\t' || !take_number(&at, UINT64_MAX, &entry.count) ||
            (*at != '\n' && at != end))
            fail_at_line(line, "not a word, a tab and a count");
        if (at < end)
            at++;
        append(&entries, entry);
    }
    return entries;
}

int main(int count, char **arguments)
{
    bool reduce = count == 2 && strcmp(arguments[1], "reduce") == 0;
    if (count > 1 && !reduce)
        fail("the only argument is: reduce");
    struct slice slice = read_slice();
    struct entries entries = reduce ? counts_of(slice) : words_of(slice);
    merge(&entries);
    if (reduce && entries.length > 0)
        qsort(entries.first, entries.length, sizeof *entries.first, by_count);
    for (size_t i = 0; i < entries.length; i++) {
        put_bytes(entries.first[i].word, entries.first[i].length);
        put_bytes("\t", 1);
        put_number(entries.first[i].count);
        put_bytes("\n", 1);
    }
    finish();
    return 0;
}
