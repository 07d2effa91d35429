/*
 * Writes the lines whose JSON object has a field of a value. The field may lie deeper, with points
 * between the names: `request.status`. A string is compared without its quotes and escapes, another
 * value as it is written: `200`, `true`, `null`. Every line is checked against RFC 8259 as a whole.
 */
#include "../slice.h"

#include <stdbool.h>
#include <string.h>

const char program_name[] = "json-lines";

/* Deepest nesting. It bounds the recursion, which would end in a trap without a sentence. */
#define DEEPEST 64

/* Where the parser stands in a line, and what it looks for. */
struct parser {
    const char *at, *end;
    size_t line;
    const char *value;
    bool found;
};

static void parse_value(struct parser *parser, const char *field, int depth);

/* The byte at the parser, or zero at the end of the line; a zero byte within fits nowhere. */
static char peek(const struct parser *parser)
{
    return parser->at < parser->end ? *parser->at : 0;
}

static _Noreturn void refuse(const struct parser *parser, const char *sentence)
{
    fail_at_line(parser->line, sentence);
}

static void skip_space(struct parser *parser)
{
    while (peek(parser) == ' ' || peek(parser) == '\t' || peek(parser) == '\r')
        parser->at++;
}

static bool take(struct parser *parser, char byte)
{
    skip_space(parser);
    if (peek(parser) != byte)
        return false;
    parser->at++;
    return true;
}

static void expect(struct parser *parser, char byte, const char *sentence)
{
    if (!take(parser, byte))
        refuse(parser, sentence);
}

static uint32_t take_hexadecimal(struct parser *parser)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++, parser->at++) {
        char byte = peek(parser);
        if (byte >= '0' && byte <= '9')
            unit = unit * 16 + (uint32_t)(byte - '0');
        else if ((byte | 32) >= 'a' && (byte | 32) <= 'f')
            unit = unit * 16 + (uint32_t)((byte | 32) - 'a' + 10);
        else
            refuse(parser, "\\u needs four hexadecimal digits");
    }
    return unit;
}

/* The character of an escape; the parser stands behind the backslash. */
static uint32_t take_escape(struct parser *parser)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char byte = peek(parser);
    const char *letter = byte != 0 ? strchr(letters, byte) : NULL;
    parser->at++;
    if (letter != NULL)
        return (uint32_t)meanings[letter - letters];
    if (byte != 'u')
        refuse(parser, "an escape that JSON does not know");
    uint32_t unit = take_hexadecimal(parser);
    if (unit < 0xd800 || unit > 0xdfff)
        return unit;
    if (unit > 0xdbff || parser->end - parser->at < 6 || memcmp(parser->at, "\\u", 2) != 0)
        refuse(parser, "half of a pair of surrogates");
    parser->at += 2;
    uint32_t low = take_hexadecimal(parser);
    if (low < 0xdc00 || low > 0xdfff)
        refuse(parser, "half of a pair of surrogates");
    return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/* A character that stands for itself: no control character, and UTF-8 in its shortest form. */
static uint32_t take_character(struct parser *parser)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)peek(parser);
    int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first < 0x20)
        refuse(parser, "a string without end, or a control character in it");
    bool valid = first < 0x80 || (first >= 0xc2 && first <= 0xf4);
    uint32_t character = more == 0 ? first : first & (0x3fu >> more);
    parser->at++;
    for (int i = 0; i < more && valid; i++, parser->at++) {
        unsigned char next = (unsigned char)peek(parser);
        valid = (next & 0xc0) == 0x80;
        character = character << 6 | (next & 0x3f);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (!valid || character < least[more] || character > 0x10ffff || surrogate)
        refuse(parser, "bytes that are not UTF-8");
    return character;
}

/* Writes a character as UTF-8 and returns its length. */
static size_t encode(uint32_t character, char *bytes)
{
    if (character < 0x80) {
        bytes[0] = (char)character;
        return 1;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, character >>= 6)
        bytes[i] = (char)(0x80 | (character & 0x3f));
    bytes[0] = (char)(0xf00 >> length | character);
    return length;
}

