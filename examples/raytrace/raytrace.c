/*
 * One tile of a picture of spheres above a checkered floor, as raw RGB, three bytes a pixel, row by
 * row: soft shadows, reflections, several samples a pixel.
 *
 * Only + - * / and the square root on doubles are used, which WebAssembly defines to the last bit.
 * What looks random is a hash of pixel and sample, so a pixel does not depend on its tile.
 */
#include "../slice.h"

#include <stdbool.h>

const char program_name[] = "raytrace";

#define REFLECTIONS 4
#define NEAR 1e-6

struct vector {
    double x, y, z;
};

struct ray {
    struct vector from, along;
};

struct surface {
    struct vector colour;
    double mirror; /* share of light that is reflected when seen from straight above */
};

struct sphere {
    struct vector centre;
    double radius;
    struct surface surface;
};

struct hit {
    double distance;
    struct vector point, normal;
    struct surface surface;
};

/* A point of a sequence that covers the unit square evenly. */
struct sample {
    double u, v;
};

static const struct sphere spheres[] = {
    {{0.0, 1.0, 0.0}, 1.0, {{0.92, 0.94, 0.97}, 0.82}},
    {{-2.15, 0.75, 0.55}, 0.75, {{0.85, 0.16, 0.12}, 0.10}},
    {{2.05, 0.85, 0.35}, 0.85, {{0.10, 0.30, 0.78}, 0.12}},
    {{-1.0, 0.42, 1.75}, 0.42, {{0.98, 0.72, 0.16}, 0.30}},
    {{0.95, 0.36, 1.70}, 0.36, {{0.14, 0.62, 0.34}, 0.08}},
    {{0.05, 0.22, 2.15}, 0.22, {{0.93, 0.90, 0.84}, 0.04}},
    {{-3.4, 1.15, -2.2}, 1.15, {{0.55, 0.36, 0.72}, 0.18}},
    {{3.6, 1.35, -2.6}, 1.35, {{0.95, 0.86, 0.62}, 0.55}},
    {{0.6, 0.16, 2.75}, 0.16, {{0.90, 0.34, 0.50}, 0.10}},
    {{-0.62, 0.15, 2.6}, 0.15, {{0.20, 0.68, 0.78}, 0.10}},
};
#define SPHERES (sizeof spheres / sizeof spheres[0])

static const struct vector lamp = {-4.5, 7.5, 5.0};
#define LAMP_RADIUS 0.8
#define LAMP_POWER 90.0
#define LAMP_RAYS 4

static struct vector add(struct vector a, struct vector b)
{
    return (struct vector){a.x + b.x, a.y + b.y, a.z + b.z};
}

static struct vector subtract(struct vector a, struct vector b)
{
    return (struct vector){a.x - b.x, a.y - b.y, a.z - b.z};
}

static struct vector scale(struct vector a, double by)
{
    return (struct vector){a.x * by, a.y * by, a.z * by};
}

static struct vector filter(struct vector light, struct vector colour)
{
    return (struct vector){light.x * colour.x, light.y * colour.y, light.z * colour.z};
}

