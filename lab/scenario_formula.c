/*
 * ${...} in texts: parameters and variables, and computing with them in whole numbers.
 *
 *     ${loss}                          the text of a parameter, as it was given
 *     ${i:03}                          a number with zeros before it
 *     ${hosts - 1}  ${i / 250}         + - * / % and brackets; / rounds down
 *     ${delay * 2 + 5ms}               times, rates, shares and sizes keep their unit
 *     ${rate * rtt / 8 / 1500}         a rate times a time is a number of bits, bits over a rate are a time
 *     ${address('10.0.0.0/16', i)}     the i-th address of a prefix, with its length
 *     ${host('10.0.0.0/16', i)}        without
 *     ${min(i, 5)}  ${max(i, 5)}
 *
 * $${ is a plain ${. What overflows or divides by zero is told, never rounded away.
 */
#include "lab/scenario_expand.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_BYTES_MAX (64u << 20) /**< All results together: a formula must not make a small file endless. */
#define FORMULA_DEPTH_MAX 32

enum unit { UNIT_NONE, UNIT_TIME, UNIT_RATE, UNIT_SHARE, UNIT_TEXT };
static const char *const unit_names[] = {"a number", "a time", "a rate", "a share", "a text"};

struct value {
    enum unit unit;
    int64_t number;
    const char *text; /**< UNIT_TEXT, and of a variable alone: as it was given. */
};

struct formula {
    struct expander *expander;
    const struct variable *inner;
    const yaml_node_t *node;
    const char *start, *at, *end; /**< Between the braces. */
    int depth;
    bool failed;
};

static void fail(struct formula *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct formula *f, const char *format, ...)
{
    if (f->failed)
        return;
    f->failed = true;
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct complaints *complaints = f->expander->complaints;
    complain(complaints, place_of(f->node), "in ${%.*s}: %s", (int)(f->end - f->start), f->start, text);
    complaints->items[complaints->count - 1].alone = true;
}

const struct variable *variable_find(const struct variable *variables, const char *name, size_t length)
{
    while (variables && (strncmp(variables->name, name, length) != 0 || variables->name[length]))
        variables = variables->outer;
    return variables;
}

const struct variable *variable_add(struct expander *expander, const struct variable *outer, const char *name,
                                    const char *value)
{
    struct variable *variable = arena_take(&expander->scenario->arena, sizeof *variable);
    *variable = (struct variable){.outer = outer, .name = name, .value = value};
    return variable;
}

/* ---- Values ---------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_variable_name(const char *name)
{
    if (!is_letter(*name))
        return false;
    for (; *name; name++)
        if (!is_letter(*name) && !is_digit(*name) && !(*name == '-' && is_letter(name[1])))
            return false;
    return true;
}

/** What a text is worth in a formula: the same units as everywhere. */
static struct value value_of_text(const char *text)
{
    struct value value = {.text = text};
    bool negative = text[0] == '-' && is_digit(text[1]);
    strata_time time;
    uint64_t number;
    uint32_t share;
    if (parse_bytes(text + negative, &number) == 0 && number <= INT64_MAX)
        value.number = negative ? -(int64_t)number : (int64_t)number;
    else if (parse_duration(text, &time) == 0)
        value = (struct value){.unit = UNIT_TIME, .number = time, .text = text};
    else if (parse_rate(text, &number) == 0)
        value = (struct value){.unit = UNIT_RATE, .number = (int64_t)number, .text = text};
    else if (parse_share(text, &share) == 0)
        value = (struct value){.unit = UNIT_SHARE, .number = share, .text = text};
    else
        value.unit = UNIT_TEXT;
    return value;
}

static const char *text_of_value(struct formula *f, const struct value *value)
{
    static const struct {
        enum unit unit;
        int64_t factor;
        const char *name;
    } units[] = {
        {UNIT_TIME, INT64_C(1000000000), "s"}, {UNIT_TIME, 1000000, "ms"}, {UNIT_TIME, 1000, "us"},
        {UNIT_TIME, 1, "ns"},                  {UNIT_RATE, 1000000, "mbit"}, {UNIT_RATE, 1000, "kbit"},
        {UNIT_RATE, 1, "bit"},                 {UNIT_SHARE, 10000, "%"},   {UNIT_SHARE, 1, "ppm"},
        {UNIT_NONE, 1, ""},
    };
    if (value->text)
        return value->text;
    char text[40];
    size_t i = 0;
    while (units[i].unit != value->unit || value->number % units[i].factor != 0)
        i++;
    int length = snprintf(text, sizeof text, "%" PRId64 "%s", value->number / units[i].factor, units[i].name);
    return arena_text(&f->expander->scenario->arena, text, (size_t)length);
}