/* Parses a string behind its first quote; says whether it equals the first bytes of `text`. */
static bool parse_string(struct parser *parser, const char *text, size_t length)
{
    bool equal = true;
    for (;;) {
        char byte = peek(parser), bytes[4];
        if (byte == '"') {
            parser->at++;
            return equal && length == 0;
        }
        if (byte == '\\')
            parser->at++;
        uint32_t character = byte == '\\' ? take_escape(parser) : take_character(parser);
        size_t encoded = encode(character, bytes);
        equal = equal && encoded <= length && memcmp(bytes, text, encoded) == 0;
        if (equal) {
            text += encoded;
            length -= encoded;
        }
    }
}

static void take_digits(struct parser *parser)
{
    if (peek(parser) < '0' || peek(parser) > '9')
        refuse(parser, "a number without digits, or no value at all");
    while (peek(parser) >= '0' && peek(parser) <= '9')
        parser->at++;
}

static void parse_number(struct parser *parser)
{
    if (peek(parser) == '-')
        parser->at++;
    if (peek(parser) == '0')
        parser->at++;
    else
        take_digits(parser);
    if (peek(parser) == '.') {
        parser->at++;
        take_digits(parser);
    }
    if ((peek(parser) | 32) == 'e') {
        parser->at++;
        if (peek(parser) == '+' || peek(parser) == '-')
            parser->at++;
        take_digits(parser);
    }
}

/* A number, true, false or null; says whether it is written like the value. */
static bool parse_literal(struct parser *parser)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *start = parser->at;
    for (size_t i = 0; i < 3 && parser->at == start; i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(parser->end - start) >= length && memcmp(start, words[i], length) == 0)
            parser->at += length;
    }
    if (parser->at == start)
        parse_number(parser);
    size_t length = (size_t)(parser->at - start);
    return length == strlen(parser->value) && memcmp(start, parser->value, length) == 0;
}

/* Parses an object behind its brace. Of equal names the last one counts, as in most readers. */
static void parse_object(struct parser *parser, const char *field, int depth)
{
    const char *point = field != NULL ? strchr(field, '.') : NULL;
    size_t length = field == NULL ? 0 : point != NULL ? (size_t)(point - field) : strlen(field);
    if (take(parser, '}'))
        return;
    do {
        expect(parser, '"', "an object needs a name in quotes");
        bool named = parse_string(parser, field, length) && field != NULL;
        expect(parser, ':', "a name needs a colon");
        if (named)
            parser->found = false;
        parse_value(parser, !named ? NULL : point != NULL ? point + 1 : "", depth + 1);
    } while (take(parser, ','));
    expect(parser, '}', "an object needs a comma or its end");
}

/*
 * Parses a value. `field` is the rest of the path from here: empty when this is the value that is
 * looked for, NULL when it lies off the path.
 */
static void parse_value(struct parser *parser, const char *field, int depth)
{
    if (depth > DEEPEST)
        refuse(parser, "nested deeper than 64");
    bool wanted = field != NULL && *field == 0;
    if (take(parser, '{')) {
        parse_object(parser, wanted ? NULL : field, depth);
    } else if (take(parser, '[')) {
        if (take(parser, ']'))
            return;
        do
            parse_value(parser, NULL, depth + 1);
        while (take(parser, ','));
        expect(parser, ']', "an array needs a comma or its end");
    } else if (take(parser, '"')) {
        bool equal = parse_string(parser, parser->value, strlen(parser->value));
        parser->found = wanted ? equal : parser->found;
    } else {
        bool equal = parse_literal(parser);
        parser->found = wanted ? equal : parser->found;
    }
}

/* Whether the field of the object on this line has the value. */
static bool matches(struct parser parser, const char *field)
{
    skip_space(&parser);
    if (peek(&parser) != '{')
        refuse(&parser, "not a JSON object");
    parse_value(&parser, field, 1);
    skip_space(&parser);
    if (parser.at != parser.end)
        refuse(&parser, "something behind the object");
    return parser.found;
}

int main(int count, char **arguments)
{
    if (count != 3)
        fail("two arguments are needed: field value");
    const char *field = arguments[1];
    size_t length = strlen(field);
    if (length == 0 || field[0] == '.' || field[length - 1] == '.' || strstr(field, "..") != NULL)
        fail("field: names with points between them");
    struct slice slice = read_slice();
    const char *at = slice.bytes, *end = slice.bytes + slice.length;
    for (size_t line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline != NULL ? newline : end;
        if (line_end > at && matches((struct parser){at, line_end, line, arguments[2], false}, field)) {
            put_bytes(at, (size_t)(line_end - at));
            put_bytes("\n", 1);
        }
        at = line_end + 1;
    }
    finish();
    return 0;
}
