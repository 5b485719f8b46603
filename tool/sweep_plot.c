/*
 * Drawing a sweep. The median is a line, least and most are bars. Values of the first parameter stand where their
 * numbers are when all of them are quantities of one kind, and side by side otherwise.
 */
#include "tool/sweep_plot.h"

#include <inttypes.h>
#include <string.h>

#include "lab/scenario_quantity.h"
#include "lab/scenario_yaml.h"

#define WIDTH 960
#define PANEL_HEIGHT 420
/** An axis whose numbers are that far apart is logarithmic. */
#define LOGARITHMIC 30

/** How numbers of a kind are told on an axis. */
struct scale {
    uint64_t divisor;
    const char *unit;
    bool logarithmic;
    bool numbers;
    bool nothing; /**< All of it is 0. */
};

/** A value of a parameter as a number: shares in millionths, times in nanoseconds, rates in bits per second. */
static bool number_of(const char *text, uint64_t *number, int *kind)
{
    strata_time time;
    uint32_t share;
    struct quantity quantity;
    *kind = 0;
    if (strspn(text, "0123456789") == strlen(text)) {
        bool read = quantity_parse(text, &quantity) == 0;
        *number = read ? quantity.value / 1000 : 0; // in millionths
        return read;
    }
    *kind = 1;
    if (strchr(text, '%') && parse_share(text, &share) == 0) {
        *number = share;
        return true;
    }
    *kind = 2;
    if (parse_duration(text, &time) == 0) {
        *number = (uint64_t)time;
        return true;
    }
    *kind = 3;
    if (parse_rate(text, number) == 0)
        return true;
    *kind = 4;
    return parse_bytes(text, number) == 0;
}

/** A zero goes with everything. */
static bool read_axis(const struct grid_axis *axis, uint64_t *numbers, int *kind)
{
    *kind = -1;
    for (unsigned i = 0; i < axis->count; i++) {
        int one;
        if (!number_of(axis->values[i], &numbers[i], &one))
            return false;
        if (numbers[i] == 0)
            continue;
        if (*kind >= 0 && one != *kind)
            return false;
        *kind = one;
    }
    *kind = *kind < 0 ? 0 : *kind;
    return true;
}

static struct scale scale_of_axis(const struct grid_axis *axis, uint64_t *numbers)
{
    int kind;
    struct scale scale = {.numbers = read_axis(axis, numbers, &kind), .divisor = 1, .unit = ""};
    if (!scale.numbers)
        return scale;
    uint64_t least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < axis->count; i++) {
        least = numbers[i] < least ? numbers[i] : least;
        most = numbers[i] > most ? numbers[i] : most;
    }
    scale.logarithmic = axis->count > 2 && least > 0 && most / least >= LOGARITHMIC;
    if (kind == 0) {
        scale.divisor = 1000000;
    } else if (kind == 1) {
        scale.divisor = 10000;
        scale.unit = " (%)";
    } else if (kind == 2) {
        scale.divisor = most >= 2000000000 ? 1000000000 : most >= 2000000 ? 1000000 : 1000;
        scale.unit = most >= 2000000000 ? " (s)" : most >= 2000000 ? " (ms)" : " (us)";
    } else if (kind == 3) {
        scale.divisor = most >= 2000000 ? 1000000 : 1000;
        scale.unit = most >= 2000000 ? " (Mbit/s)" : " (kbit/s)";
    } else {
        scale.divisor = most >= 4096 ? 1024 : 1;
        scale.unit = most >= 4096 ? " (KiB)" : " (bytes)";
    }
    return scale;
}

static struct scale scale_of_series(const struct sweep_series *series, uint64_t points)
{
    struct scale scale = {.divisor = 1, .unit = "", .numbers = true};
    uint64_t most = 0;
    struct scenario_value kind = {0};
    for (uint64_t i = 0; i < points; i++) {
        if (!series->points[i] || series->points[i]->count == 0)
            continue;
        kind = spread_at(series->points[i], 100);
        most = kind.number > 0 && (uint64_t)kind.number > most ? (uint64_t)kind.number : most;
    }
    scale.nothing = most == 0;
    if (kind.is_time) {
        scale.divisor = most >= 2000000000 ? 1000000000 : most >= 2000000 ? 1000000 : 1000;
        scale.unit = most >= 2000000000 ? " (s)" : most >= 2000000 ? " (ms)" : " (us)";
    } else if (kind.is_rate) {
        scale.divisor = most >= 2000000 ? 1000000 : 1000;
        scale.unit = most >= 2000000 ? " (Mbit/s)" : " (kbit/s)";
    } else if (kind.in_billionths) {
        scale.divisor = 1000000000;
    }
    return scale;
}

/** gnuplot divides: what it is told stays whole. */
static void write_number(FILE *to, int64_t number, uint64_t divisor)
{
    bool negative = number < 0;
    uint64_t value = negative ? (uint64_t)-number : (uint64_t)number;
    // Six digits behind the point are more than a picture shows.
    uint64_t part = value % divisor, scaled = divisor > 1 ? part * 1000 / divisor * 1000 : 0;
    if (divisor > 1)
        scaled += (part * 1000 % divisor) * 1000 / divisor;
    fprintf(to, "%s%" PRIu64 ".%06" PRIu64, negative ? "-" : "", value / divisor, scaled);
}