static bool is_number(struct formula *f, const struct value *value, const char *what)
{
    if (value->unit == UNIT_TEXT)
        fail(f, "%s is a text: %s with numbers, times, rates, shares and sizes only", value->text, what);
    return !f->failed;
}

/* ---- Computing ------------------------------------------------------------------------------------------- */

/** a * b / c, rounded down. The product may need 128 bits, which not every compiler has. */
static struct value scaled(struct formula *f, int64_t a, int64_t b, int64_t c, enum unit unit)
{
    struct value value = {.unit = unit};
    bool negative = (a < 0) ^ (b < 0) ^ (c < 0);
    uint64_t x = a < 0 ? -(uint64_t)a : (uint64_t)a, y = b < 0 ? -(uint64_t)b : (uint64_t)b;
    uint64_t divisor = c < 0 ? -(uint64_t)c : (uint64_t)c;
    uint64_t low = (x & UINT32_MAX) * (y & UINT32_MAX), middle = (x >> 32) * (y & UINT32_MAX) + (low >> 32);
    uint64_t other = (x & UINT32_MAX) * (y >> 32) + (middle & UINT32_MAX);
    uint64_t rest = (x >> 32) * (y >> 32) + (middle >> 32) + (other >> 32), result = 0;
    low = (other << 32) | (low & UINT32_MAX);
    bool fits = rest < divisor;
    for (int bit = 63; fits && bit >= 0; bit--) {
        bool carry = rest >> 63;
        rest = (rest << 1) | (low >> bit & 1);
        if (carry || rest >= divisor) {
            rest -= divisor;
            result |= UINT64_C(1) << bit;
        }
    }
    if (negative && rest != 0)
        result++;
    if (!fits || result > INT64_MAX)
        fail(f, "the result is too large");
    else
        value.number = negative ? -(int64_t)result : (int64_t)result;
    return value;
}

static struct value multiply(struct formula *f, const struct value *a, const struct value *b)
{
    if (a->unit == UNIT_NONE || b->unit == UNIT_NONE)
        return scaled(f, a->number, b->number, 1, a->unit == UNIT_NONE ? b->unit : a->unit);
    if ((a->unit == UNIT_RATE && b->unit == UNIT_TIME) || (a->unit == UNIT_TIME && b->unit == UNIT_RATE))
        return scaled(f, a->number, b->number, STRATA_SECOND, UNIT_NONE); // bits
    if (a->unit == UNIT_SHARE || b->unit == UNIT_SHARE) // a share of something
        return scaled(f, a->number, b->number, 1000000, a->unit == UNIT_SHARE ? b->unit : a->unit);
    fail(f, "%s times %s is nothing that can be told", unit_names[a->unit], unit_names[b->unit]);
    return *a;
}

static struct value divide(struct formula *f, const struct value *a, const struct value *b, char operation)
{
    if (b->number == 0) {
        fail(f, "a division by zero");
        return *a;
    }
    if (operation == '%') {
        if (a->unit != b->unit && b->unit != UNIT_NONE)
            fail(f, "%s has no rest by %s", unit_names[a->unit], unit_names[b->unit]);
        int64_t rest = b->number == -1 ? 0 : a->number % b->number;
        return (struct value){.unit = a->unit,
                              .number = rest != 0 && (rest < 0) != (b->number < 0) ? rest + b->number : rest};
    }
    if (b->unit == UNIT_NONE || a->unit == b->unit)
        return scaled(f, a->number, 1, b->number, b->unit == UNIT_NONE ? a->unit : UNIT_NONE);
    if (a->unit == UNIT_NONE && b->unit == UNIT_RATE) // bits over a rate
        return scaled(f, a->number, STRATA_SECOND, b->number, UNIT_TIME);
    if (a->unit == UNIT_NONE && b->unit == UNIT_TIME)
        return scaled(f, a->number, STRATA_SECOND, b->number, UNIT_RATE);
    fail(f, "%s over %s is nothing that can be told", unit_names[a->unit], unit_names[b->unit]);
    return *a;
}