static double dot(struct vector a, struct vector b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vector cross(struct vector a, struct vector b)
{
    return (struct vector){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static struct vector unit(struct vector a)
{
    return scale(a, 1 / __builtin_sqrt(dot(a, a)));
}

static uint32_t mix(uint32_t bits)
{
    bits = (bits ^ bits >> 16) * 0x7feb352d;
    bits = (bits ^ bits >> 15) * 0x846ca68b;
    return bits ^ bits >> 16;
}

/* The sample `index` of a pixel: steps that never repeat, from a start that the hash chooses. */
static struct sample sample_of(uint32_t hash, uint32_t index)
{
    uint32_t u = hash + index * 3242174889u, v = mix(hash) + index * 2447445414u;
    return (struct sample){u / 4294967296.0, v / 4294967296.0};
}

/* Distance along the ray to a sphere, or a negative number. */
static double distance_to(const struct sphere *sphere, struct ray ray)
{
    struct vector offset = subtract(sphere->centre, ray.from);
    double middle = dot(offset, ray.along);
    double inside = sphere->radius * sphere->radius - dot(offset, offset) + middle * middle;
    if (inside < 0)
        return -1;
    double half = __builtin_sqrt(inside);
    return middle - half > NEAR ? middle - half : middle + half;
}

static struct surface floor_at(struct vector point)
{
    /* Moved far from zero first, where cutting off the fraction rounds down. */
    uint32_t field = (uint32_t)(point.x + 100000) + (uint32_t)(point.z + 100000);
    struct vector light = {0.86, 0.84, 0.80}, dark = {0.16, 0.17, 0.20};
    return (struct surface){field % 2 ? light : dark, 0.12};
}

static bool find_hit(struct ray ray, struct hit *hit)
{
    const struct sphere *nearest = NULL;
    hit->distance = 1000;
    for (size_t i = 0; i < SPHERES; i++) {
        double distance = distance_to(&spheres[i], ray);
        if (distance > NEAR && distance < hit->distance) {
            hit->distance = distance;
            nearest = &spheres[i];
        }
    }
    if (ray.along.y < -NEAR && -ray.from.y / ray.along.y < hit->distance) {
        hit->distance = -ray.from.y / ray.along.y;
        hit->point = add(ray.from, scale(ray.along, hit->distance));
        hit->point.y = NEAR;
        hit->normal = (struct vector){0, 1, 0};
        hit->surface = floor_at(hit->point);
        return true;
    }
    if (nearest == NULL)
        return false;
    struct vector point = add(ray.from, scale(ray.along, hit->distance));
    hit->normal = scale(subtract(point, nearest->centre), 1 / nearest->radius);
    hit->point = add(point, scale(hit->normal, NEAR));
    hit->surface = nearest->surface;
    return true;
}

static bool is_lit(struct vector point, struct vector towards, double distance)
{
    for (size_t i = 0; i < SPHERES; i++) {
        double blocked = distance_to(&spheres[i], (struct ray){point, towards});
        if (blocked > NEAR && blocked < distance)
            return false;
    }
    return true;
}

static struct vector sky(struct vector along)
{
    double height = along.y > 0 ? along.y : 0, haze = (1 - height) * (1 - height);
    struct vector zenith = {0.12, 0.26, 0.55}, horizon = {0.80, 0.86, 0.92};
    return add(scale(zenith, 1 - haze), scale(horizon, haze));
}

/* A point on the lamp. The sample is wrapped around a ball with roots in place of angles. */
static struct vector point_on_lamp(struct sample sample)
{
    double height = sample.u * 2 - 1, ring = __builtin_sqrt(1 - height * height);
    double turn = sample.v * 4 - 2, side = turn < 0 ? -1 : 1;
    double across = turn * side - 1, along = __builtin_sqrt(1 - across * across) * side;
    struct vector offset = {ring * across, height, ring * along};
    return add(lamp, scale(offset, LAMP_RADIUS));
}

/* Light that leaves a surface by itself: from the lamp, and a little from everywhere. */
static struct vector own_light(const struct hit *hit, uint32_t hash, uint32_t index)
{
    double lit = 0;
    for (uint32_t ray = 0; ray < LAMP_RAYS; ray++) {
        struct vector end = point_on_lamp(sample_of(hash, index * LAMP_RAYS + ray));
        struct vector to_lamp = subtract(end, hit->point);
        double distance = __builtin_sqrt(dot(to_lamp, to_lamp));
        struct vector towards = scale(to_lamp, 1 / distance);
        double facing = dot(towards, hit->normal);
        if (facing > 0 && is_lit(hit->point, towards, distance))
            lit += facing / (distance * distance);
    }
    struct vector warm = {1.0, 0.95, 0.86}, ambient = scale(sky(hit->normal), 0.22);
    struct vector light = scale(warm, LAMP_POWER / LAMP_RAYS * lit);
    return filter(add(light, ambient), hit->surface.colour);
}

static struct vector trace(struct ray ray, uint32_t hash, uint32_t index)
{
    struct vector light = {0, 0, 0}, passing = {1, 1, 1};
    for (int bounce = 0; bounce <= REFLECTIONS; bounce++) {
        struct hit hit;
        if (!find_hit(ray, &hit))
            return add(light, filter(sky(ray.along), passing));
        double seen = -dot(ray.along, hit.normal), graze = 1 - (seen > 0 ? seen : 0);
        double squared = graze * graze, mirror = hit.surface.mirror;
        mirror += (1 - mirror) * squared * squared * graze;
        /* Far away everything fades into the horizon. */
        double clear = 1 / (1 + hit.distance * hit.distance * 0.0008);
        struct vector haze = scale(sky((struct vector){1, 0, 0}), 1 - clear);
        struct vector own = scale(own_light(&hit, hash, index), clear * (1 - mirror));
        light = add(light, filter(add(haze, own), passing));
        passing = scale(passing, clear * mirror);
        if (mirror > 0.3)
            passing = filter(passing, hit.surface.colour);
        if (passing.x + passing.y + passing.z < 0.02)
            break;
        ray.from = hit.point;
        ray.along = subtract(ray.along, scale(hit.normal, 2 * dot(ray.along, hit.normal)));
    }
    return light;
}

/* Brighter than white stays white; the root is the curve of a screen. */
static unsigned char shade(double light)
{
    return (unsigned char)(__builtin_sqrt(light < 1 ? light : 1) * 255 + 0.5);
}

int main(int count, char **arguments)
{
    if (count != 4)
        fail("three arguments are needed: width height samples");
    uint32_t width = (uint32_t)number_argument(arguments[1], 1, 65536, "width: 1 to 65536 pixels");
    uint32_t height = (uint32_t)number_argument(arguments[2], 1, 65536, "height: 1 to 65536 pixels");
    uint32_t samples = (uint32_t)number_argument(arguments[3], 1, 4096, "samples: 1 to 4096");
    struct tile tile = read_tile(width, height);

    struct vector eye = {0.6, 1.9, 7.4}, target = {0.0, 0.72, 0.0};
    struct vector forward = unit(subtract(target, eye));
    struct vector right = unit(cross(forward, (struct vector){0, 1, 0}));
    struct vector up = cross(right, forward);
    for (uint32_t row = tile.y; row < tile.y + tile.height; row++) {
        for (uint32_t column = tile.x; column < tile.x + tile.width; column++) {
            uint32_t hash = mix(column + mix(row + 1));
            struct vector sum = {0, 0, 0};
            for (uint32_t index = 0; index < samples; index++) {
                struct sample lens = sample_of(hash, index);
                double x = ((column + lens.u) / width - 0.5) * 1.04;
                double y = (0.5 * height - row - lens.v) / width * 1.04;
                struct vector along = add(forward, add(scale(right, x), scale(up, y)));
                sum = add(sum, trace((struct ray){eye, unit(along)}, ~hash, index));
            }
            sum = scale(sum, 1.0 / samples);
            unsigned char pixel[3] = {shade(sum.x), shade(sum.y), shade(sum.z)};
            put_bytes(pixel, sizeof pixel);
        }
    }
    finish();
    return 0;
}
