/*
 * One tile of a picture of the Mandelbrot set, as raw RGB, three bytes a pixel, row by row.
 *
 * Only + - * / on doubles and integers are used, which WebAssembly defines to the last bit; the
 * logarithm for the smooth colours is therefore our own.
 */
#include "../slice.h"

#include <string.h>

const char program_name[] = "mandelbrot";

/* Samples along one side of a pixel. */
#define GRID 2
/* Far outside, where the smooth count no longer shows where it was cut: 2^16, of the square. */
#define ESCAPED 65536.0
#define ESCAPED_LOGARITHM 16.0

struct colour {
    double red, green, blue;
};

/* Colours around a ring; the last one is the first. */
static const struct stop {
    double at;
    struct colour colour;
} ring[] = {
    {0.0, {0, 7, 100}},    {0.16, {32, 107, 203}}, {0.42, {237, 255, 255}},
    {0.6425, {255, 170, 0}}, {0.8575, {40, 8, 20}},  {1.0, {0, 7, 100}},
};

/* Of a finite number of at least 1. Nine digits are right, which is enough for a colour. */
static double binary_logarithm(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | (uint64_t)1023 << 52;
    double mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa);
    double t = (mantissa - 1) / (mantissa + 1), square = t * t, series = 0;
    for (int k = 15; k > 0; k -= 2)
        series = series * square + 1.0 / k;
    return exponent + 2.8853900817779268 * t * series;
}

/* The smooth number of steps until the point escapes, or -1 when it stays. */
static double steps_to_escape(double x, double y, uint32_t iterations)
{
    double shifted = x - 0.25, square = y * y, q = shifted * shifted + square;
    if (q * (q + shifted) <= 0.25 * square || (x + 1) * (x + 1) + square <= 0.0625)
        return -1;
    double a = 0, b = 0, a2 = 0, b2 = 0;
    for (uint32_t step = 0; step < iterations; step++) {
        b = 2 * a * b + y;
        a = a2 - b2 + x;
        a2 = a * a;
        b2 = b * b;
        if (a2 + b2 > ESCAPED)
            return step + 1 - binary_logarithm(binary_logarithm(a2 + b2) / ESCAPED_LOGARITHM);
    }
    return -1;
}

static struct colour colour_of(double steps)
{
    if (steps < 0)
        return (struct colour){0, 0, 0};
    double turns = __builtin_sqrt(steps) * 0.17;
    double at = turns - (double)(uint32_t)turns;
    const struct stop *next = ring + 1;
    while (next->at < at)
        next++;
    const struct stop *last = next - 1;
    double t = (at - last->at) / (next->at - last->at);
    return (struct colour){
        last->colour.red + t * (next->colour.red - last->colour.red),
        last->colour.green + t * (next->colour.green - last->colour.green),
        last->colour.blue + t * (next->colour.blue - last->colour.blue),
    };
}

int main(int count, char **arguments)
{
    if (count != 7)
        fail("six arguments are needed: width height centre-x centre-y view-width iterations");
    uint32_t width = (uint32_t)number_argument(arguments[1], 1, 65536, "width: 1 to 65536 pixels");
    uint32_t height = (uint32_t)number_argument(arguments[2], 1, 65536, "height: 1 to 65536 pixels");
    double centre_x = decimal_argument(arguments[3], "centre-x: a number like -0.7435");
    double centre_y = decimal_argument(arguments[4], "centre-y: a number like 0.1314");
    double view = decimal_argument(arguments[5], "view-width: a number like 0.002");
    uint32_t iterations =
        (uint32_t)number_argument(arguments[6], 1, 1000000, "iterations: 1 to 1000000");
    if (!(view > 0) || view > 100)
        fail("view-width: more than 0, at most 100");
    if (!(centre_x >= -100 && centre_x <= 100 && centre_y >= -100 && centre_y <= 100))
        fail("centre: -100 to 100");
    struct tile tile = read_tile(width, height);

    double step = view / width / GRID;
    double left = centre_x - view / 2, top = centre_y + view / 2 * height / width;
    for (uint32_t row = tile.y; row < tile.y + tile.height; row++) {
        for (uint32_t column = tile.x; column < tile.x + tile.width; column++) {
            struct colour sum = {0, 0, 0};
            for (uint32_t sample = 0; sample < GRID * GRID; sample++) {
                double x = left + (column * GRID + sample % GRID + 0.5) * step;
                double y = top - (row * GRID + sample / GRID + 0.5) * step;
                struct colour colour = colour_of(steps_to_escape(x, y, iterations));
                sum.red += colour.red;
                sum.green += colour.green;
                sum.blue += colour.blue;
            }
            double share = 1.0 / (GRID * GRID);
            unsigned char pixel[3] = {(unsigned char)(sum.red * share + 0.5),
                                      (unsigned char)(sum.green * share + 0.5),
                                      (unsigned char)(sum.blue * share + 0.5)};
            put_bytes(pixel, sizeof pixel);
        }
    }
    finish();
    return 0;
}