static struct value compute(struct formula *f, const struct value *a, char operation, const struct value *b)
{
    if (!is_number(f, a, "computing goes") || !is_number(f, b, "computing goes"))
        return *a;
    if (operation == '*')
        return multiply(f, a, b);
    if (operation == '/' || operation == '%')
        return divide(f, a, b, operation);
    struct value result = {.unit = a->number != 0 || b->unit == UNIT_NONE ? a->unit : b->unit};
    if (a->unit != b->unit && a->number != 0 && b->number != 0)
        fail(f, "%s and %s cannot be %s", unit_names[a->unit], unit_names[b->unit],
             operation == '+' ? "added" : "subtracted");
    if (operation == '+' ? __builtin_add_overflow(a->number, b->number, &result.number)
                         : __builtin_sub_overflow(a->number, b->number, &result.number))
        fail(f, "the result is too large");
    return result;
}

/** The n-th address of a prefix, with its length or without. */
static struct value address_of(struct formula *f, const struct value *prefix, const struct value *index,
                               bool with_length)
{
    struct strata_address address;
    unsigned length;
    if (prefix->unit != UNIT_TEXT || strata_prefix_parse(prefix->text, &address, &length) != 0) {
        fail(f, "the first value must be a prefix such as '10.0.0.0/16'");
        return *prefix;
    }
    unsigned bits = strata_address_is_ipv4(&address) ? 32 - length : 128 - length;
    if (index->unit != UNIT_NONE || index->number < 0 || (bits < 63 && index->number >= INT64_C(1) << bits)) {
        fail(f, "%s has no address of that number", prefix->text);
        return *prefix;
    }
    uint64_t carry = (uint64_t)index->number;
    for (int i = 15; i >= 0 && carry > 0; i--) {
        carry += address.bytes[i];
        address.bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    char text[STRATA_ADDRESS_TEXT + 5];
    strata_address_format(&address, text, sizeof text);
    if (with_length)
        snprintf(text + strlen(text), 5, "/%u", length % 1000);
    return (struct value){.unit = UNIT_TEXT,
                          .text = arena_text(&f->expander->scenario->arena, text, strlen(text))};
}

/* ---- Parsing: sums of products of terms ------------------------------------------------------------------ */

static struct value sum(struct formula *f);

static char look(struct formula *f)
{
    while (f->at < f->end && (*f->at == ' ' || *f->at == '\t' || *f->at == '\n'))
        f->at++;
    return f->at < f->end ? *f->at : '\0';
}

static bool accept(struct formula *f, char c)
{
    if (look(f) != c)
        return false;
    f->at++;
    return true;
}

static void expect(struct formula *f, char c)
{
    if (!accept(f, c))
        fail(f, "expected %c %s%.10s", c, f->at < f->end ? "before " : "at the end", f->at < f->end ? f->at : "");
}

static const char *cut(struct formula *f, const char *from)
{
    return arena_text(&f->expander->scenario->arena, from, (size_t)(f->at - from));
}

/** A number with or without a unit. A % right behind it is a share's unless something to divide by follows. */
static struct value literal(struct formula *f)
{
    const char *from = f->at;
    while (f->at < f->end && (is_digit(*f->at) || *f->at == '.'))
        f->at++;
    if (f->at < f->end && *f->at == '%') {
        char next = f->at + 1 < f->end ? f->at[1] : '\0';
        if (!is_digit(next) && !is_letter(next) && next != '(')
            f->at++;
    } else {
        while (f->at < f->end && is_letter(*f->at))
            f->at++;
    }
    struct value value = value_of_text(cut(f, from));
    if (value.unit == UNIT_TEXT)
        fail(f, "%s is no number, time, rate, share or size", value.text);
    return value;
}

static struct value quoted(struct formula *f)
{
    char quote = *f->at++;
    const char *from = f->at;
    while (f->at < f->end && *f->at != quote)
        f->at++;
    struct value value = {.unit = UNIT_TEXT, .text = cut(f, from)};
    expect(f, quote);
    return value;
}

static const char *const functions[] = {"address", "host", "min", "max", NULL};

static struct value call(struct formula *f, const char *name)
{
    int which = 0;
    while (functions[which] && strcmp(functions[which], name) != 0)
        which++;
    struct value first = sum(f);
    expect(f, ',');
    struct value second = sum(f);
    expect(f, ')');
    if (f->failed)
        return first;
    if (which < 2)
        return address_of(f, &first, &second, which == 0);
    if (!functions[which]) {
        struct nearest nearest;
        nearest_begin(&nearest, name);
        for (int i = 0; functions[i]; i++)
            nearest_try(&nearest, functions[i]);
        fail(f, "there is no function %s%s; there are address, host, min and max", name, nearest_text(&nearest));
        return first;
    }
    if (!is_number(f, &first, "comparing goes") || !is_number(f, &second, "comparing goes"))
        return first;
    if (first.unit != second.unit)
        fail(f, "%s and %s cannot be compared", unit_names[first.unit], unit_names[second.unit]);
    return (first.number < second.number) == (which == 2) ? first : second;
}

static const struct variable *parameters_of(const struct formula *f)
{
    return source_of(f->expander, f->node)->parameters;
}

/** The value of a name: a variable's, a parameter's of the file and those that include it, or of any other file. */
static const char *look_up(const struct formula *f, const char *name, size_t length)
{
    const struct variable *variable = variable_find(f->inner, name, length);
    if (!variable)
        variable = variable_find(parameters_of(f), name, length);
    const struct scenario *scenario = f->expander->scenario;
    for (unsigned i = 0; !variable && i < scenario->parameters.count; i++) {
        const struct scenario_parameter *parameter = &scenario->parameters.items[i];
        if (strncmp(parameter->name, name, length) == 0 && !parameter->name[length])
            return parameter->value ? parameter->value : "";
    }
    return variable ? variable->value : NULL;
}

static struct value named(struct formula *f)
{
    const char *from = f->at;
    while (f->at < f->end &&
           (is_letter(*f->at) || is_digit(*f->at) || (*f->at == '-' && f->at + 1 < f->end && is_letter(f->at[1]))))
        f->at++;
    size_t length = (size_t)(f->at - from);
    // a-b is a name where there is one, and a difference elsewhere.
    const char *value = NULL;
    for (const char *end = f->at; !value && end > from; end--) {
        if (end != f->at && *end != '-')
            continue;
        value = look_up(f, from, (size_t)(end - from));
        if (value)
            f->at = end;
    }
    if (value)
        return value_of_text(value);
    const char *name = arena_text(&f->expander->scenario->arena, from, length);
    if (accept(f, '('))
        return call(f, name);
    struct nearest nearest;
    nearest_begin(&nearest, name);
    bool any = false;
    for (int part = 0; part < 2; part++)
        for (const struct variable *v = part ? parameters_of(f) : f->inner; v; v = v->outer)
            if (is_letter(v->name[0])) {
                nearest_try(&nearest, v->name);
                any = true;
            }
    for (unsigned i = 0; i < f->expander->scenario->parameters.count; i++)
        nearest_try(&nearest, f->expander->scenario->parameters.items[i].name);
    fail(f, "there is no parameter or variable %s%s%s", name, nearest_text(&nearest),
         any ? "" : "; a plain ${ is written $${");
    return (struct value){0};
}

static struct value term(struct formula *f)
{
    char c = look(f);
    struct value value = {0};
    if (++f->depth > FORMULA_DEPTH_MAX)
        fail(f, "too many brackets");
    if (f->failed)
        ; // once is enough
    else if (accept(f, '(')) {
        value = sum(f);
        expect(f, ')');
        value.text = value.unit == UNIT_TEXT ? value.text : NULL;
    } else if (accept(f, '-')) {
        struct value zero = {0}, positive = term(f);
        value = compute(f, &zero, '-', &positive);
    } else if (is_digit(c)) {
        value = literal(f);
    } else if (c == '\'' || c == '"') {
        value = quoted(f);
    } else if (is_letter(c)) {
        value = named(f);
    } else if (c) {
        fail(f, "%.*s is not understood", (int)(f->end - f->at), f->at);
    } else {
        fail(f, f->start == f->end ? "there is nothing in it" : "something is missing at the end");
    }
    f->depth--;
    return value;
}

static struct value product(struct formula *f)
{
    struct value value = term(f);
    for (char c; !f->failed && ((c = look(f)) == '*' || c == '/' || c == '%');) {
        f->at++;
        struct value second = term(f);
        value = f->failed ? value : compute(f, &value, c, &second);
    }
    return value;
}

static struct value sum(struct formula *f)
{
    struct value value = product(f);
    for (char c; !f->failed && ((c = look(f)) == '+' || c == '-');) {
        f->at++;
        struct value second = product(f);
        value = f->failed ? value : compute(f, &value, c, &second);
    }
    return value;
}

/** ":03" behind a formula: at least so many digits. */
static const char *padded(struct formula *f, const struct value *value)
{
    if (!accept(f, ':'))
        return text_of_value(f, value);
    int width = 0;
    while (f->at < f->end && is_digit(*f->at) && width < 10)
        width = width * 10 + (*f->at++ - '0');
    if (value->unit != UNIT_NONE || width < 1 || width > 20)
        fail(f, "a width such as :03 goes with a whole number");
    char text[40];
    int length = snprintf(text, sizeof text, "%0*" PRId64, width > 0 && width <= 20 ? width : 1, value->number);
    return arena_text(&f->expander->scenario->arena, text, (size_t)length);
}

/** The value of what stands between braces, or NULL after a complaint. */
static const char *evaluate(struct formula *f)
{
    struct value value = sum(f);
    const char *text = f->failed ? NULL : padded(f, &value);
    if (!f->failed && look(f))
        fail(f, "%.*s is not understood", (int)(f->end - f->at), f->at);
    return f->failed ? NULL : text;
}

/* ---- Filling --------------------------------------------------------------------------------------------- */

/** A text that grows in steps and ends in the arena. */
struct filled {
    char *bytes;
    size_t length, room;
};

static bool append(struct expander *expander, const yaml_node_t *node, struct filled *filled, const char *text,
                   size_t length)
{
    if (expander->text_bytes + length > TEXT_BYTES_MAX)
        return expand_full(expander, node, "text");
    if (filled->length + length + 1 > filled->room) {
        size_t room = (filled->length + length + 1) * 2;
        char *larger = arena_take(&expander->scenario->arena, room);
        if (filled->length > 0)
            memcpy(larger, filled->bytes, filled->length);
        filled->bytes = larger;
        filled->room = room;
    }
    memcpy(filled->bytes + filled->length, text, length);
    filled->length += length;
    expander->text_bytes += length;
    return true;
}

const char *formula_fill(struct expander *expander, const struct variable *inner, const yaml_node_t *node,
                         const char *text)
{
    const char *dollar = strstr(text, "${");
    if (!dollar)
        return text;
    struct filled filled = {0};
    for (; dollar; dollar = strstr(text, "${")) {
        bool plain = dollar > text && dollar[-1] == '$';
        if (!append(expander, node, &filled, text, (size_t)(dollar - text) - plain))
            return NULL;
        const char *end = plain ? NULL : strchr(dollar, '}');
        if (!plain && !end) {
            complain(expander->complaints, place_of(node), "%.40s has no } that closes it; a plain ${ is written $${",
                     dollar);
            expander->complaints->items[expander->complaints->count - 1].alone = true;
            return NULL;
        }
        struct formula f = {.expander = expander, .inner = inner, .node = node, .start = dollar + 2, .end = end};
        f.at = f.start;
        const char *value = plain ? "${" : evaluate(&f);
        if (!value || !append(expander, node, &filled, value, strlen(value)))
            return NULL;
        text = plain ? dollar + 2 : end + 1;
    }
    if (!append(expander, node, &filled, text, strlen(text)))
        return NULL;
    filled.bytes[filled.length] = '\0';
    return filled.bytes;
}