/** The points of one line: those at which all parameters but the first have the values of a combination. */
static void write_line(FILE *to, const struct grid *grid, const struct sweep_series *series, uint64_t rest,
                       const uint64_t *numbers, const struct scale *x, const struct scale *y)
{
    uint64_t per_value = grid_points(grid) / grid->axes[0]->count;
    for (unsigned i = 0; i < grid->axes[0]->count; i++) {
        struct spread *spread = series->points[i * per_value + rest];
        if (!spread || spread->count == 0)
            continue;
        if (x->numbers)
            write_number(to, (int64_t)numbers[i], x->divisor);
        else
            fprintf(to, "%u", i);
        for (unsigned j = 0; j < 3; j++) {
            fputc(' ', to);
            write_number(to, spread_at(spread, j == 0 ? 50 : j == 1 ? 0 : 100).number, y->divisor);
        }
        fputc('\n', to);
    }
}

static void write_combination(FILE *to, const struct grid *grid, uint64_t rest)
{
    char text[300] = "";
    size_t length = 0;
    for (unsigned axis = 1; axis < grid->count && length < sizeof text; axis++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s=%s", axis > 1 ? ", " : "",
                                   grid->axes[axis]->name, grid_value(grid, rest, axis));
    gnuplot_text(to, text);
}

static void write_axis(FILE *to, const struct grid_axis *axis, const struct scale *x, bool last)
{
    char label[200];
    snprintf(label, sizeof label, "%s%s", axis->name, x->unit);
    fputs(last ? "set xlabel " : "unset xlabel\n", to);
    if (last) {
        gnuplot_text(to, label);
        fputc('\n', to);
    }
    if (x->numbers) {
        fprintf(to, "%s\nset autoscale xfix\nset offsets graph 0.02, graph 0.02, 0, 0\n",
                x->logarithmic ? "set logscale x" : "unset logscale x");
        return;
    }
    fputs("set xtics (", to);
    for (unsigned i = 0; i < axis->count; i++) {
        fputs(i ? ", " : "", to);
        gnuplot_text(to, axis->values[i]);
        fprintf(to, " %u", i);
    }
    fprintf(to, ")\nset xrange [-0.5:%u.5]\n", axis->count - 1);
}

static void draw_panel(FILE *to, const struct grid *grid, const struct sweep_series *series, unsigned number,
                       unsigned panels, const uint64_t *numbers, const struct scale *x)
{
    static const char *const colours[] = {"#14508c", "#b4461f", "#3b7d3f", "#7a3e9d", "#8a6d00", "#3a8a96"};
    uint64_t points = grid_points(grid), lines = points / grid->axes[0]->count;
    struct scale y = scale_of_series(series, points);
    bool bars = false;
    for (uint64_t i = 0; i < points; i++)
        bars = bars || (series->points[i] && series->points[i]->count > 1);
    for (uint64_t line = 0; line < lines; line++) {
        fprintf(to, "$s%un%" PRIu64 " << EOD\n", number, line);
        write_line(to, grid, series, line, numbers, x, &y);
        fputs("EOD\n", to);
    }
    write_axis(to, grid->axes[0], x, number + 1 == panels);
    fprintf(to, "set yrange [0:%s]\n", y.nothing ? "1" : "*");
    fprintf(to, "set origin 0, 0.%03u\nset size 1, 0.%03u\nset ylabel ", (panels - 1 - number) * (940 / panels),
            940 / panels);
    char label[200];
    snprintf(label, sizeof label, "%s%s", series->name, y.unit);
    gnuplot_text(to, label);
    fputs("\nplot ", to);
    for (uint64_t line = 0; line < lines; line++) {
        const char *colour = colours[line % (sizeof colours / sizeof *colours)];
        fprintf(to, "%s$s%un%" PRIu64 " using 1:2 with lines linewidth 2 linecolor rgb '%s' title ", line ? ", " : "",
                number, line, colour);
        write_combination(to, grid, line);
        fprintf(to, ", $s%un%" PRIu64 " using 1:2%s pointtype 7 pointsize 0.5 linecolor rgb '%s' notitle", number, line,
                bars ? ":3:4 with yerrorbars" : " with points", colour);
    }
    fputc('\n', to);
}

void sweep_plot(const struct gnuplot *gnuplot, const char *title, const struct grid *grid,
                const struct sweep_series *series, unsigned count)
{
    uint64_t numbers[GRID_VALUES_MAX];
    FILE *to = gnuplot->script;
    struct scale x = scale_of_axis(grid->axes[0], numbers);
    gnuplot_terminal(gnuplot, WIDTH, PANEL_HEIGHT * (count ? count : 1));
    fputs("set multiplot title ", to);
    gnuplot_text(to, title);
    fputs("\nset lmargin 12\nset rmargin 3\nset grid linecolor rgb '#dde3ea'\nset border 3 linecolor rgb '#6b7a8d'\n"
          "set tics nomirror\nset key outside top right horizontal samplen 2\n",
          to);
    for (unsigned i = 0; i < count; i++)
        draw_panel(to, grid, &series[i], i, count, numbers, &x);
    fputs("unset multiplot\n", to);
}
