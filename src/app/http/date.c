/**
 * Dates of HTTP (RFC 9110 5.6.7): written as IMF-fixdate, read in all three formats. Integer arithmetic on
 * the proleptic Gregorian calendar; no library's time zone has a say.
 */
#include "app/http/message.h"

#include <errno.h>
#include <stdio.h>

static const char days[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/** Days since 1970-01-01 of a date with year >= 0; month 1 to 12. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t z, int64_t *year, int *month, int *day)
{
    z += 719468;
    int64_t era = z / 146097, day_of_era = z % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted = (int)((5 * day_of_year + 2) / 153);
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

void http_date_format(int64_t seconds, char text[HTTP_DATE_TEXT])
{
    const int64_t last = 253402300799; // The end of the year 9999.
    seconds = seconds < 0 ? 0 : seconds > last ? last : seconds;
    int64_t day_number = seconds / 86400, year;
    int month, day;
    unsigned rest = (unsigned)(seconds % 86400);
    civil_from_days(day_number, &year, &month, &day);
    // The remainders change nothing; they show the compiler that it fits.
    snprintf(text, HTTP_DATE_TEXT, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days[(day_number + 4) % 7],
             (unsigned)day % 100u, months[month - 1], (unsigned)year % 10000u, rest / 3600 % 100u,
             rest / 60 % 60u, rest % 60u);
}

/** What is being read; any mismatch sets failed. */
struct scan {
    const char *text;
    size_t left;
    bool failed;
};

static void expect(struct scan *scan, const char *text)
{
    size_t length = strlen(text);
    if (scan->left < length || memcmp(scan->text, text, length) != 0) {
        scan->failed = true;
        return;
    }
    scan->text += length;
    scan->left -= length;
}

/** Exactly `digits` digits; with `blank`, the first may be a space. */
static int digits(struct scan *scan, int count, bool blank)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (scan->left == 0) {
            scan->failed = true;
            return 0;
        }
        char c = *scan->text;
        if (i == 0 && blank && c == ' ')
            c = '0';
        if (c < '0' || c > '9')
            scan->failed = true;
        value = value * 10 + (c - '0');
        scan->text++;
        scan->left--;
    }
    return value;
}

static int month_name(struct scan *scan)
{
    for (int i = 0; i < 12; i++)
        if (scan->left >= 3 && memcmp(scan->text, months[i], 3) == 0) {
            scan->text += 3;
            scan->left -= 3;
            return i + 1;
        }
    scan->failed = true;
    return 1;
}

/** The day's name: @return 3 for "Sun", its whole length for "Sunday", 0. */
static size_t day_name(struct scan *scan)
{
    for (int i = 0; i < 7; i++) {
        size_t whole = strlen(days[i]);
        size_t length = scan->left >= whole && memcmp(scan->text, days[i], whole) == 0 ? whole : 3;
        if (scan->left >= length && memcmp(scan->text, days[i], length) == 0) {
            scan->text += length;
            scan->left -= length;
            return length;
        }
    }
    return 0;
}

struct civil {
    int year, month, day, hour, minute, second;
};

static void scan_clock(struct scan *scan, struct civil *c)
{
    c->hour = digits(scan, 2, false);
    expect(scan, ":");
    c->minute = digits(scan, 2, false);
    expect(scan, ":");
    c->second = digits(scan, 2, false);
}

/** RFC 9110 5.6.7: a two-digit year that seems more than 50 years ahead is the latest one in the past. */
static int two_digit_year(int digits2, int64_t now_s)
{
    int64_t now_year;
    int month, day;
    civil_from_days((now_s < 0 ? 0 : now_s) / 86400, &now_year, &month, &day);
    int year = (int)(now_year / 100 * 100) + digits2;
    return year > now_year + 50 ? year - 100 : year;
}

int http_date_parse(struct http_slice text, int64_t now_s, int64_t *seconds)
{
    struct scan scan = {text.text, text.length, false};
    struct civil c = {0};
    size_t name = day_name(&scan);
    if (name == 0)
        return -EINVAL;
    if (scan.left > 1 && scan.text[0] == ' ') { // asctime: "Sun Nov  6 08:49:37 1994"
        expect(&scan, " ");
        c.month = month_name(&scan);
        expect(&scan, " ");
        c.day = digits(&scan, 2, true);
        expect(&scan, " ");
        scan_clock(&scan, &c);
        expect(&scan, " ");
        c.year = digits(&scan, 4, false);
    } else {
        bool imf = name == 3; // "Sun, 06 Nov 1994 08:49:37 GMT", else "Sunday, 06-Nov-94 08:49:37 GMT"
        expect(&scan, ", ");
        c.day = digits(&scan, 2, false);
        expect(&scan, imf ? " " : "-");
        c.month = month_name(&scan);
        expect(&scan, imf ? " " : "-");
        c.year = imf ? digits(&scan, 4, false) : two_digit_year(digits(&scan, 2, false), now_s);
        expect(&scan, " ");
        scan_clock(&scan, &c);
        expect(&scan, " GMT");
    }
    if (scan.failed || scan.left != 0 || c.day < 1 || c.day > 31 || c.hour > 23 || c.minute > 59 ||
        c.second > 60)
        return -EINVAL;
    if (c.year < 1601)
        return -EINVAL;
    *seconds = days_from_civil(c.year, c.month, c.day) * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
    return 0;
}
